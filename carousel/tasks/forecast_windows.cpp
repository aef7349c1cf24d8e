#include "carousel/tasks/forecast_windows.h"

#include <algorithm>
#include <cmath>

#include "carousel/base/rng.h"

namespace carousel::tasks {

SeriesMemory remember(const data::Series& series, int64_t most) {
  const int64_t length = std::min(most, series.length());
  SeriesMemory memory;
  memory.name = series.name;
  const auto n = static_cast<double>(length);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < length; ++i) sum += series.values[static_cast<size_t>(i)] / n;
  for (int64_t i = 0; i < length; ++i) {
    const double d = series.values[static_cast<size_t>(i)] - sum;
    squares += d * d / n;
  }
  memory.mean = sum;
  // What rounding leaves of a constant is no deviation.
  const double deviation = std::sqrt(squares);
  memory.deviation = deviation > 1e-12 * std::abs(sum) && std::isfinite(deviation) ? deviation : 1;
  return memory;
}

StandardSeries::StandardSeries(const data::Series& series, const SeriesMemory& memory) : name(series.name) {
  values.reserve(series.values.size());
  for (const double v : series.values) values.push_back(memory.standardised(v));
}

void Windows::add(size_t series, int64_t first_origin, int64_t last_origin) {
  if (last_origin < first_origin) return;
  ranges_.push_back({series, first_origin});
  ends_.push_back(size() + last_origin - first_origin + 1);
}

WindowPlace Windows::at(int64_t index) const {
  const auto end = std::upper_bound(ends_.begin(), ends_.end(), index);
  const auto range = static_cast<size_t>(end - ends_.begin());
  const int64_t before = range > 0 ? ends_[range - 1] : 0;
  return {ranges_[range].series, ranges_[range].first + index - before};
}

std::vector<WindowPlace> Windows::sample(int64_t most) const {
  const int64_t count = std::min(size(), most);
  std::vector<WindowPlace> places;
  places.reserve(static_cast<size_t>(count));
  for (int64_t k = 0; k < count; ++k) places.push_back(at(k * size() / count));
  return places;
}

std::vector<WindowPlace> Windows::of_batch(int64_t batch_size, uint64_t seed, int64_t epoch, int64_t batch) const {
  Rng rng(seed, mix(static_cast<uint64_t>(epoch), static_cast<uint64_t>(batch)));
  std::vector<WindowPlace> places;
  const int64_t count = std::min(batch_size, size());
  for (int64_t k = 0; k < count; ++k)
    places.push_back(at(static_cast<int64_t>(rng.below(static_cast<uint64_t>(size())))));
  return places;
}

WindowBatch take_windows(const std::vector<StandardSeries>& series, const std::vector<WindowPlace>& places,
                         const WindowShape& shape) {
  const auto count = static_cast<int64_t>(places.size());
  const int64_t window = shape.window, horizon = shape.horizon, known = (window + horizon) * shape.channels;
  WindowBatch batch{Tensor::empty({count, window}), Tensor::zeros({count, horizon}), Tensor()};
  if (known > 0) batch.known = Tensor::empty({count, known});
  for (int64_t b = 0; b < count; ++b) {
    const WindowPlace& place = places[static_cast<size_t>(b)];
    const StandardSeries& from = series[place.series];
    const float* origin = from.values.data() + place.origin;
    const int64_t behind = static_cast<int64_t>(from.values.size()) - place.origin;
    std::copy_n(origin - window, window, batch.windows.data<float>() + b * window);
    std::copy_n(origin, std::min(behind, horizon), batch.targets.data<float>() + b * horizon);
    if (known > 0)
      std::copy_n(from.covariates->data() + (place.origin - window) * shape.channels, known,
                  batch.known.data<float>() + b * known);
  }
  return batch;
}

WindowNorm::WindowNorm(const std::string& kind, Tensor& windows) {
  const int64_t rows = windows.dim(0), n = windows.dim(1);
  for (int64_t b = 0; b < rows; ++b) {
    const float* x = windows.data<float>() + b * n;
    double shift = 0, squares = 0;
    if (kind == "mean" || kind == "standard")
      for (int64_t i = 0; i < n; ++i) shift += static_cast<double>(x[i]) / static_cast<double>(n);
    if (kind == "last") shift = static_cast<double>(x[n - 1]);
    if (kind == "standard")
      for (int64_t i = 0; i < n; ++i)
        squares += (static_cast<double>(x[i]) - shift) * (static_cast<double>(x[i]) - shift) / static_cast<double>(n);
    constexpr double kLeast = 1e-2;  // of the series' deviation: a calm window shall not blow up what follows
    shift_.push_back(static_cast<float>(shift));
    unit_.push_back(kind == "standard" ? static_cast<float>(std::max(std::sqrt(squares), kLeast)) : 1.0F);
  }
  apply(windows);
}

void WindowNorm::apply(Tensor& targets) const {
  const int64_t n = targets.dim(1);
  for (size_t b = 0; b < shift_.size(); ++b) {
    float* row = targets.data<float>() + static_cast<int64_t>(b) * n;
    for (int64_t i = 0; i < n; ++i) row[i] = (row[i] - shift_[b]) / unit_[b];
  }
}

void WindowNorm::undo(Tensor& rows) const {
  const int64_t n = rows.dim(1);
  for (size_t b = 0; b < shift_.size(); ++b) {
    float* row = rows.data<float>() + static_cast<int64_t>(b) * n;
    for (int64_t i = 0; i < n; ++i) row[i] = row[i] * unit_[b] + shift_[b];
  }
}

}  // namespace carousel::tasks
