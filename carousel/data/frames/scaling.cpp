#include "carousel/data/frames/scaling.h"

#include <algorithm>
#include <cmath>

namespace carousel::data {

namespace {

constexpr double kLeastDeviation = 1e-5;  ///< of a column that changes; relative to its mean

/// Sums of the columns of frames.
struct Sums {
  explicit Sums(int64_t width) : sum(static_cast<size_t>(width)), squares(sum.size()) {}
  void add(const std::vector<float>& values) {
    const size_t width = sum.size(), rows = values.size() / width;
    for (size_t i = 0; i < values.size(); ++i) {
      const auto v = static_cast<double>(values[i]);
      sum[i % width] += v;
      squares[i % width] += v * v;
    }
    count += static_cast<double>(rows);
  }
  double mean(size_t c) const { return sum[c] / count; }
  double deviation(size_t c) const {
    const double m = mean(c), d = std::sqrt(std::max(0.0, squares[c] / count - m * m));
    return d > kLeastDeviation * std::max(std::abs(m), kLeastDeviation) ? d : 1;
  }
  std::vector<double> sum, squares;
  double count = 0;
};

}  // namespace

std::vector<std::string> frame_scalings() {
  return {"sequence", "training", "common", "none"};
}

FrameScaling FrameScaling::learn(const FrameSet& set, const std::vector<int64_t>& indices, const std::string& kind,
                                 int64_t stack) {
  FrameScaling scaling;
  scaling.kind = kind;
  scaling.stack = stack;
  scaling.mean.assign(static_cast<size_t>(set.width), 0);
  scaling.deviation.assign(scaling.mean.size(), 1);
  if (kind != "training" && kind != "common") return scaling;
  Sums sums(kind == "common" ? 1 : set.width);
  for (const int64_t i : indices) sums.add(set.examples[static_cast<size_t>(i)].values);
  for (size_t c = 0; c < scaling.mean.size(); ++c) {
    scaling.mean[c] = sums.mean(c % sums.sum.size());
    scaling.deviation[c] = sums.deviation(c % sums.sum.size());
  }
  return scaling;
}

void FrameScaling::apply(FrameExample& example) const {
  std::vector<double> m = mean, d = deviation;
  if (kind == "sequence") {
    Sums sums(columns());
    sums.add(example.values);
    for (size_t c = 0; c < m.size(); ++c) {
      m[c] = sums.mean(c);
      d[c] = sums.deviation(c);
    }
  }
  for (size_t i = 0; i < example.values.size(); ++i) {
    float& value = example.values[i];
    value = static_cast<float>((static_cast<double>(value) - m[i % m.size()]) / d[i % m.size()]);
  }
  example.length = (example.length + stack - 1) / stack;
  example.values.resize(static_cast<size_t>(example.length * width()), 0.0F);
}

std::vector<float> stretched(const std::vector<float>& values, int64_t width, double factor) {
  const auto length = static_cast<int64_t>(values.size()) / width;
  const int64_t wanted = std::max<int64_t>(1, std::llround(static_cast<double>(length) / factor));
  std::vector<float> out(static_cast<size_t>(wanted * width));
  const double step = wanted > 1 ? static_cast<double>(length - 1) / static_cast<double>(wanted - 1) : 0;
  for (int64_t t = 0; t < wanted; ++t) {
    const double at = static_cast<double>(t) * step;
    const int64_t before = std::min(static_cast<int64_t>(at), length - 1), after = std::min(before + 1, length - 1);
    const auto share = static_cast<float>(at - static_cast<double>(before));
    const float *a = values.data() + before * width, *b = values.data() + after * width;
    for (int64_t c = 0; c < width; ++c) out[static_cast<size_t>(t * width + c)] = a[c] + share * (b[c] - a[c]);
  }
  return out;
}

}  // namespace carousel::data
