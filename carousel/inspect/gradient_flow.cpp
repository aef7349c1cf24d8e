#include "carousel/inspect/gradient_flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "carousel/base/error.h"

namespace carousel::inspect {

namespace {

/// Element i as double, for f32 and f64.
double at(const Tensor& t, int64_t i) {
  return t.dtype() == DType::f64 ? t.data<double>()[i] : static_cast<double>(t.data<float>()[i]);
}

}  // namespace

void GradientFlow::state_gradient(std::string_view name, int64_t step, const Tensor& gradient) {
  const int64_t batch = gradient.dim(0), width = gradient.dim(1);
  double mean = 0;
  for (int64_t j = 0; j < batch; ++j) {
    double square = 0;
    for (int64_t i = 0; i < width; ++i) square += std::pow(at(gradient, j * width + i), 2);
    mean += std::sqrt(square) / static_cast<double>(batch);
  }
  norms_[std::string(name)][step] = mean;
}

std::vector<std::string> GradientFlow::names() const {
  std::vector<std::string> names;
  for (const auto& entry : norms_) names.push_back(entry.first);
  return names;
}

std::vector<double> GradientFlow::norms(const std::string& name) const {
  const auto found = norms_.find(name);
  if (found == norms_.end()) return {};
  std::vector<double> list(static_cast<size_t>(found->second.rbegin()->first) + 1, 0.0);
  for (const auto& [step, norm] : found->second) list[static_cast<size_t>(step)] = norm;
  return list;
}

Saturation saturation(const Tensor& gate, nn::GateRange range) {
  if (range == nn::GateRange::unbounded)
    throw ConfigError("[saturation] a gate must have ends; got one without bounds. Leave it out.");
  constexpr double kNear = 0.1;
  const double low = range == nn::GateRange::symmetric ? -1 : 0;
  Saturation s;
  for (int64_t i = 0; i < gate.numel(); ++i) {
    s.left += at(gate, i) < low + kNear;
    s.right += at(gate, i) > 1 - kNear;
  }
  const auto count = static_cast<double>(std::max<int64_t>(gate.numel(), 1));
  s.left /= count;
  s.right /= count;
  return s;
}

std::optional<Saturation> saturation(const RecordedRows& recorded, const nn::Cell& cell) {
  const std::vector<std::string> names = cell.gate_names();
  const auto place = std::find(names.begin(), names.end(), recorded.quantity());
  if (place == names.end()) return std::nullopt;
  const nn::GateRange range = cell.gate_ranges()[static_cast<size_t>(place - names.begin())];
  if (range == nn::GateRange::unbounded) return std::nullopt;
  return saturation(recorded.tensor(), range);
}

std::optional<double> saturated_share(const RecordedRows& recorded, const nn::Cell& cell) {
  const auto s = saturation(recorded, cell);
  return s ? std::optional<double>(s->left + s->right) : std::nullopt;
}

double dead_share(const Tensor& h) {
  constexpr double kBand = 0.01;
  const int64_t rows = h.dim(0), width = h.dim(1);
  if (rows == 0 || width == 0) return 0;
  int64_t dead = 0;
  for (int64_t i = 0; i < width; ++i) {
    double low = at(h, i), high = low;
    for (int64_t row = 1; row < rows; ++row) {
      low = std::min(low, at(h, row * width + i));
      high = std::max(high, at(h, row * width + i));
    }
    dead += high - low < kBand;
  }
  return static_cast<double>(dead) / static_cast<double>(width);
}

Tensor keep_factor(const CellRecording& recording, std::string_view layer, bool update_keeps) {
  if (const RecordedRows* forget = recording.find(layer, "forget_gate")) return forget->tensor();
  const RecordedRows* update = recording.find(layer, "update_gate");
  if (!update) return {};
  Tensor factor = update->tensor();
  if (!update_keeps)
    for (int64_t i = 0; i < factor.numel(); ++i) factor.data<float>()[i] = 1 - factor.data<float>()[i];
  return factor;
}

Tensor rows_reversed(const Tensor& rows) {
  const int64_t count = rows.dim(0), width = rows.dim(1);
  Tensor reversed = Tensor::empty(rows.shape());
  for (int64_t i = 0; i < count; ++i)
    std::copy_n(rows.data<float>() + (count - 1 - i) * width, width, reversed.data<float>() + i * width);
  return reversed;
}

std::vector<double> products_back(const Tensor& factor, int64_t batch) {
  if (batch < 1 || factor.dim(0) % batch != 0)
    throw ShapeError(
        fmt::format("[gradient flow] the rows must be a multiple of the batch; got {} rows for a batch of {}. Pass "
                    "sequences of one length.",
                    factor.dim(0), batch));
  const int64_t steps = factor.dim(0) / batch, values = batch * factor.dim(1);
  std::vector<double> product(static_cast<size_t>(values), 1.0), means{1.0};
  for (int64_t t = steps - 1; t >= 0; --t) {
    double sum = 0;
    for (int64_t i = 0; i < values; ++i) {
      product[static_cast<size_t>(i)] *= at(factor, t * values + i);
      sum += product[static_cast<size_t>(i)];
    }
    means.push_back(sum / static_cast<double>(std::max<int64_t>(values, 1)));
  }
  return means;
}

}  // namespace carousel::inspect
