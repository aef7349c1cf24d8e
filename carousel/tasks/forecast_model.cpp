#include "carousel/tasks/forecast_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/tasks/describe.h"
#include "carousel/train/forecasting.h"

namespace carousel::tasks {

namespace {

constexpr size_t kSeriesShown = 10;
constexpr size_t kWindowsAtOnce = 256;  ///< windows read together

std::vector<std::string> candidates_of(const ForecastOptions& o) {
  if (o.model != "auto") return {o.model};
  std::vector<std::string> all = forecast_models();
  if (o.period < 2 || o.period > o.network.window) all.erase(std::find(all.begin(), all.end(), "seasonal_naive"));
  return all;
}

bool has(const std::vector<std::string>& names, std::initializer_list<const char*> wanted) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); });
}

std::vector<double> levels_of(const nn::ForecasterConfig& network) {
  std::vector<double> levels = {(1 - network.coverage) / 2, (1 + network.coverage) / 2};
  for (const int64_t percent : network.quantiles) levels.push_back(static_cast<double>(percent) / 100);
  return levels;
}

/// z with P(N(0, 1) < z) = level.
double normal_quantile(double level) {
  double low = -10, high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < level ? low : high) = middle;
  }
  return low;
}

Forecasts with_quantiles(const Tensor& point, size_t count) {
  Forecasts all{point, {}};
  for (size_t k = 0; k < count; ++k) all.quantiles.push_back(point.clone());
  return all;
}

Tensor columns(const Tensor& rows, int64_t begin, int64_t count) {
  Tensor part = Tensor::empty({rows.dim(0), count});
  for (int64_t b = 0; b < rows.dim(0); ++b)
    std::copy_n(rows.data<float>() + b * rows.dim(1) + begin, count, part.data<float>() + b * count);
  return part;
}

}  // namespace

ForecastModel::Network::Network(const ForecastOptions& o, uint64_t seed) {
  const std::vector<std::string> names = candidates_of(o);
  if (has(names, {"lstm", "both"})) {
    for (int64_t m = 0; m < std::max<int64_t>(1, o.members); ++m) {
      lstm.push_back(std::make_unique<nn::Forecaster>(o.network, m == 0 ? seed : mix(seed, static_cast<uint64_t>(m))));
      child(m == 0 ? "lstm" : fmt::format("lstm_{}", m + 1), *lstm.back());
    }
  }
  if (has(names, {"dlinear", "both"})) {
    dlinear = std::make_unique<nn::DLinear>(o.network.window, o.network.horizon, o.moving_average, o.network.channels);
    child("dlinear", *dlinear);
  }
  choice = parameter("choice", Tensor::zeros({1}));
  const Shape margins = {static_cast<int64_t>(levels_of(o.network).size()), o.network.horizon};
  margin = parameter("margin", Tensor::zeros(margins));
  baseline_margin = parameter("baseline_margin", Tensor::zeros(margins));
}

ForecastModel::ForecastModel(ForecastParts parts, uint64_t seed)
    : parts_(std::move(parts)),
      candidates_(candidates_of(parts_.options)),
      levels_(levels_of(parts_.options.network)),
      network_(std::make_unique<Network>(parts_.options, seed)) {}

nn::Module& ForecastModel::module() {
  return *network_;
}

std::string ForecastModel::baseline() const {
  const ForecastOptions& o = parts_.options;
  return o.period > 1 && o.period <= o.network.window ? "seasonal_naive" : "naive";
}

std::string ForecastModel::baseline_text() const {
  return baseline() == "naive" ? "naive: the last value again"
                               : fmt::format("seasonal naive: the last {} values again", parts_.options.period);
}

void Forecasts::each(const std::function<void(Tensor&)>& use) {
  use(point);
  for (Tensor& t : quantiles) use(t);
}

Forecasts ForecastModel::forecasts(const std::string& model, const WindowBatch& batch) {
  if (model == "lstm") return of_lstm(batch);
  if (model == "both") {
    Forecasts all = of_lstm(batch);
    const Tensor line = of_dlinear(batch);
    for (int64_t i = 0; i < line.numel(); ++i) {
      const float shift = (line.data<float>()[i] - all.point.data<float>()[i]) / 2;
      all.each([&](Tensor& t) { t.data<float>()[i] += shift; });
    }
    return all;
  }
  const Tensor point = model == "dlinear" ? of_dlinear(batch) : of_rule(model, batch.windows);
  return with_quantiles(point, levels_.size());
}

Forecasts ForecastModel::of_lstm(const WindowBatch& batch) {
  const int64_t horizon = parts_.options.network.horizon;
  Tensor x = batch.windows.clone();
  const WindowNorm norm(parts_.options.normalize, x);
  nn::Context ctx;
  Tensor all;
  for (const auto& member : network_->lstm) {
    const Tensor own = member->forward(ctx, x, batch.known).value();
    if (!all.defined()) all = Tensor::zeros(own.shape());
    const auto share = 1.0F / static_cast<float>(network_->lstm.size());
    for (int64_t i = 0; i < all.numel(); ++i) all.data<float>()[i] += share * own.data<float>()[i];
  }
  Forecasts f = with_quantiles(columns(all, 0, horizon), levels_.size());
  const std::string& output = parts_.options.network.output;
  for (size_t k = 0; k < levels_.size() && output != "point"; ++k) {
    const Tensor own = columns(all, (output == "quantile" ? 1 + static_cast<int64_t>(k) : 1) * horizon, horizon);
    Tensor& to = f.quantiles[k];
    const double units = normal_quantile(levels_[k]);
    for (int64_t i = 0; i < to.numel(); ++i) {
      const float value = own.data<float>()[i];
      to.data<float>()[i] =
          output == "quantile" ? value
                               : to.data<float>()[i] + static_cast<float>(units * std::exp(static_cast<double>(value)));
    }
  }
  if (output == "quantile") uncross(f.quantiles);  // before margins are fitted to them
  f.each([&](Tensor& t) { norm.undo(t); });
  return f;
}

Tensor ForecastModel::of_dlinear(const WindowBatch& batch) const {
  Tensor x = batch.windows.clone();
  const WindowNorm norm(parts_.options.normalize, x);
  Tensor y = network_->dlinear->forward(x, batch.known);
  norm.undo(y);
  return y;
}

/// naive: the last value again. seasonal_naive: the last season again (naive where a window holds none). drift: the
/// straight line through the first and the last value of the window goes on.
Tensor ForecastModel::of_rule(const std::string& rule, const Tensor& windows) const {
  const int64_t rows = windows.dim(0), window = windows.dim(1), horizon = parts_.options.network.horizon;
  const int64_t period = rule == "seasonal_naive" && parts_.options.period <= window ? parts_.options.period : 1;
  Tensor y = Tensor::empty({rows, horizon});
  for (int64_t b = 0; b < rows; ++b) {
    const float* x = windows.data<float>() + b * window;
    float* out = y.data<float>() + b * horizon;
    const float slope = rule == "drift" && window > 1 ? (x[window - 1] - x[0]) / static_cast<float>(window - 1) : 0.0F;
    for (int64_t h = 0; h < horizon; ++h) out[h] = x[window - period + h % period] + slope * static_cast<float>(h + 1);
  }
  return y;
}

const std::string& ForecastModel::chosen() const {
  // From a file it may be any number.
  const double last = static_cast<double>(candidates_.size()) - 1;
  return candidates_[static_cast<size_t>(std::clamp(std::round(network_->choice.value().item()), 0.0, last))];
}

void ForecastModel::choose(const std::string& model, const std::vector<float>& margins) const {
  const auto place = std::find(candidates_.begin(), candidates_.end(), model) - candidates_.begin();
  network_->choice.mutable_value().fill(static_cast<double>(place));
  std::copy(margins.begin(), margins.end(), network_->margin.mutable_value().data<float>());
}

void ForecastModel::set_baseline_margins(const std::vector<float>& margins) const {
  std::copy(margins.begin(), margins.end(), network_->baseline_margin.mutable_value().data<float>());
}

/// Quantiles that cross change places (Chernozhukov et al. 2010, "Quantile and probability curves without crossing").
void ForecastModel::uncross(std::vector<Tensor>& quantiles) const {
  std::vector<size_t> rising(levels_.size());
  std::iota(rising.begin(), rising.end(), size_t{0});
  std::stable_sort(rising.begin(), rising.end(), [this](size_t a, size_t b) { return levels_[a] < levels_[b]; });
  std::vector<float> values(rising.size());
  for (int64_t i = 0; i < quantiles.front().numel(); ++i) {
    for (size_t k = 0; k < values.size(); ++k) values[k] = quantiles[k].data<float>()[i];
    std::sort(values.begin(), values.end());
    for (size_t k = 0; k < values.size(); ++k) quantiles[rising[k]].data<float>()[i] = values[k];
  }
}

/// Besides, the interval holds the point.
void ForecastModel::widen(Forecasts& f, const Var& margin) const {
  const int64_t horizon = f.point.dim(1);
  for (size_t k = 0; k < levels_.size(); ++k)
    for (int64_t i = 0; i < f.point.numel(); ++i)
      f.quantiles[k].data<float>()[i] += margin.value().data<float>()[static_cast<int64_t>(k) * horizon + i % horizon];
  uncross(f.quantiles);
  for (size_t k = 0; k < levels_.size(); ++k)
    for (int64_t i = 0; i < f.point.numel(); ++i) {
      const float point = f.point.data<float>()[i];
      float& x = f.quantiles[k].data<float>()[i];
      if (levels_[k] <= levels_[0]) x = std::min(x, point);
      if (levels_[k] >= levels_[1]) x = std::max(x, point);
    }
}

std::vector<float> ForecastModel::fit_margins(const std::string& model, const std::vector<StandardSeries>& series,
                                              const std::vector<WindowPlace>& places) {
  const auto horizon = static_cast<size_t>(parts_.options.network.horizon);
  std::vector<std::vector<double>> beyond(levels_.size() * horizon);  // how far outside the quantile a value lies
  for (size_t begin = 0; begin < places.size(); begin += kWindowsAtOnce) {
    const std::vector<WindowPlace> some(
        places.begin() + static_cast<int64_t>(begin),
        places.begin() + static_cast<int64_t>(std::min(places.size(), begin + kWindowsAtOnce)));
    const WindowBatch batch = take_windows(series, some, parts_.options.shape());
    const Forecasts f = forecasts(model, batch);
    for (int64_t i = 0; i < batch.targets.numel(); ++i)
      for (size_t k = 0; k < levels_.size(); ++k) {
        const auto above = static_cast<double>(batch.targets.data<float>()[i] - f.quantiles[k].data<float>()[i]);
        beyond[k * horizon + static_cast<size_t>(i) % horizon].push_back(levels_[k] < 0.5 ? -above : above);
      }
  }
  std::vector<float> margins;
  for (size_t k = 0; k < beyond.size(); ++k) {
    const double level = levels_[k / horizon];
    const double margin = train::conformal_margin(std::move(beyond[k]), std::max(level, 1 - level));
    margins.push_back(static_cast<float>(level < 0.5 ? -margin : margin));
  }
  return margins;
}

std::map<std::string, std::string> ForecastModel::metadata() const {
  return forecast_metadata(parts_);
}

AttentionMap ForecastModel::inspect(const std::string&, const PredictOptions&) {
  throw UnsupportedError(
      "[inspect] a forecaster reads files of numbers and has no attention; got a line. Look at its forecasts with "
      "predict.");
}

std::vector<Prediction> ForecastModel::predict(const std::vector<std::string>&, const PredictOptions&) {
  throw UnsupportedError(
      "[predict] a forecaster answers a file of numbers as a whole; got lines. Name a file: carousel predict MODEL "
      "FILE.");
}

std::vector<std::pair<std::string, std::string>> ForecastModel::describe() {
  const ForecastOptions& o = parts_.options;
  std::vector<std::string> names;
  for (size_t i = 0; i < parts_.memories.size() && i < kSeriesShown; ++i) names.push_back(parts_.memories[i].name);
  if (names.size() < parts_.memories.size()) names.emplace_back("...");
  std::vector<std::pair<std::string, std::string>> rows = {
      {"series", fmt::format("{}: {}", parts_.memories.size(), fmt::join(names, ", "))},
      {"forecasts with", chosen()},
      {"horizon", std::to_string(o.network.horizon)},
      {"window", std::to_string(o.network.window)},
      {"season", o.period > 1 ? counted(o.period, "step") : "none"},
      {"intervals", fmt::format("{} %, conformal{}", 100 * o.network.coverage,
                                o.network.output == "point" ? "" : " around the " + o.network.output + " output")},
      {"normalised by", o.normalize}};
  std::vector<std::string> told = parts_.covariates.known;
  told.insert(told.end(), parts_.covariates.calendar.begin(), parts_.covariates.calendar.end());
  if (!told.empty()) rows.emplace_back("known in advance", fmt::format("{}", fmt::join(told, ", ")));
  if (!network_->lstm.empty()) {
    rows.emplace_back("network", fmt::format("{}, {} a step, {}", network_text(o.network.stack),
                                             counted(o.network.patch, "value"), o.network.decoding));
    if (network_->lstm.size() > 1) rows.emplace_back("members", fmt::format("the mean of {}", network_->lstm.size()));
    add_stack_rows(rows, o.network.stack);
    add_parameter_rows(rows, o.network.stack, o.network.patch);
    add_lines(rows, "cell", network_->lstm.front()->stack().cell().equations());
  }
  return rows;
}

}  // namespace carousel::tasks
