// Streams stepped together: the bits that each would get alone.
#include "carousel/nn/stream_batch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/base/threads.h"
#include "carousel/nn/sequence_model.h"
#include "tests/nn/cell_samples.h"
#include "tests/nn/in_format.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace stream_batch_test {

using carousel::testing::error_of;

constexpr int64_t kInput = 12, kOutputs = 3;

SequenceModelConfig config_of(const CellOptions& cell, bool symbols = false) {
  SequenceModelConfig config;
  config.stack.cell = cell;
  config.stack.hidden_size = {21, 16};
  config.stack.residual = config.stack.layer_norm = true;
  config.stack.zoneout = 0.2;
  config.vocab_size = symbols ? 9 : 0;
  config.input_size = kInput;
  config.pooling = "none";
  config.outputs = kOutputs;
  return config;
}

std::shared_ptr<const StreamModel> packed(SequenceModel& model, const std::string& format = "") {
  if (!format.empty()) testing::put_in_format(model, format);
  return std::make_shared<const StreamModel>(model.stream_network());
}

std::vector<float> copied(std::span<const float> values) {
  return {values.begin(), values.end()};
}

/// Streams at different places, and copies of them.
struct Crowd {
  std::vector<Stream> together, alone;

  Crowd(const std::shared_ptr<const StreamModel>& model, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      Stream& stream = together.emplace_back(model);
      const Tensor x = testing::random_var({i % 4, kInput}, 60 + static_cast<uint64_t>(i), DType::f32, 1).value();
      for (int64_t t = 0; t < x.dim(0); ++t) stream.read(x.rows(t, t + 1).span<float>());
      alone.push_back(stream);
    }
  }
  /// Every `stride`th of them from `first` on.
  std::vector<size_t> some(size_t first, size_t stride) const {
    std::vector<size_t> list;
    for (size_t i = first; i < together.size(); i += stride) list.push_back(i);
    return list;
  }
};

/// `threads`: to change to once the batch is made; 0: none.
void expect_same_bits(const std::shared_ptr<const StreamModel>& model, int64_t count, int64_t threads = 0) {
  Crowd crowd(model, count);
  StreamBatch batch(model);
  if (threads > 0) set_threads(threads);
  for (const auto& [first, stride] : {std::pair<size_t, size_t>{0, 1}, {0, 2}, {1, 3}, {0, 1}}) {
    const std::vector<size_t> chosen = crowd.some(first, stride);
    std::vector<Stream*> streams;
    for (const size_t i : chosen) streams.push_back(&crowd.together[i]);
    const Tensor x =
        testing::random_var({static_cast<int64_t>(chosen.size()), kInput}, 7 + first, DType::f32, 1).value();
    std::vector<float> answers(chosen.size() * kOutputs);
    batch.step(streams, x.span<float>(), answers);
    for (size_t i = 0; i < chosen.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      EXPECT_EQ(copied(std::span<const float>(answers).subspan(i * kOutputs, kOutputs)),
                copied(crowd.alone[chosen[i]].step(x.rows(row, row + 1).span<float>())))
          << "stream " << chosen[i] << " of " << count;
    }
  }
  for (size_t i = 0; i < crowd.alone.size(); ++i)
    EXPECT_EQ(copied(crowd.together[i].state()), copied(crowd.alone[i].state())) << "stream " << i;
}

class BatchOf : public ::testing::TestWithParam<CellOptions> {};

TEST_P(BatchOf, EachStreamGetsTheBitsThatItWouldGetAlone) {
  for (const char* format : {"", "int8", "bf16"}) {
    SequenceModel model(config_of(GetParam()), 3);
    expect_same_bits(packed(model, format), 7);
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, BatchOf, ::testing::ValuesIn(testing::all_conventions()),
                         [](const auto& param_info) { return testing::name_of(param_info.param); });

TEST(StreamBatch, ManyLargeStreamsOnSeveralThreadsToo) {
  SequenceModelConfig config = config_of({});
  config.stack.hidden_size = {130, 16};  // in two parts, as a second thread would take them
  for (const char* format : {"", "int8"}) {
    SequenceModel model(config, 3);
    expect_same_bits(packed(model, format), 61);
  }
}

TEST(StreamBatch, FollowsTheNumberOfThreads) {
  SequenceModelConfig config = config_of({});
  config.stack.hidden_size = {130, 16};
  SequenceModel model(config, 3);
  set_threads(1);
  expect_same_bits(packed(model), 200, 4);
  set_threads(0);
}

TEST(StreamBatch, ReadsSymbols) {
  SequenceModel model(config_of({}, true), 3);
  const auto shared = packed(model);
  Stream a(shared), b(shared), c(shared), d(shared);
  Stream* const both[] = {&a, &b};
  const int32_t symbols[] = {4, 7};
  std::vector<float> answers(2 * kOutputs);
  StreamBatch(shared).step(both, symbols, answers);
  std::vector<float> wanted = copied(c.step(4));
  const auto second = d.step(7);
  wanted.insert(wanted.end(), second.begin(), second.end());
  EXPECT_EQ(answers, wanted);
}

TEST(StreamBatch, RefusesWhatDoesNotFitAndLeavesTheStreamsAsTheyWere) {
  SequenceModel reads_symbols(config_of({}, true), 3), reads_frames(config_of({}), 3);
  const auto symbols = packed(reads_symbols), frames = packed(reads_frames);
  Stream a(symbols), b(symbols), other(frames);
  StreamBatch batch(symbols), of_frames(frames);
  std::vector<float> answers(2 * kOutputs);
  const std::vector<Stream*> two = {&a, &b}, twice = {&a, &a}, mixed = {&a, &other}, one = {&other};
  const std::vector<int32_t> ids = {1, 2}, bad = {1, 9}, single = {1};
  const std::vector<float> frame(kInput), half(kInput / 2);
  const auto refusal = [](const auto& f) { return error_of<ShapeError>(f); };
  EXPECT_EQ(refusal([&] { batch.step(two, single, answers); }),
            "[stream] a batch takes one symbol for each stream; got 1 for 2 streams. Pass as many.");
  EXPECT_EQ(refusal([&] { batch.step(two, ids, std::span<float>(answers).first(5)); }),
            "[stream] room for the answers of 2 streams must be 6 numbers; got 5. Pass that.");
  EXPECT_EQ(refusal([&] { batch.step(mixed, ids, answers); }),
            "[stream] a batch steps streams of one model; got one of another. Make a batch for each model.");
  EXPECT_EQ(refusal([&] { batch.step(twice, ids, answers); }),
            "[stream] a stream takes one step at a time; got the same one twice. Pass each once.");
  EXPECT_EQ(refusal([&] { batch.step(two, bad, answers); }),
            "[stream] a symbol must be a number from 0 to 8; got 9. Take it from the model's own vocabulary.");
  EXPECT_EQ(refusal([&] { batch.step(one, frame, answers); }),
            "[stream] this model reads symbols, numbers from 0 to 8; got a frame of 12 numbers. Pass symbols.");
  EXPECT_EQ(refusal([&] { of_frames.step(one, half, std::span<float>(answers).first(3)); }),
            "[stream] a frame must hold 12 numbers (input_size); got 6. Pass one frame for each step.");
  EXPECT_EQ(copied(a.state()), copied(Stream(symbols).state()));
  batch.step({}, std::span<const int32_t>(), {});
}

}  // namespace stream_batch_test
}  // namespace carousel::nn
