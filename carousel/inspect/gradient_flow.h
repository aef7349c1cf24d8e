// Listeners of a forward and backward pass: what gates did, and how far gradients flowed back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/inspect/recording.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/nn/context.h"

namespace carousel::inspect {

/// Norms of dL/d(state) by state and step.
class GradientFlow final : public nn::GradientSink {
 public:
  void state_gradient(std::string_view name, int64_t step, const Tensor& gradient) override;
  /// "layer.0/h", ... in alphabetical order.
  std::vector<std::string> names() const;
  /// Euclidean norm of the gradient at each step, mean over the batch; 0 at steps that no gradient reached. Empty for a
  /// state that was never heard of.
  std::vector<double> norms(const std::string& name) const;

 private:
  std::map<std::string, std::map<int64_t, double>, std::less<>> norms_;
};

/// How a gate spends its time (Karpathy, Johnson & Fei-Fei 2015, section 4.2).
struct Saturation {
  double left = 0;   ///< share of values nearer than 0.1 to the gate's lower end
  double right = 0;  ///< the same at its upper end
};
/// Of values [rows, H] in a range that has ends. Throws ConfigError for GateRange::unbounded.
Saturation saturation(const Tensor& gate, nn::GateRange range);
/// Of what `cell` recorded; nothing for a state, and for a gate without ends.
std::optional<Saturation> saturation(const RecordedRows& recorded, const nn::Cell& cell);
/// Both ends together.
std::optional<double> saturated_share(const RecordedRows& recorded, const nn::Cell& cell);

/// Share of the units (columns) of h [rows, H] that stay within a band of 0.01 over all rows: they say nothing.
double dead_share(const Tensor& h);

/// The factor by which the units of `layer` ("layer.0", "encoder.1.reverse") keep their past, [rows, H]: the forget
/// gate, or the update gate z where z near 1 keeps (`update_keeps`), else 1 - z. Undefined when the layer has neither.
Tensor keep_factor(const CellRecording& recording, std::string_view layer, bool update_keeps);

/// The rows in the opposite order: what a reverse direction did, as its steps came.
Tensor rows_reversed(const Tensor& rows);

/// Product over time of a factor such as the forget gate: element d is the mean over batch and units of the product of
/// the last d steps, which is the direct part of dc_T/dc_{T-d}. `factor` [T * batch, H], step after step. Has T + 1
/// elements; the first is 1. Throws ShapeError when the rows are no multiple of `batch`.
std::vector<double> products_back(const Tensor& factor, int64_t batch);

}  // namespace carousel::inspect
