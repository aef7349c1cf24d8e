// What travels through every forward pass besides the data.
#pragma once

#include <cstdint>
#include <string_view>

#include "carousel/autograd/tape.h"

namespace carousel::nn {

/// Receives named intermediate values ("encoder.0/forget_gate"); layers know nothing of who listens.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(std::string_view name, const Tensor& value) = 0;
};

/// Receives dL/d(state) of a recurrent layer after each step ("layer.0/h", t), while backward() runs.
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  /// `gradient` [B, width]; copy it to keep it.
  virtual void state_gradient(std::string_view name, int64_t step, const Tensor& gradient) = 0;
};

/// State of one forward pass.
struct Context {
  Tape* tape = nullptr;               ///< null: inference
  Recorder* recorder = nullptr;       ///< null: nobody listens
  GradientSink* gradients = nullptr;  ///< not null: recurrent layers run step by step and tell it their gradients
  bool training = false;              ///< dropout and other noise on
  uint64_t seed = 0;                  ///< key of this step's random numbers: mix(run seed, step)
  uint64_t streams = 0;               ///< streams handed out so far

  /// A fresh random stream for one noise source of this pass.
  uint64_t next_stream() { return streams++; }
  void record(std::string_view name, const Tensor& value) const {
    if (recorder) recorder->record(name, value);
  }
};

}  // namespace carousel::nn
