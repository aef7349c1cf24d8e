// What stands in this library in place of training and of recordings.
#include "carousel/base/error.h"
#include "carousel/data/frames/audio_features.h"
#include "carousel/data/frames/audio_file.h"
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

namespace carousel::data {

namespace {

[[noreturn]] void refuse() {
  throw UnsupportedError("[c] this library reads no recordings; got one. Use the program, or link the whole library.");
}

}  // namespace

struct FeatureMaker::Spectrum {};

FeatureMaker::FeatureMaker(const AudioFeatures& /*config*/) {
  refuse();
}

FeatureMaker::~FeatureMaker() = default;

std::vector<float> FeatureMaker::make(const std::vector<float>& /*samples*/) const {
  refuse();
}

Audio read_audio(const std::string& /*file*/, double /*max_seconds*/) {
  refuse();
}

Audio resample(const Audio& /*audio*/, int64_t /*sample_rate*/) {
  refuse();
}

}  // namespace carousel::data
