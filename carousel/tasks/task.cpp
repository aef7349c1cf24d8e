#include "carousel/tasks/task.h"

#include <fmt/format.h>

#include "carousel/base/error.h"

namespace carousel::tasks {

GateTrace TaskModel::gates(const std::string&, const PredictOptions&) {
  throw UnsupportedError(fmt::format(
      "[inspect] gates are recorded by models with recurrent layers; got a model of task {}. Look at another model.",
      task()));
}

}  // namespace carousel::tasks
