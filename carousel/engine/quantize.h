// A model file with its weights in a number format, and what that costs in quality.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/engine/engine.h"

namespace carousel::engine {

struct QuantizeRequest {
  std::string model;
  std::string output;             ///< not `model`
  std::string format = "int8";    ///< a name of kernels/quant
  std::vector<std::string> data;  ///< held-out data with answers; none: the cost is not measured
  double max_loss = 0.01;         ///< see QuantizeReport::loss
};

struct QuantizeReport {
  std::string format;
  int64_t matrices = 0, values = 0;  ///< in the format; values of these matrices
  int64_t tensors_left = 0;          ///< still f32
  int64_t bytes_before = 0, bytes_after = 0;
  std::string metric;  ///< the one that chose the model's weights in training; "": not measured
  tasks::EvalReport before, after;
  /// How much worse the metric got, negative when it got better: of rates, accuracies and F1 the difference itself, of
  /// all others the difference over the value before.
  double loss = 0;
  std::vector<std::string> notes;
};

/// Writes `output`: recurrent, linear and embedding weights of `model` in the format, all else as it was. Throws
/// ConfigError for an unknown format or a max_loss that is no number of 0 or more, FormatError and DataError for the
/// files, UnsupportedError for a model in a number format already, and Error, with nothing written, where the loss on
/// `data` passes max_loss.
QuantizeReport quantize_model(const QuantizeRequest& request);

}  // namespace carousel::engine
