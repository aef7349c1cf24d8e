#include "carousel/tasks/task.h"

#include <fmt/format.h>

#include "carousel/base/error.h"

namespace carousel::tasks {

Streaming TaskModel::streaming() {
  throw UnsupportedError(
      fmt::format("[session] a session goes with a model that answers at each step of its input; got one of task {}, "
                  "which reads all of it first. Use predict.",
                  task()));
}

GateTrace TaskModel::gates(const std::string&, const PredictOptions&) {
  throw UnsupportedError(fmt::format(
      "[inspect] gates are recorded by models with recurrent layers; got a model of task {}. Look at another model.",
      task()));
}

}  // namespace carousel::tasks
