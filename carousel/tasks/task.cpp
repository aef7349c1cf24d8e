#include "carousel/tasks/task.h"

#include <fmt/format.h>

#include "carousel/base/error.h"

namespace carousel::tasks {

void PredictOptions::refuse_search(const char* rule, const char* instead) const {
  const char* flag = beam_size > nbest      ? "--beam"
                     : length_penalty >= 0  ? "--length-penalty"
                     : min_length >= 0      ? "--min-length"
                     : no_repeat_ngram >= 0 ? "--no-repeat-ngram"
                                            : nullptr;
  if (flag) throw ConfigError(fmt::format("{}; got {}. Leave it out; {}.", rule, flag, instead));
}

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
