#include "carousel/tasks/forecast_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/json_object.h"
#include "carousel/tasks/describe.h"
#include "carousel/train/forecasting.h"

namespace carousel::tasks {

namespace {

constexpr size_t kSeriesShown = 10;
constexpr size_t kBatch = 256;  ///< windows read together
constexpr const char* kMemoryKey = "forecast.series";

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

/// z with P(|N(0, 1)| < z) = coverage.
double normal_quantile(double coverage) {
  double low = 0, high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (std::erf(middle / std::sqrt(2.0)) < coverage ? low : high) = middle;
  }
  return low;
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
    lstm = std::make_unique<nn::Forecaster>(o.network, seed);
    child("lstm", *lstm);
  }
  if (has(names, {"dlinear", "both"})) {
    dlinear = std::make_unique<nn::DLinear>(o.network.window, o.network.horizon, o.moving_average);
    child("dlinear", *dlinear);
  }
  choice = parameter("choice", Tensor::zeros({1}));
  margin = parameter("margin", Tensor::zeros({o.network.horizon}));
  baseline_margin = parameter("baseline_margin", Tensor::zeros({o.network.horizon}));
}

ForecastModel::ForecastModel(ForecastParts parts, uint64_t seed)
    : parts_(std::move(parts)),
      candidates_(candidates_of(parts_.options)),
      network_(std::make_unique<Network>(parts_.options, seed)) {}

nn::Module& ForecastModel::module() {
  return *network_;
}

std::string ForecastModel::baseline() const {
  const ForecastOptions& o = parts_.options;
  return o.period > 1 && o.period <= o.network.window ? "seasonal_naive" : "naive";
}

Forecasts ForecastModel::forecasts(const std::string& model, const Tensor& windows) {
  if (model == "lstm") return of_lstm(windows);
  if (model == "both") {
    Forecasts all = of_lstm(windows);
    const Tensor line = of_dlinear(windows);
    for (int64_t i = 0; i < line.numel(); ++i) {
      const float shift = (line.data<float>()[i] - all.point.data<float>()[i]) / 2;
      for (Tensor* t : {&all.point, &all.low, &all.high}) t->data<float>()[i] += shift;
    }
    return all;
  }
  const Tensor point = model == "dlinear" ? of_dlinear(windows) : of_rule(model, windows);
  return {point, point.clone(), point.clone()};
}

Forecasts ForecastModel::of_lstm(const Tensor& windows) {
  const int64_t horizon = parts_.options.network.horizon;
  Tensor x = windows.clone();
  const WindowNorm norm(parts_.options.normalize, x);
  nn::Context ctx;
  const Tensor all = network_->lstm->forward(ctx, x).value();
  Forecasts f;
  f.point = columns(all, 0, horizon);
  f.low = f.point.clone();
  f.high = f.point.clone();
  const std::string& output = parts_.options.network.output;
  if (output != "point") {
    const Tensor second = columns(all, horizon, horizon);
    const Tensor third = output == "quantile" ? columns(all, 2 * horizon, horizon) : second;
    const double z = normal_quantile(parts_.options.network.coverage);
    for (int64_t i = 0; i < f.point.numel(); ++i) {
      const float p = f.point.data<float>()[i], a = second.data<float>()[i], b = third.data<float>()[i];
      const auto half = static_cast<float>(z * std::exp(static_cast<double>(a)));
      f.low.data<float>()[i] = output == "quantile" ? std::min(a, p) : p - half;
      f.high.data<float>()[i] = output == "quantile" ? std::max(b, p) : p + half;
    }
  }
  for (Tensor* t : {&f.point, &f.low, &f.high}) norm.undo(*t);
  return f;
}

Tensor ForecastModel::of_dlinear(const Tensor& windows) const {
  Tensor x = windows.clone();
  const WindowNorm norm(parts_.options.normalize, x);
  Tensor y = network_->dlinear->forward(x);
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

void ForecastModel::choose(const std::string& model, const std::vector<float>& margin) const {
  const auto place = std::find(candidates_.begin(), candidates_.end(), model) - candidates_.begin();
  network_->choice.mutable_value().fill(static_cast<double>(place));
  std::copy(margin.begin(), margin.end(), network_->margin.mutable_value().data<float>());
}

void ForecastModel::set_baseline_margin(const std::vector<float>& margin) const {
  std::copy(margin.begin(), margin.end(), network_->baseline_margin.mutable_value().data<float>());
}

/// Margins of intervals that were too wide are negative.
void ForecastModel::widen(Forecasts& f, const Var& margin) {
  const int64_t horizon = f.point.dim(1);
  for (int64_t i = 0; i < f.point.numel(); ++i) {
    const float point = f.point.data<float>()[i], by = margin.value().data<float>()[i % horizon];
    f.low.data<float>()[i] = std::min(point, f.low.data<float>()[i] - by);
    f.high.data<float>()[i] = std::max(point, f.high.data<float>()[i] + by);
  }
}

std::vector<float> ForecastModel::fit_margin(const std::string& model, const std::vector<StandardSeries>& series,
                                             const std::vector<WindowPlace>& places) {
  const int64_t horizon = parts_.options.network.horizon;
  std::vector<std::vector<double>> scores(static_cast<size_t>(horizon));
  for (size_t begin = 0; begin < places.size(); begin += kBatch) {
    const std::vector<WindowPlace> some(places.begin() + static_cast<int64_t>(begin),
                                        places.begin() + static_cast<int64_t>(std::min(places.size(), begin + kBatch)));
    const WindowBatch batch = take_windows(series, some, parts_.options.network.window, horizon);
    const Forecasts f = forecasts(model, batch.windows);
    for (int64_t i = 0; i < batch.targets.numel(); ++i) {
      const float y = batch.targets.data<float>()[i];
      scores[static_cast<size_t>(i % horizon)].push_back(
          static_cast<double>(std::max(f.low.data<float>()[i] - y, y - f.high.data<float>()[i])));
    }
  }
  std::vector<float> margin;
  for (std::vector<double>& step : scores)
    margin.push_back(static_cast<float>(train::conformal_margin(std::move(step), parts_.options.network.coverage)));
  return margin;
}

std::map<std::string, std::string> ForecastModel::metadata() const {
  std::vector<std::string> names;
  std::vector<double> means, deviations, errors, ends;
  std::vector<int64_t> times, steps, lengths;
  for (const SeriesMemory& m : parts_.memories) {
    names.push_back(m.name);
    means.push_back(m.mean);
    deviations.push_back(m.deviation);
    errors.push_back(m.seasonal_error);
    times.push_back(m.last_time);
    steps.push_back(m.step.months ? -m.step.count : m.step.count);
    lengths.push_back(static_cast<int64_t>(m.end.size()));
    ends.insert(ends.end(), m.end.begin(), m.end.end());
  }
  const nlohmann::ordered_json json = {{"names", names},           {"mean", means},      {"deviation", deviations},
                                       {"seasonal_error", errors}, {"last_time", times}, {"step", steps},
                                       {"end_length", lengths},    {"end", ends}};
  return {{kMemoryKey, json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)}};
}

ForecastParts load_forecast_parts(const ForecastOptions& options, const std::map<std::string, std::string>& metadata,
                                  const std::string& file) {
  const auto found = metadata.find(kMemoryKey);
  if (found == metadata.end())
    throw FormatError(file, 0,
                      fmt::format("[model] the metadata must hold '{}'; got none. The file is no forecaster or is "
                                  "damaged; train again.",
                                  kMemoryKey));
  const data::JsonObject json(found->second, file, kMemoryKey);
  const std::vector<std::string> names = json.texts("names");
  const std::vector<double> means = json.numbers("mean"), deviations = json.numbers("deviation"),
                            errors = json.numbers("seasonal_error"), ends = json.numbers("end");
  const std::vector<int64_t> times = json.integers("last_time"), steps = json.integers("step"),
                             lengths = json.integers("end_length");
  for (const size_t n : {means.size(), deviations.size(), errors.size(), times.size(), steps.size(), lengths.size()})
    if (n != names.size() || n == 0)
      json.fail("there must be series, with as many of each number", fmt::format("{} and {}", names.size(), n));
  // What a rule divides by and looks back to; a network checks its own.
  for (const int64_t n : {options.period, options.network.window, options.network.horizon})
    if (n < 1)
      throw FormatError(
          file, 0,
          fmt::format("[model] period, window and horizon must be at least 1; got {}. The file is damaged; "
                      "train again.",
                      n));
  constexpr int64_t kLargestTime = int64_t{1} << 53, kLargestStep = int64_t{1} << 37;  // 65,536 of them: a time
  ForecastParts parts;
  parts.options = options;
  size_t used = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!(deviations[i] > 0) || errors[i] < 0)
      json.fail("deviations must be above 0 and errors at least 0", fmt::format("{} and {}", deviations[i], errors[i]));
    if (lengths[i] < 0 || lengths[i] > options.network.window || static_cast<size_t>(lengths[i]) > ends.size() - used)
      json.fail("the ends of the series must be there", fmt::format("{} values", lengths[i]));
    const auto beyond = [](int64_t value, int64_t most) { return value > most || value < -most; };
    if (beyond(times[i], kLargestTime) || beyond(steps[i], kLargestStep))
      json.fail("times and steps must be possible", fmt::format("{} and {}", times[i], steps[i]));
    SeriesMemory m;
    m.name = names[i];
    m.mean = means[i];
    m.deviation = deviations[i];
    m.seasonal_error = errors[i];
    m.last_time = times[i];
    m.step.count = std::abs(steps[i]);
    m.step.months = steps[i] < 0;
    const auto begin = ends.begin() + static_cast<int64_t>(used);
    m.end.assign(begin, begin + lengths[i]);
    used += static_cast<size_t>(lengths[i]);
    parts.memories.push_back(std::move(m));
  }
  return parts;
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
  if (network_->lstm) {
    rows.emplace_back("network", fmt::format("{}, {} a step, {}", network_text(o.network.stack),
                                             counted(o.network.patch, "value"), o.network.decoding));
    add_stack_rows(rows, o.network.stack);
    add_parameter_rows(rows, o.network.stack, o.network.patch);
    add_lines(rows, "cell", network_->lstm->stack().cell().equations());
  }
  return rows;
}

}  // namespace carousel::tasks
