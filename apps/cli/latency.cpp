#include "apps/cli/latency.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/text.h"

namespace carousel::cli {

namespace {

constexpr double kShortest = 100e-9;
const double kStep = std::log(1.02);

std::string duration_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.1f} us", 1e6 * seconds);
  return seconds < 1 ? fmt::format("{:.1f} ms", 1e3 * seconds) : fmt::format("{:.1f} s", seconds);
}

}  // namespace

void Latency::add(double seconds) {
  const double place = seconds > kShortest ? std::ceil(std::log(seconds / kShortest) / kStep) : 0;
  ++counts_[static_cast<size_t>(std::min(place, static_cast<double>(counts_.size() - 1)))];
  ++all_;
}

double Latency::percentile(double share) const {
  int64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen > 0 && static_cast<double>(seen) >= share * static_cast<double>(all_))
      return kShortest * std::exp(kStep * static_cast<double>(i));
  }
  return 0;
}

std::string Latency::text() const {
  return fmt::format("{}; {} a row in the middle (p50), {} at p99", counted(all_, "row"),
                     duration_text(percentile(0.5)), duration_text(percentile(0.99)));
}

}  // namespace carousel::cli
