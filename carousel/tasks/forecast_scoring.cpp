// What a forecaster says about files: scores over all their windows, and what comes after their end.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/tasks/forecast_model.h"
#include "carousel/train/forecasting.h"

namespace carousel::tasks {

namespace {

constexpr size_t kBatch = 256;  ///< windows read together
constexpr size_t kNamesShown = 3;

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

std::string some_of(const std::vector<std::string>& names) {
  std::vector<std::string> some(names.begin(),
                                names.begin() + static_cast<int64_t>(std::min(names.size(), kNamesShown)));
  if (some.size() < names.size()) some.emplace_back("...");
  return fmt::format("{}", fmt::join(some, ", "));
}

std::vector<WindowPlace> part_of_places(const std::vector<WindowPlace>& places, size_t begin) {
  return {places.begin() + static_cast<int64_t>(begin),
          places.begin() + static_cast<int64_t>(std::min(places.size(), begin + kBatch))};
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
    take(f.low, low);
    take(f.high, high);
  }
  std::vector<double> point, low, high;
};

}  // namespace

/// The series of a file, each with the values before it where it goes on where training ended.
struct ForecastModel::File {
  data::SeriesSet set;
  std::vector<SeriesMemory> memories;  ///< of each series of the set
  std::vector<StandardSeries> standard;
  std::vector<std::string> notes;
};

SeriesMemory ForecastModel::memory_of(const data::Series& series, size_t series_in_file,
                                      std::vector<std::string>& strangers) const {
  const std::vector<SeriesMemory>& known = parts_.memories;
  const auto place =
      std::find_if(known.begin(), known.end(), [&](const SeriesMemory& m) { return m.name == series.name; });
  if (place != known.end()) return *place;
  if (known.size() == 1 && series_in_file == 1) return known.front();  // whatever its column is called
  strangers.push_back(series.name);
  SeriesMemory own = remember(series, series.length());
  own.seasonal_error = train::seasonal_error(series.values, parts_.options.period);
  return own;
}

/// Whether a series goes on where training ended: its times say so, or there are none and it is too short to stand
/// alone.
bool ForecastModel::continues(const data::Series& series, const SeriesMemory& memory, int64_t least) const {
  if (static_cast<int64_t>(memory.end.size()) < parts_.options.network.window) return false;
  if (!series.times) return series.length() < least;
  return memory.step.count > 0 && data::advance(memory.last_time, memory.step, 1) == series.times->front();
}

ForecastModel::File ForecastModel::open(const std::string& file, int64_t least) const {
  const data::ReadOptions read = parts_.options.read_options();
  const data::SeriesFormat& format = parts_.options.format;
  File out;
  out.set = data::read_series(file, data::plan_series(file, format, read), format, read);
  out.notes = out.set.notes;
  std::vector<std::string> strangers, going_on;
  for (data::Series& series : out.set.series) {
    SeriesMemory memory = memory_of(series, out.set.series.size(), strangers);
    if (continues(series, memory, least)) {
      going_on.push_back(series.name);
      series.values.insert(series.values.begin(), memory.end.begin(), memory.end.end());
    }
    if (series.step.count == 0) series.step = memory.step;
    out.standard.emplace_back(series, memory);
    out.memories.push_back(std::move(memory));
  }
  if (!going_on.empty())
    out.notes.push_back(fmt::format("{} where training ended ({}): the last {} of it stand before the file's",
                                    counted(static_cast<int64_t>(going_on.size()), "series begins", "series begin"),
                                    some_of(going_on), counted(parts_.options.network.window, "value")));
  if (!strangers.empty())
    out.notes.push_back(fmt::format("{} not in the training data ({}): measured by mean and deviation of the file",
                                    counted(static_cast<int64_t>(strangers.size()), "series was", "series were"),
                                    some_of(strangers)));
  return out;
}

train::ForecastScores ForecastModel::score(const File& file, const std::vector<WindowPlace>& places,
                                           const std::string& model, const Var& margin) {
  const int64_t window = parts_.options.network.window, horizon = parts_.options.network.horizon;
  std::vector<train::ForecastScores::Scale> scales;
  for (const SeriesMemory& m : file.memories) scales.push_back({m.deviation, m.seasonal_error});
  train::ForecastScores scores(std::move(scales));
  for (size_t begin = 0; begin < places.size(); begin += kBatch) {
    const std::vector<WindowPlace> some = part_of_places(places, begin);
    Forecasts f = forecasts(model, take_windows(file.standard, some, window, horizon).windows);
    if (margin.defined()) widen(f, margin);
    for (size_t b = 0; b < some.size(); ++b) {
      const InUnits units(f, static_cast<int64_t>(b), file.memories[some[b].series]);
      const double* actual = file.set.series[some[b].series].values.data() + some[b].origin;
      scores.add(some[b].series, {{actual, static_cast<size_t>(horizon)}, units.point, units.low, units.high});
    }
  }
  return scores;
}

EvalReport ForecastModel::evaluate(const std::vector<std::string>& files, const PredictOptions& search) {
  refuse_search(search);
  if (files.size() != 1)
    throw ConfigError(fmt::format("[forecast] all series stand in one file; got {} files. Give one.", files.size()));
  const int64_t window = parts_.options.network.window, horizon = parts_.options.network.horizon;
  File file = open(files.front(), window + horizon);
  Windows all;
  std::vector<std::string> short_ones;
  for (size_t s = 0; s < file.set.series.size(); ++s) {
    const int64_t last = file.set.series[s].length() - horizon;
    if (last < window) short_ones.push_back(file.set.series[s].name);
    all.add(s, window, last);
  }
  if (all.size() == 0)
    throw DataError(
        files.front(), 0, 0,
        fmt::format("[eval] a series must have {} values, a window of {} and a horizon of {} behind it; got "
                    "{} in the longest. Give the values before them too, or train with a shorter --window.",
                    window + horizon, window, horizon,
                    std::max_element(file.set.series.begin(), file.set.series.end(), [](const auto& a, const auto& b) {
                      return a.length() < b.length();
                    })->length()));
  const std::vector<WindowPlace> places = all.sample(all.size());
  const train::ForecastScores scores = score(file, places, chosen(), network_->margin);
  EvalReport report;
  report.task = task();
  report.examples = all.size();
  report.metrics = scores.metrics();
  report.baseline = score(file, places, baseline(), network_->baseline_margin).metrics();
  report.baseline_name = baseline() == "naive"
                             ? "naive: the last value again"
                             : fmt::format("seasonal naive: the last {} values again", parts_.options.period);
  report.notes = file.notes;
  report.notes.push_back(
      fmt::format("{} of {} in {}, forecast with {}", counted(all.size(), "window"), counted(horizon, "step"),
                  counted(static_cast<int64_t>(file.set.series.size()) - static_cast<int64_t>(short_ones.size()),
                          "series", "series"),
                  chosen()));
  if (!short_ones.empty())
    report.notes.push_back(fmt::format("{} too short for a window and a horizon and left out ({})",
                                       counted(static_cast<int64_t>(short_ones.size()), "series is", "series are"),
                                       some_of(short_ones)));
  if (scores.without_mase() > 0)
    report.notes.push_back(fmt::format("mase leaves out {} that repeated without change in training",
                                       counted(scores.without_mase(), "series", "series")));
  note_each(file, places, report);
  if (report.metrics.at("mae") >= report.baseline.at("mae") && chosen() != baseline())
    report.notes.emplace_back(
        "the model is not better than the baseline: train longer or on more data, or take the baseline with --set "
        "model=" +
        baseline());
  return report;
}

/// How all models of this one do, so that the choice can be judged.
void ForecastModel::note_each(const File& file, const std::vector<WindowPlace>& places, EvalReport& report) {
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
  const File file = open(name, window);
  const bool timed = std::any_of(file.set.series.begin(), file.set.series.end(),
                                 [](const data::Series& s) { return s.times && s.step.count > 0; });
  FileAnswer answer;
  answer.notes = file.notes;
  answer.columns = {"series", "step"};
  if (timed) answer.columns.emplace_back("time");
  for (const char* column : {"forecast", "low", "high"}) answer.columns.emplace_back(column);
  for (size_t s = 0; s < file.set.series.size(); ++s) {
    const data::Series& series = file.set.series[s];
    if (series.length() < window) {
      answer.notes.push_back(fmt::format("no forecast of {}: it has {}, and a window has {}", series.name,
                                         counted(series.length(), "value"), window));
      continue;
    }
    Tensor x = Tensor::empty({1, window});
    std::copy_n(file.standard[s].values.end() - window, window, x.data<float>());
    Forecasts f = forecasts(chosen(), x);
    widen(f, network_->margin);
    const InUnits units(f, 0, file.memories[s]);
    for (int64_t h = 0; h < horizon; ++h) {
      const auto i = static_cast<size_t>(h);
      std::vector<FileAnswer::Cell> row = {series.name, h + 1};
      if (timed)
        row.emplace_back(
            series.times ? data::format_time({data::advance(series.times->back(), series.step, h + 1), file.set.style})
                         : std::string());
      for (const double value : {units.point[i], units.low[i], units.high[i]}) row.emplace_back(value);
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
