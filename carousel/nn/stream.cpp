#include "carousel/nn/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <system_error>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/threads.h"

namespace carousel::nn {

namespace {

Tensor copied(const Var& v) {
  return v.defined() ? v.value().clone() : Tensor();
}

/// As ops::layer_norm on one row, in place.
void layer_norm_row(int64_t n, const float* gain, const float* bias, float* y) {
  float mean = 0, square = 0;
  for (int64_t i = 0; i < n; ++i) mean += y[i];
  mean /= static_cast<float>(n);
  for (int64_t i = 0; i < n; ++i) square += (y[i] - mean) * (y[i] - mean);
  const float scale = 1 / std::sqrt(square / static_cast<float>(n) + 1e-5f);
  for (int64_t i = 0; i < n; ++i) y[i] = (y[i] - mean) * scale * gain[i] + bias[i];
}

}  // namespace

StreamModel::StreamModel(const StreamNetwork& network)
    : embedding_(copied(network.embedding)), input_size_(network.input_size) {
  const RecurrentStack& stack = *network.stack;
  stack.require_streaming();
  const std::shared_ptr<const Cell> cell = make_cell(stack.cell().options());
  allocation_free_ = static_cast<bool>(cell->fused<float>());
  for (int64_t l = 0; l < stack.num_layers(); ++l) {
    const StackLayer& from = stack.layer(l);
    Layer& layer = layers_.emplace_back();
    layer.cell = make_stream_cell(cell, from.weights[0], stack.config().zoneout);
    layer.residual = stack.config().residual;
    if (from.shortcut.defined()) layer.shortcut = PackedRows(from.shortcut);
    layer.gain = copied(from.gain);
    layer.bias = copied(from.bias);
    state_size_ += layer.cell->state_size();
    scratch_size_ = std::max(scratch_size_, layer.cell->scratch_size());
    helper_room_ = std::max(helper_room_, layer.cell->helper_room());
    widest_ = std::max(widest_, from.output);
  }
  output_size_ = stack.output_size();
  for (const StreamLinear& from : network.linear) {
    linear_.push_back({PackedRows(from.weight), copied(from.bias)});
    output_size_ = linear_.back().weight.rows();
    widest_ = std::max(widest_, output_size_);
  }
}

/// What stands around a recurrent layer: y = norm(h + residual).
void StreamModel::around(const Layer& layer, const float* x, const float* h, float* y) const {
  const int64_t n = layer.cell->output_size();
  std::copy_n(h, n, y);
  if (layer.residual) {
    if (layer.shortcut.rows() > 0) {
      layer.shortcut.multiply(x, y, true);
    } else {
      for (int64_t i = 0; i < n; ++i) y[i] += x[i];
    }
  }
  if (layer.gain.defined()) layer_norm_row(n, layer.gain.data<float>(), layer.bias.data<float>(), y);
}

void StreamModel::add_bias(const Linear& layer, float* y) {
  const float* bias = layer.bias.defined() ? layer.bias.data<float>() : nullptr;
  for (int64_t i = 0; bias && i < layer.weight.rows(); ++i) y[i] += bias[i];
}

Stream::Stream(std::shared_ptr<const StreamModel> model) : model_(std::move(model)) {
  state_.resize(static_cast<size_t>(model_->state_size_));
  next_.resize(state_.size());
  scratch_.resize(static_cast<size_t>(model_->scratch_size_));
  for (auto& row : rows_) row.resize(static_cast<size_t>(model_->widest_));
}

Stream::Stream(const Stream& other) : Stream(other.model_) {
  state_ = other.state_;
}

void Stream::set_threads(int64_t threads) {
  if (threads < 1 || threads > 2)
    throw ConfigError(fmt::format("[stream] a step runs on 1 or 2 threads; got {}. Use 1 or 2.", threads));
  if (threads == 1 || !model_->worth_two_threads() || available_cores() == 1) {
    helper_.reset();
  } else if (!helper_) {
    try {
      helper_ = std::make_unique<StreamHelper>(model_->helper_room_, model_);
    } catch (const std::system_error& error) {
      throw ResourceError(
          fmt::format("[stream] a second thread must be there to be had; got: {}. Use 1 thread.", error.what()));
    }
  }
}

const float* StreamModel::embedded(int32_t symbol) const {
  if (symbol < 0 || symbol >= vocab_size())
    throw ShapeError(vocab_size() > 0
                         ? fmt::format("[stream] a symbol must be a number from 0 to {}; got {}. Take it from the "
                                       "model's own vocabulary.",
                                       vocab_size() - 1, symbol)
                         : fmt::format("[stream] this model reads frames of {} numbers; got symbol {}. Pass frames.",
                                       input_size_, symbol));
  return embedding_.data<float>() + symbol * input_size_;
}

const float* StreamModel::checked(std::span<const float> frame) const {
  if (vocab_size() > 0)
    throw ShapeError(
        fmt::format("[stream] this model reads symbols, numbers from 0 to {}; got a frame of {} numbers. Pass symbols.",
                    vocab_size() - 1, frame.size()));
  if (static_cast<int64_t>(frame.size()) != input_size_)
    throw ShapeError(
        fmt::format("[stream] a frame must hold {} numbers (input_size); got {}. Pass one frame for each step.",
                    input_size_, frame.size()));
  return frame.data();
}

/// One step of all layers; returns the last one's output. Afterwards state_ is the new state.
const float* Stream::advance(const float* x) {
  const FlushDenormals flush;
  const float* before = state_.data();
  float* after = next_.data();
  size_t turn = 0;
  for (const StreamModel::Layer& layer : model_->layers_) {
    layer.cell->step(x, before, after, scratch_.data(), helper_.get());
    if (layer.residual || layer.gain.defined()) {
      float* y = rows_[turn].data();
      model_->around(layer, x, after, y);
      x = y;
      turn = 1 - turn;
    } else {
      x = after;
    }
    before += layer.cell->state_size();
    after += layer.cell->state_size();
  }
  std::swap(state_, next_);
  return x;
}

std::span<const float> Stream::answer(const float* features) {
  const FlushDenormals flush;
  size_t turn = features == rows_[0].data() ? 1 : 0;
  for (const StreamModel::Linear& layer : model_->linear_) {
    float* y = rows_[turn].data();
    layer.weight.multiply(features, y, false);
    StreamModel::add_bias(layer, y);
    features = y;
    turn = 1 - turn;
  }
  return {features, static_cast<size_t>(model_->output_size_)};
}

std::span<const float> Stream::step(int32_t symbol) {
  return answer(advance(model_->embedded(symbol)));
}

std::span<const float> Stream::step(std::span<const float> frame) {
  return answer(advance(model_->checked(frame)));
}

void Stream::read(int32_t symbol) {
  advance(model_->embedded(symbol));
}

void Stream::read(std::span<const float> frame) {
  advance(model_->checked(frame));
}

void Stream::set_state(std::span<const float> state) {
  if (state.size() != state_.size())
    throw ShapeError(fmt::format(
        "[stream] the state of this model is {} numbers; got {}. Pass one that a stream of the same model gave.",
        state_.size(), state.size()));
  std::copy(state.begin(), state.end(), state_.begin());
}

}  // namespace carousel::nn
