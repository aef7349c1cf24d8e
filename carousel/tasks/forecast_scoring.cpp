// What a forecaster says about files: scores over all their windows, and what comes after their end.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/tasks/forecast_model.h"
#include "carousel/train/forecasting.h"

namespace carousel::tasks {

namespace {

constexpr size_t kScoredWindows = 256;  ///< windows read together

/// There is nothing to search.
void refuse_search(const PredictOptions& options) {
  const char* flag = options.beam_size > 0           ? "--beam"
                     : options.nbest > 1             ? "--nbest"
                     : options.length_penalty >= 0   ? "--length-penalty"
                     : options.min_length >= 0       ? "--min-length"
                     : options.coverage_penalty >= 0 ? "--coverage-penalty"
                     : options.no_repeat_ngram >= 0  ? "--no-repeat-ngram"
                                                     : nullptr;
  if (flag)
    throw ConfigError(
        fmt::format("[forecast] a forecaster gives numbers and searches for no sequence; got {}. Leave it out.", flag));
}

std::vector<WindowPlace> part_of_places(const std::vector<WindowPlace>& places, size_t begin) {
  return {places.begin() + static_cast<int64_t>(begin),
          places.begin() + static_cast<int64_t>(std::min(places.size(), begin + kScoredWindows))};
}

/// Forecasts of a batch in the units of the data.
class InUnits {
 public:
  InUnits(const Forecasts& f, int64_t row, const SeriesMemory& memory) {
    const int64_t n = f.point.dim(1);
    const auto take = [&](const Tensor& rows, std::vector<double>& out) {
      for (int64_t h = 0; h < n; ++h)
        out.push_back(memory.mean + memory.deviation * static_cast<double>(rows.data<float>()[row * n + h]));
    };
    take(f.point, point);
    take(f.quantiles[0], low);
    take(f.quantiles[1], high);
    for (size_t k = 2; k < f.quantiles.size(); ++k) take(f.quantiles[k], quantiles.emplace_back());
  }
  std::vector<double> point, low, high;
  std::vector<std::vector<double>> quantiles;
};

std::vector<train::ForecastScores::Scale> scales_of(const ForecastFile& file) {
  std::vector<train::ForecastScores::Scale> scales;
  for (const SeriesMemory& m : file.memories) scales.push_back({m.deviation, m.seasonal_error});
  return scales;
}

/// A row for each group: its number from `first` on, scores, and those of the baseline.
EvalTable table_of(const char* name, const char* number, int64_t first, int64_t step,
                   const std::vector<train::ForecastScores>& groups,
                   const std::vector<train::ForecastScores>& baselines) {
  EvalTable table;
  table.name = name;
  table.columns = {number};
  for (const char* metric : {"mse", "mae", "smape", "mase", "coverage"}) table.columns.emplace_back(metric);
  for (const char* metric : {"mse", "mae", "smape", "mase"}) table.columns.push_back(std::string("baseline_") + metric);
  for (size_t g = 0; g < groups.size(); ++g) {
    const auto model = groups[g].metrics(), baseline = baselines[g].metrics();
    std::vector<double> row = {static_cast<double>(first + static_cast<int64_t>(g) * step)};
    for (size_t c = 1; c < 6; ++c) row.push_back(model.at(table.columns[c]));
    for (size_t c = 1; c < 5; ++c) row.push_back(baseline.at(table.columns[c]));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

void ForecastModel::each_window(const ForecastFile& file, const std::vector<WindowPlace>& places,
                                const std::string& model, const Var& margin, const WindowSink& sink) {
  const auto horizon = static_cast<size_t>(parts_.options.network.horizon);
  for (size_t begin = 0; begin < places.size(); begin += kScoredWindows) {
    const std::vector<WindowPlace> some = part_of_places(places, begin);
    Forecasts f = forecasts(model, take_windows(file.standard, some, parts_.options.shape()));
    if (margin.defined()) widen(f, margin);
    for (size_t b = 0; b < some.size(); ++b) {
      const InUnits units(f, static_cast<int64_t>(b), file.memories[some[b].series]);
      const double* actual = file.set.series[some[b].series].values.data() + some[b].origin;
      sink(some[b], {{actual, horizon}, units.point, units.low, units.high, units.quantiles});
    }
  }
}

train::ForecastScores ForecastModel::score(const ForecastFile& file, const std::vector<WindowPlace>& places,
                                           const std::string& model, const Var& margin) {
  train::ForecastScores scores(scales_of(file), parts_.options.network.quantiles);
  each_window(file, places, model, margin,
              [&](const WindowPlace& place, const train::ForecastWindow& window) { scores.add(place.series, window); });
  return scores;
}

ForecastModel::Places ForecastModel::open_places(const std::vector<std::string>& files, int64_t step,
                                                 int64_t most) const {
  if (files.size() != 1)
    throw ConfigError(fmt::format("[forecast] all series stand in one file; got {} files. Give one.", files.size()));
  const int64_t window = parts_.options.network.window, horizon = parts_.options.network.horizon;
  Places out;
  out.file = open_forecast_file(files.front(), parts_, window + horizon, 0);
  std::vector<std::string> short_ones;
  int64_t longest = 0;
  for (size_t s = 0; s < out.file.set.series.size(); ++s) {
    const data::Series& series = out.file.set.series[s];
    longest = std::max(longest, series.length());
    const int64_t last = series.length() - horizon;
    if (last < window) short_ones.push_back(series.name);
    const int64_t count = last < window ? 0 : std::min(most, (last - window) / step + 1);
    for (int64_t k = count - 1; k >= 0; --k) out.places.push_back({s, last - k * step});
  }
  if (out.places.empty())
    throw DataError(
        files.front(), 0, 0,
        fmt::format("[eval] a series must have {} values, a window of {} and a horizon of {} behind it; got "
                    "{} in the longest. Give the values before them too, or train with a shorter --window.",
                    window + horizon, window, horizon, longest));
  out.notes = out.file.notes;
  out.notes.push_back(fmt::format(
      "{} of {} in {}, forecast with {}", counted(static_cast<int64_t>(out.places.size()), "window"),
      counted(horizon, "step"),
      counted(static_cast<int64_t>(out.file.set.series.size() - short_ones.size()), "series", "series"), chosen()));
  if (!short_ones.empty())
    out.notes.push_back(fmt::format("{} too short for a window and a horizon and left out ({})",
                                    counted(static_cast<int64_t>(short_ones.size()), "series is", "series are"),
                                    some_of(short_ones)));
  return out;
}

/// Windows whose last value that is forecast is of a time that training had, too.
int64_t ForecastModel::seen_in_training(const Places& scored) const {
  int64_t seen = 0;
  for (const WindowPlace& place : scored.places) {
    const auto& times = scored.file.set.series[place.series].times;
    const int64_t row = place.origin + parts_.options.network.horizon - 1 - scored.file.in_front[place.series];
    const SeriesMemory& memory = scored.file.memories[place.series];
    const bool dated = times && row >= 0 && memory.step.count > 0;  // memories of strangers have no step
    seen += dated && (*times)[static_cast<size_t>(row)] <= memory.last_time;
  }
  return seen;
}

EvalReport ForecastModel::report_on(const Places& scored) {
  const train::ForecastScores scores = score(scored.file, scored.places, chosen(), network_->margin);
  EvalReport report;
  report.task = task();
  report.examples = static_cast<int64_t>(scored.places.size());
  report.metrics = scores.metrics();
  report.set({baseline_text(), score(scored.file, scored.places, baseline(), network_->baseline_margin).metrics()});
  report.notes = scored.notes;
  if (scores.without_mase() > 0)
    report.notes.push_back(fmt::format("mase leaves out {} that repeated without change in training",
                                       counted(scores.without_mase(), "series", "series")));
  if (const int64_t seen = seen_in_training(scored); seen > 0)
    report.notes.push_back(
        fmt::format("{} inside the time of the training data, which the model has seen: its errors there are no test",
                    counted(seen, "window ends", "windows end")));
  note_each(scored.file, scored.places, report);
  if (report.metrics.at("mae") >= report.baseline.at("mae") && chosen() != baseline())
    report.notes.emplace_back(
        "the model is not better than the baseline: train longer or on more data, or take the baseline with --set "
        "model=" +
        baseline());
  return report;
}

EvalReport ForecastModel::evaluate(const std::vector<std::string>& files, const PredictOptions& search) {
  refuse_search(search);
  return report_on(open_places(files, 1, std::numeric_limits<int64_t>::max()));
}

EvalReport ForecastModel::backtest(const std::vector<std::string>& files, int64_t origins) {
  const int64_t horizon = parts_.options.network.horizon;
  const Places scored = open_places(files, horizon, origins);
  EvalReport report = report_on(scored);
  // Scores of each step and of each origin, counted from the newest.
  const std::vector<train::ForecastScores::Scale> scales = scales_of(scored.file);
  using Group = std::vector<train::ForecastScores>;
  const auto grouped = [&](const std::string& model, const Var& margin, Group& by_step, Group& by_origin) {
    by_step.assign(static_cast<size_t>(horizon), train::ForecastScores(scales));
    each_window(scored.file, scored.places, model, margin,
                [&](const WindowPlace& place, const train::ForecastWindow& w) {
                  for (size_t h = 0; h < by_step.size(); ++h)
                    by_step[h].add(place.series, {w.actual.subspan(h, 1), w.forecast.subspan(h, 1), w.low.subspan(h, 1),
                                                  w.high.subspan(h, 1)});
                  const int64_t behind = scored.file.set.series[place.series].length() - place.origin;
                  const auto k = static_cast<size_t>(behind / horizon) - 1;
                  while (by_origin.size() <= k) by_origin.emplace_back(scales);
                  by_origin[k].add(place.series, w);
                });
  };
  Group steps, rolled, baseline_steps, baseline_rolled;
  grouped(chosen(), network_->margin, steps, rolled);
  grouped(baseline(), network_->baseline_margin, baseline_steps, baseline_rolled);
  report.tables.push_back(table_of("by_step", "step", 1, 1, steps, baseline_steps));
  report.tables.push_back(table_of("by_origin", "values_behind", horizon, horizon, rolled, baseline_rolled));
  report.notes.push_back(fmt::format("{} of {} fit, {} apart; the model is the same at each and not trained anew",
                                     counted(static_cast<int64_t>(rolled.size()), "origin"), origins,
                                     counted(horizon, "value")));
  return report;
}

/// How all models of this one do, so that the choice can be judged.
void ForecastModel::note_each(const ForecastFile& file, const std::vector<WindowPlace>& places, EvalReport& report) {
  if (candidates_.size() < 2) return;
  std::vector<std::string> parts;
  for (const std::string& name : candidates_) {
    const auto metrics = score(file, places, name, Var()).metrics();
    parts.push_back(
        fmt::format("{} {:.4g}, {:.4g}, {:.4g}", name, metrics.at("mse"), metrics.at("mae"), metrics.at("smape")));
  }
  report.notes.push_back(fmt::format("mse, mae, smape of each: {}", fmt::join(parts, "; ")));
}

FileAnswer ForecastModel::predict_file(const std::string& name, const PredictOptions& search) {
  refuse_search(search);
  const int64_t window = parts_.options.network.window, horizon = parts_.options.network.horizon;
  const ForecastFile file = open_forecast_file(name, parts_, window, horizon);
  const bool timed = std::any_of(file.set.series.begin(), file.set.series.end(),
                                 [](const data::Series& s) { return s.times && s.step.count > 0; });
  FileAnswer answer;
  answer.notes = file.notes;
  answer.columns = {"series", "step"};
  if (timed) answer.columns.emplace_back("time");
  for (const char* column : {"forecast", "low", "high"}) answer.columns.emplace_back(column);
  for (const int64_t level : parts_.options.network.quantiles) answer.columns.push_back(fmt::format("q{}", level));
  for (size_t s = 0; s < file.set.series.size(); ++s) {
    const data::Series& series = file.set.series[s];
    if (series.length() < window) {
      answer.notes.push_back(fmt::format("no forecast of {}: it has {}, and a window has {}", series.name,
                                         counted(series.length(), "value"), window));
      continue;
    }
    Forecasts f = forecasts(chosen(), take_windows(file.standard, {{s, series.length()}}, parts_.options.shape()));
    widen(f, network_->margin);
    const InUnits units(f, 0, file.memories[s]);
    for (int64_t h = 0; h < horizon; ++h) {
      const auto i = static_cast<size_t>(h);
      std::vector<FileAnswer::Cell> row = {series.name, h + 1};
      if (timed) row.emplace_back(file.time_of(s, series.length() + h));
      for (const double value : {units.point[i], units.low[i], units.high[i]}) row.emplace_back(value);
      for (const auto& quantile : units.quantiles) row.emplace_back(quantile[i]);
      answer.rows.push_back(std::move(row));
    }
  }
  if (answer.rows.empty())
    throw DataError(name, 0, 0,
                    fmt::format("[predict] a series must have {}, a window; got fewer in each. Give the values before "
                                "them too, or train with a shorter --window.",
                                counted(window, "value")));
  return answer;
}

}  // namespace carousel::tasks
