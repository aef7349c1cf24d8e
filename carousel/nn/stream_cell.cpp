#include "carousel/nn/stream_cell.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "carousel/autograd/parallel.h"
#include "carousel/nn/units_of_cell.h"

namespace carousel::nn {

void StreamCell::step_rows(int64_t rows, const float* x, const float* before, float* after, float* scratch) const {
  for (int64_t r = 0; r < rows; ++r)
    step(x + r * input_size_, before + r * state_size_, after + r * state_size_, scratch, nullptr);
}

namespace {

/// Units of a layer, from its weights.
int64_t hidden_of(const Cell& cell, const CellWeights& weights) {
  return weights.w_ih.value().dim(0) / cell.num_gates();
}

int64_t state_values(const Cell& cell, int64_t hidden) {
  int64_t sum = 0;
  for (int64_t s = 0; s < cell.num_states(); ++s) sum += cell.state_size(s, hidden);
  return sum;
}

/// Values of the states that zoneout may mix.
int64_t free_values(const Cell& cell, int64_t hidden) {
  int64_t sum = 0;
  for (int64_t s = 0; s < cell.num_free_states(); ++s) sum += cell.state_size(s, hidden);
  return sum;
}

/// How much longer than for its own share the first thread waits for the other's.
constexpr auto kPatience = std::chrono::microseconds(2);

class FusedStreamCell final : public StreamCell, private StreamHelper::Job {
 public:
  FusedStreamCell(const Cell& cell, const CellWeights& weights, double zoneout)
      : StreamCell(state_values(cell, hidden_of(cell, weights)), weights.w_ih.value().dim(1),
                   cell.output_size(hidden_of(cell, weights))),
        fused_(cell.fused<float>()),
        hidden_(hidden_of(cell, weights)),
        zoned_(zoneout > 0 ? free_values(cell, hidden_) : 0),
        share_of_new_(static_cast<float>(1 - zoneout)) {
    const kernels::quant::Format* format = weights.w_ih.format();
    const int64_t value_bytes = format ? format->code_bytes : int64_t{sizeof(float)};
    const int64_t bytes = cell.num_gates() * hidden_ * (input_size_ + hidden_) * value_bytes;
    const int64_t cut = bytes >= kWorthSharing ? std::min((hidden_ / 2 + 31) / 32 * 32, hidden_) : hidden_;
    parts_.reserve(2);
    parts_.push_back(UnitsOfCell::copied(fused_, weights, hidden_, Range{0, cut}));
    if (cut < hidden_) parts_.push_back(UnitsOfCell::copied(fused_, weights, hidden_, Range{cut, hidden_}));
    scratch_size_ = 2 * hidden_;  // h apart, and the operand of a second stage
    for (const UnitsOfCell& part : parts_) scratch_size_ += part.scratch_size();
    if (parts_.size() > 1) helper_room_ = input_size_ + state_size_ + 4 * hidden_ + parts_[1].scratch_size();
  }

  void step(const float* x, const float* before, float* after, float* scratch, StreamHelper* helper) const override {
    float* operand = scratch;
    scratch += hidden_;
    const auto data_of = [&](size_t part) {
      const int64_t at = parts_[part].units().begin;
      float* h = after + at;
      return UnitsOfCell::Data{x,
                               before,
                               operand,
                               part == 0 ? scratch : scratch + parts_[0].scratch_size(),
                               h,
                               fused_.cell_state ? h + hidden_ : nullptr,
                               operand + at,
                               before};
    };
    const UnitsOfCell::Data own = data_of(0);
    for (size_t stage = 0; stage < parts_[0].num_stages(); ++stage) {
      if (parts_.size() == 1) {
        parts_[0].run(stage, own);
      } else {
        run_both(stage, own, data_of(1), helper);
      }
    }
    mix(before, after);
  }

  void step_rows(int64_t rows, const float* x, const float* before, float* after, float* scratch) const override {
    float *past = scratch, *operand = past + rows * hidden_;
    scratch = operand + rows * hidden_;
    for (int64_t r = 0; r < rows; ++r) std::copy_n(before + r * state_size_, hidden_, past + r * hidden_);
    for (size_t stage = 0; stage < parts_[0].num_stages(); ++stage) {
      float* own = scratch;
      for (const UnitsOfCell& part : parts_) {
        float* h = after + part.units().begin;
        part.run(stage,
                 {x, before, operand, own, h, h + hidden_, operand + part.units().begin, past, rows, state_size_});
        own += rows * part.scratch_size();
      }
    }
    for (int64_t r = 0; r < rows; ++r) mix(before + r * state_size_, after + r * state_size_);
  }

 private:
  /// Zoneout, in expectation.
  void mix(const float* before, float* after) const {
    for (int64_t i = 0; i < zoned_; ++i) after[i] = before[i] + (after[i] - before[i]) * share_of_new_;
  }

  void run_both(size_t stage, const UnitsOfCell::Data& first, const UnitsOfCell::Data& second,
                StreamHelper* helper) const {
    const bool shared = helper && helper->is_free();
    StreamHelper::Clock::time_point start;
    if (shared) {
      send(stage, second, helper->room());
      start = StreamHelper::Clock::now();
      helper->give(*this, static_cast<int64_t>(stage));
    }
    parts_[0].run(stage, first);
    if (shared) {
      const auto now = StreamHelper::Clock::now();
      if (helper->finished_by(now + (now - start) / 2 + kPatience)) {
        receive(stage, helper->room(), second);
        return;
      }
    }
    parts_[1].run(stage, second);
  }

  /// Where the second part finds and leaves everything in a helper's room.
  UnitsOfCell::Data in_room(float* room) const {
    float *before = room + input_size_, *operand = before + state_size_, *h = operand + hidden_;
    return {room, before, operand, h + 3 * hidden_, h, h + hidden_, h + 2 * hidden_, before};
  }

  void send(size_t stage, const UnitsOfCell::Data& from, float* room) const {
    const UnitsOfCell::Data to = in_room(room);
    std::copy_n(from.x, input_size_, room);
    std::copy_n(from.before, state_size_, room + input_size_);
    if (stage == 0) return;
    std::copy_n(from.operand, hidden_, room + input_size_ + state_size_);
    std::copy_n(from.scratch, parts_[1].scratch_size(), to.scratch);
  }

  void receive(size_t stage, float* room, const UnitsOfCell::Data& to) const {
    const UnitsOfCell::Data from = in_room(room);
    const int64_t units = parts_[1].units().size();
    if (stage + 1 < parts_[1].num_stages()) {
      std::copy_n(from.left, units, to.left);
      std::copy_n(from.scratch, parts_[1].scratch_size(), to.scratch);
      return;
    }
    std::copy_n(from.h, units, to.h);
    if (fused_.cell_state) std::copy_n(from.c, units, to.c);
  }

  void run(int64_t stage, float* room) const override { parts_[1].run(static_cast<size_t>(stage), in_room(room)); }

  FusedCell<float> fused_;
  int64_t hidden_, zoned_;
  float share_of_new_;
  std::vector<UnitsOfCell> parts_;  // two where a helper may take one
};

/// Any cell by its specification.
class SteppedStreamCell final : public StreamCell {
 public:
  SteppedStreamCell(std::shared_ptr<const Cell> cell, const CellWeights& weights, double zoneout)
      : StreamCell(state_values(*cell, hidden_of(*cell, weights)), weights.w_ih.value().dim(1),
                   cell->output_size(hidden_of(*cell, weights))),
        cell_(std::move(cell)),
        hidden_(hidden_of(*cell_, weights)),
        zoned_(zoneout > 0 ? free_values(*cell_, hidden_) : 0),
        share_of_new_(static_cast<float>(1 - zoneout)),
        input_(weights.w_ih) {
    // Handles of our own: what ops pack is kept with the handle, and all that is ever kept is made in this first step,
    // so that later ones only read.
    const auto own = [](const Var& v) {
      if (!v.defined()) return v;
      Var copy(v.value().clone());
      copy.set_format(v.format());
      return copy;
    };
    weights_ = {own(weights.w_ih), own(weights.w_hh), own(weights.b_ih), own(weights.b_hh), {}};
    for (const Var& v : weights.extra) weights_.extra.push_back(own(v));
    scratch_size_ = input_.rows();
    const std::vector<float> x(static_cast<size_t>(weights_.w_ih.value().dim(1))),
        before(static_cast<size_t>(state_size_));
    std::vector<float> after(before.size()), scratch(static_cast<size_t>(scratch_size_));
    SteppedStreamCell::step(x.data(), before.data(), after.data(), scratch.data(), nullptr);
  }

  void step(const float* x, const float* before, float* after, float* scratch, StreamHelper*) const override {
    input_.multiply(x, scratch, false);
    const float* from = before;
    std::vector<Var> state;
    for (int64_t s = 0; s < cell_->num_states(); ++s) state.push_back(row(from, cell_->state_size(s, hidden_)));
    const float* products = scratch;
    const Var input = row(products, input_.rows());
    float* to = after;
    for (const Var& v : cell_->step(nullptr, input, weights_, state).state)
      to = std::copy_n(v.value().data<float>(), v.value().numel(), to);
    for (int64_t i = 0; i < zoned_; ++i) after[i] = before[i] + (after[i] - before[i]) * share_of_new_;
  }

 private:
  /// The next `width` values as [1, width].
  static Var row(const float*& from, int64_t width) {
    Tensor t = Tensor::empty({1, width});
    std::memcpy(t.raw(), from, static_cast<size_t>(t.nbytes()));
    from += width;
    return Var(t);
  }

  std::shared_ptr<const Cell> cell_;
  int64_t hidden_, zoned_;
  float share_of_new_;
  PackedRows input_;
  CellWeights weights_;
};

}  // namespace

std::unique_ptr<StreamCell> make_stream_cell(std::shared_ptr<const Cell> cell, const CellWeights& weights,
                                             double zoneout) {
  if (cell->fused<float>()) return std::make_unique<FusedStreamCell>(*cell, weights, zoneout);
  return std::make_unique<SteppedStreamCell>(std::move(cell), weights, zoneout);
}

}  // namespace carousel::nn
