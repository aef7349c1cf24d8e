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

FileAnswer TaskModel::predict_file(const std::string& file, const PredictOptions&) {
  throw UnsupportedError(
      fmt::format("[predict] a file is answered as a whole by models of numbers; got {} for one of task {}. Give its "
                  "lines.",
                  file, task()));
}

GateTrace TaskModel::gates(const std::string&, const PredictOptions&) {
  throw UnsupportedError(fmt::format(
      "[inspect] gates are recorded by models with recurrent layers; got a model of task {}. Look at another model.",
      task()));
}

}  // namespace carousel::tasks
