#include "carousel/nn/stream_batch.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <utility>

#include "carousel/base/error.h"

namespace carousel::nn {

namespace {

/// Streams that a thread takes at once: of up to some 700 units, what they keep between products fits in a second-level
/// cache of 1 MiB, and there are whole groups of the twelve that a product takes together.
constexpr int64_t kBlock = 36;

void grow(std::vector<float>& values, int64_t size) {
  if (static_cast<int64_t>(values.size()) < size) values.resize(static_cast<size_t>(size));
}

}  // namespace

StreamBatch::StreamBatch(std::shared_ptr<const StreamModel> model)
    : model_(std::move(model)), rooms_(static_cast<size_t>(num_threads())) {
  int64_t width = model_->input_size_;
  for (const StreamModel::Layer& layer : model_->layers_) {
    cost_ += layer.cell->state_size() * (width + layer.cell->output_size());
    width = layer.cell->output_size();
  }
  cost_ += model_->output_size_ * width;
}

void StreamBatch::check(std::span<Stream* const> streams, size_t inputs, const char* what, size_t room) {
  if (inputs != streams.size())
    throw ShapeError(fmt::format("[stream] a batch takes one {} for each stream; got {} for {} streams. Pass as many.",
                                 what, inputs, streams.size()));
  const size_t numbers = streams.size() * static_cast<size_t>(model_->output_size_);
  if (room != numbers)
    throw ShapeError(fmt::format("[stream] room for the answers of {} streams must be {} numbers; got {}. Pass that.",
                                 streams.size(), numbers, room));
  for (const Stream* stream : streams)
    if (&stream->model() != model_.get())
      throw ShapeError("[stream] a batch steps streams of one model; got one of another. Make a batch for each model.");
  sorted_.assign(streams.begin(), streams.end());
  std::sort(sorted_.begin(), sorted_.end());
  if (std::adjacent_find(sorted_.begin(), sorted_.end()) != sorted_.end())
    throw ShapeError("[stream] a stream takes one step at a time; got the same one twice. Pass each once.");
}

void StreamBatch::step(std::span<Stream* const> streams, std::span<const int32_t> symbols, std::span<float> answers) {
  check(streams, symbols.size(), "symbol", answers.size());
  inputs_.clear();
  for (const int32_t symbol : symbols) inputs_.push_back(model_->embedded(symbol));
  run(streams, answers);
}

void StreamBatch::step(std::span<Stream* const> streams, std::span<const float> frames, std::span<float> answers) {
  const auto width = static_cast<size_t>(model_->input_size_);
  if (frames.size() % width != 0 || model_->vocab_size() > 0) model_->checked(frames);  // says what is wrong
  check(streams, frames.size() / width, "frame", answers.size());
  inputs_.clear();
  for (size_t i = 0; i < streams.size(); ++i) inputs_.push_back(model_->checked(frames.subspan(i * width, width)));
  run(streams, answers);
}

void StreamBatch::run(std::span<Stream* const> streams, std::span<float> answers) {
  // The caller may have changed the number of threads, or call from a region of its own.
  if (static_cast<int>(rooms_.size()) < num_threads()) rooms_.resize(static_cast<size_t>(num_threads()));
  const bool nested = omp_in_parallel() != 0;
  parallel_for(
      static_cast<int64_t>(streams.size()), cost_,
      [&](int64_t begin, int64_t end) {
        const FlushDenormals flush;
        Room& room = rooms_[nested ? 0 : static_cast<size_t>(omp_get_thread_num())];
        for (int64_t i = begin; i < end; i += kBlock)
          run_part(streams.subspan(static_cast<size_t>(i), static_cast<size_t>(std::min(kBlock, end - i))),
                   inputs_.data() + i, answers.data() + i * model_->output_size_, room);
      },
      4);
}

void StreamBatch::run_part(std::span<Stream* const> streams, const float* const* inputs, float* answers,
                           Room& room) const {
  const auto count = static_cast<int64_t>(streams.size());
  const int64_t widest = std::max(model_->widest_, model_->input_size_);
  for (std::vector<float>& rows : room.rows) grow(rows, count * widest);
  grow(room.scratch, count * model_->scratch_size_);
  size_t turn = 0;
  for (int64_t r = 0; r < count; ++r)
    std::copy_n(inputs[r], model_->input_size_, room.rows[0].data() + r * model_->input_size_);
  int64_t at = 0, width = model_->input_size_;
  for (const StreamModel::Layer& layer : model_->layers_) {
    const int64_t size = layer.cell->state_size(), out = layer.cell->output_size();
    grow(room.before, count * size);
    grow(room.after, count * size);
    for (int64_t r = 0; r < count; ++r)
      std::copy_n(streams[static_cast<size_t>(r)]->state_.data() + at, size, room.before.data() + r * size);
    const float* x = room.rows[turn].data();
    turn = 1 - turn;
    float* y = room.rows[turn].data();
    layer.cell->step_rows(count, x, room.before.data(), room.after.data(), room.scratch.data());
    for (int64_t r = 0; r < count; ++r) {
      const float* after = room.after.data() + r * size;
      std::copy_n(after, size, streams[static_cast<size_t>(r)]->next_.data() + at);
      if (layer.residual || layer.gain.defined()) {
        model_->around(layer, x + r * width, after, y + r * out);
      } else {
        std::copy_n(after, out, y + r * out);
      }
    }
    at += size;
    width = out;
  }
  for (Stream* stream : streams) std::swap(stream->state_, stream->next_);
  for (const StreamModel::Linear& layer : model_->linear_) {
    const float* x = room.rows[turn].data();
    turn = 1 - turn;
    float* y = room.rows[turn].data();
    layer.weight.multiply(x, y, false, count);
    for (int64_t r = 0; r < count; ++r) StreamModel::add_bias(layer, y + r * layer.weight.rows());
  }
  std::copy_n(room.rows[turn].data(), count * model_->output_size_, answers);
}

}  // namespace carousel::nn
