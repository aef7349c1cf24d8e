#include "carousel/tasks/forecast_covariates.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "carousel/nn/dlinear.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kDay = 86400, kWeek = 7 * kDay;
constexpr double kYear = 365.2425 * kDay;
constexpr double kResponseRidge = 1e-2;  ///< of responses_of(): little, against columns that never change

/// Seconds since the last begin of a period of that length; 1970-01-01 was a Thursday.
double place_in(int64_t time, int64_t length) {
  const int64_t rest = time % length;
  return static_cast<double>(rest < 0 ? rest + length : rest);
}

void add_circle(double share, std::vector<float>& out) {
  const double angle = 2 * std::numbers::pi * share;
  out.push_back(static_cast<float>(std::sin(angle)));
  out.push_back(static_cast<float>(std::cos(angle)));
}

void add_calendar(const std::string& what, int64_t time, std::vector<float>& out) {
  if (what == "hour_of_day") {
    add_circle(place_in(time, kDay) / kDay, out);
  } else if (what == "day_of_week") {
    const double day = std::floor(place_in(time, kWeek) / kDay);  // 0: Thursday
    add_circle(day / 7, out);
    out.push_back(day == 2 || day == 3 ? 1.0F : 0.0F);
  } else {
    add_circle(static_cast<double>(time) / kYear, out);
  }
}

int64_t channels_of(const std::string& calendar) {
  return calendar == "day_of_week" ? 3 : 2;
}

int64_t time_at(const data::Series& series, int64_t row) {
  const auto known = static_cast<int64_t>(series.times->size());
  return row < known ? (*series.times)[static_cast<size_t>(row)]
                     : data::advance(series.times->back(), series.step, row - known + 1);
}

}  // namespace

int64_t Covariates::channels() const {
  int64_t n = static_cast<int64_t>(known.size()) + (response ? 1 : 0);
  for (const std::string& what : calendar) n += channels_of(what);
  return n;
}

std::vector<float> Covariates::of(const data::Series& series, data::TimeStyle style,
                                  const std::vector<double>& responses, int64_t rows) const {
  std::vector<float> out;
  out.reserve(static_cast<size_t>(rows * channels()));
  const bool dated = series.times && !series.times->empty() && style != data::TimeStyle::integer;
  for (int64_t row = 0; row < rows; ++row) {
    double own = 0;
    for (size_t k = 0; k < known.size(); ++k) {
      const double c = (series.known->values[k][static_cast<size_t>(row)] - mean[k]) / deviation[k];
      if (response) own += responses[k] * c;
      out.push_back(static_cast<float>(c));
    }
    if (response) out.push_back(static_cast<float>(own));
    for (const std::string& what : calendar) {
      if (dated) {
        add_calendar(what, time_at(series, row), out);
      } else {
        out.insert(out.end(), static_cast<size_t>(channels_of(what)), 0.0F);
      }
    }
  }
  return out;
}

std::vector<double> Covariates::responses_of(const data::Series& series, int64_t length, double unit,
                                             int64_t period) const {
  if (!response) return {};
  const auto columns = static_cast<int64_t>(known.size());
  const int64_t rows = length - period;
  if (rows < 1) return std::vector<double>(known.size());
  Tensor x = Tensor::empty({rows, columns}), y = Tensor::empty({rows, 1});
  for (int64_t r = 0; r < rows; ++r) {
    const auto from = static_cast<size_t>(r), to = static_cast<size_t>(r + period);
    y.data<float>()[r] = static_cast<float>((series.values[to] - series.values[from]) / unit);
    for (int64_t k = 0; k < columns; ++k) {
      const auto c = static_cast<size_t>(k);
      x.data<float>()[r * columns + k] =
          static_cast<float>((series.known->values[c][to] - series.known->values[c][from]) / deviation[c]);
    }
  }
  nn::RidgeFit fit(columns, 1);
  fit.add(x, y);
  std::vector<double> found = fit.solve(kResponseRidge).shared;
  if (found.empty()) found.resize(known.size());  // columns that stand still
  return found;
}

Covariates known_covariates(const data::SeriesSet& set, const std::vector<int64_t>& lengths) {
  Covariates c;
  const auto& first = set.series.front().known;
  if (!first) return c;
  c.known = first->names;
  c.response = set.series.size() > 1;
  for (size_t k = 0; k < c.known.size(); ++k) {
    double n = 0, sum = 0, squares = 0;
    const auto each = [&](auto use) {
      for (size_t s = 0; s < set.series.size(); ++s)
        for (int64_t row = 0; row < lengths[s]; ++row) use(set.series[s].known->values[k][static_cast<size_t>(row)]);
    };
    each([&](double x) {
      sum += x;
      ++n;
    });
    const double mean = sum / std::max(1.0, n);
    each([&](double x) { squares += (x - mean) * (x - mean) / std::max(1.0, n); });
    const double deviation = std::sqrt(squares);
    c.mean.push_back(mean);
    c.deviation.push_back(deviation > 1e-12 * std::abs(mean) && std::isfinite(deviation) ? deviation : 1);
  }
  return c;
}

std::vector<std::string> calendar_of(const data::SeriesSet& set) {
  const data::Series& first = set.series.front();
  if (!first.times || first.times->empty() || set.style == data::TimeStyle::integer || first.step.count < 1) return {};
  const int64_t step = first.step.months ? 30 * kDay * first.step.count : first.step.count;
  std::vector<std::string> all;
  if (step < kDay && kDay % step == 0) all.emplace_back("hour_of_day");
  if (step <= kDay && kWeek % step == 0) all.emplace_back("day_of_week");
  if (static_cast<double>(first.times->back() - first.times->front()) >= 2 * kYear &&
      static_cast<double>(2 * step) < kYear)
    all.emplace_back("time_of_year");
  return all;
}

}  // namespace carousel::tasks
