// The second thread of a step: the same bits, and no waiting for one that does not come.
#include "carousel/nn/stream_helper.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/base/threads.h"
#include "carousel/nn/sequence_model.h"
#include "tests/nn/cell_samples.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace stream_helper_test {

using namespace std::chrono_literals;

/// Adds one to the room's number, when it may.
class Adding final : public StreamHelper::Job {
 public:
  void run(int64_t stage, float* room) const override {
    while (held) std::this_thread::yield();
    room[0] += static_cast<float>(stage);
  }
  mutable std::atomic<bool> held{false};
};

TEST(StreamHelper, DoesOneJobAfterTheOther) {
  const auto job = std::make_shared<Adding>();
  StreamHelper helper(1, job);
  for (int64_t stage = 1; stage <= 100; ++stage) {
    ASSERT_TRUE(helper.is_free());
    helper.give(*job, stage);
    ASSERT_TRUE(helper.finished_by(StreamHelper::Clock::now() + 10s));
    if (stage == 50) std::this_thread::sleep_for(5ms);  // it goes to sleep meanwhile
  }
  EXPECT_EQ(helper.room()[0], 5050);
}

TEST(StreamHelper, IsNotWaitedForLongerThanAsked) {
  const auto job = std::make_shared<Adding>();
  job->held = true;
  StreamHelper helper(1, job);
  helper.give(*job, 7);
  EXPECT_FALSE(helper.finished_by(StreamHelper::Clock::now() + 2ms));
  EXPECT_FALSE(helper.is_free());
  job->held = false;
  EXPECT_TRUE(helper.finished_by(StreamHelper::Clock::now() + 10s));
  EXPECT_EQ(helper.room()[0], 7);
}

/// The conventions whose layers may be shared.
std::vector<CellOptions> fused() {
  std::vector<CellOptions> list;
  for (const CellOptions& o : testing::all_conventions())
    if (o.biases == 1 && make_cell(o)->fused<float>()) list.push_back(o);
  return list;
}

class TwoThreads : public ::testing::TestWithParam<CellOptions> {};

TEST_P(TwoThreads, GiveTheBitsOfOne) {
  SequenceModelConfig config;
  config.stack.cell = GetParam();
  config.stack.hidden_size = {70, 100};
  config.stack.zoneout = 0.1;
  config.input_size = 1200;
  config.pooling = "none";
  config.outputs = 3;
  SequenceModel model(config, 3);
  const auto packed = std::make_shared<const StreamModel>(model.stream_network());
  ASSERT_TRUE(packed->worth_two_threads());
  Stream one(packed), two(packed);
  two.set_threads(2);
  EXPECT_EQ(two.threads(), available_cores() > 1 ? 2 : 1);
  const Tensor x = testing::random_var({60, 1200}, 5, DType::f32, 1).value();
  for (size_t t = 0; t < 60; ++t) {
    const auto frame = x.span<float>().subspan(t * 1200, 1200);
    const auto a = one.step(frame), b = two.step(frame);
    ASSERT_TRUE(std::equal(a.begin(), a.end(), b.begin())) << "step " << t;
    if (t == 30) std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(std::equal(one.state().begin(), one.state().end(), two.state().begin()));
  Stream copy = two;
  EXPECT_EQ(copy.threads(), 1);
  two.set_threads(1);
  EXPECT_EQ(two.threads(), 1);
  const auto frame = x.span<float>().subspan(0, 1200);
  const auto a = copy.step(frame), b = two.step(frame);
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
}

INSTANTIATE_TEST_SUITE_P(Registry, TwoThreads, ::testing::ValuesIn(fused()),
                         [](const auto& param_info) { return testing::name_of(param_info.param); });

TEST(TwoThreads, AreRefusedInOtherNumbersAndNotTakenBySmallModels) {
  SequenceModelConfig config;
  config.stack.hidden_size = {8};
  config.input_size = 4;
  config.pooling = "none";
  Stream stream(std::make_shared<const StreamModel>(SequenceModel(config, 3).stream_network()));
  for (const int64_t threads : {-1, 0, 3})
    EXPECT_EQ(carousel::testing::error_of<ConfigError>([&] { stream.set_threads(threads); }),
              "[stream] a step runs on 1 or 2 threads; got " + std::to_string(threads) + ". Use 1 or 2.");
  stream.set_threads(2);
  EXPECT_EQ(stream.threads(), 1);
}

}  // namespace stream_helper_test
}  // namespace carousel::nn
