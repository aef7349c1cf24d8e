// What stands in this library in place of training.
#include "carousel/base/error.h"
#include "carousel/engine/training.h"

namespace carousel::engine {

namespace {

[[noreturn]] void refuse() {
  throw UnsupportedError(
      "[c] this library runs models; got one to train. Train with the program, or link the whole library.");
}

}  // namespace

TrainReport run_training(tasks::Task& /*task*/, const TrainRequest& /*request*/, Observer& /*observer*/) {
  refuse();
}

std::string task_of_earlier_run(const std::string& /*output*/) {
  refuse();
}

}  // namespace carousel::engine
