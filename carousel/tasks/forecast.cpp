#include "carousel/tasks/forecast.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/forecast_config.h"
#include "carousel/tasks/forecast_model.h"
#include "carousel/tasks/forecast_objective.h"
#include "carousel/train/forecasting.h"

namespace carousel::tasks {

namespace {

class Forecast final : public Task {
 public:
  std::string name() const override { return "forecast"; }
  std::string summary() const override {
    return "what comes next in series of numbers (tables of times and values, or a series in each row)";
  }

  std::string recognises(const std::vector<std::string>& files) override {
    if (files.size() != 1) return "";
    try {
      const data::SeriesPlan plan = data::plan_series(files.front(), options_.format, options_.read_options());
      return plan.evident ? plan.reason : "";
    } catch (const DataError&) {
      const bool said = options_.format.layout != "auto" || options_.format.columns != "auto";
      if (said) throw;
      return "";  // it may be for another task; whoever reads it will say what is wrong
    }
  }

  void options(OptionTable& table) override { options_.options(table); }

  TrainingJob build(const TaskInput& input, const Say& say) override {
    const data::SeriesSet set = read(input.data, "train", say);
    const data::SeriesSet dev = input.dev.empty() ? data::SeriesSet() : read(input.dev, "dev", say);
    decide_shape(set, say);
    ForecastParts parts;
    const bool all_is_train = !input.dev.empty();
    parts.covariates = known_covariates(set, training_lengths(set, all_is_train));
    parts.memories = memories_of(set, parts.covariates, all_is_train);
    const std::vector<SeriesMemory> dev_memories = memories_of_dev(dev, parts);
    ForecastSets sets = cut(set, dev, parts.memories, dev_memories, say);
    const auto attach = [&](const std::vector<std::string>& calendar) {
      parts.covariates.calendar = calendar;
      options_.network.channels = parts.covariates.channels();
      attach_channels(channels_of(parts.covariates, set, parts.memories, 0), sets.train_series);
      if (all_is_train) attach_channels(channels_of(parts.covariates, dev, dev_memories, 0), sets.dev_series);
    };
    decide(options_, sets.train.size());
    const LinearFit linear = decide_calendar(calendar_of(set), sets, attach, say);
    keep_ends(sets.train_series, parts);
    say(fmt::format(
        "model: {}{}", options_.model == "auto" ? "the best on dev of " : "",
        options_.model == "auto"
            ? fmt::format("{} ({}, {} a step), a linear one and naive rules", options_.network.stack.cell.cell,
                          network_text(options_.network.stack), counted(options_.network.patch, "value"))
            : options_.model));
    parts.options = options_;
    auto model = std::make_unique<ForecastModel>(std::move(parts), static_cast<uint64_t>(options_.trainer.seed));
    if (model->dlinear()) {
      model->dlinear()->set_maps(linear.maps);
      say(fmt::format("dlinear: solved with ridge {:.3g}", linear.ridge));
    }
    if (model->lstm().empty()) options_.trainer.max_steps = 1;  // what is chosen needs no training
    TrainingJob job;
    job.trainer = options_.trainer;
    job.train_examples = sets.train.size();
    job.dev_examples = sets.dev.size();
    job.example = input.data.front();
    job.objective = make_forecast_objective(*model, std::move(sets));
    job.model = std::move(model);
    return job;
  }

  std::unique_ptr<TaskModel> load(const std::map<std::string, std::string>& metadata,
                                  const std::string& file) override {
    return std::make_unique<ForecastModel>(load_forecast_parts(options_, metadata, file), 0);
  }

 private:
  data::SeriesSet read(const std::vector<std::string>& files, const char* what, const Say& say) {
    if (files.size() != 1)
      throw ConfigError(
          fmt::format("[forecast] all series stand in one file; got {} files. Give one, with a column for each series.",
                      files.size()));
    const data::ReadOptions options = options_.read_options();
    const data::SeriesPlan plan = data::plan_series(files.front(), options_.format, options);
    plan.decide(options_.format);
    data::SeriesSet set = data::read_series(files.front(), plan, options_.format, options);
    int64_t values = 0;
    for (const data::Series& s : set.series) values += s.length();
    say(fmt::format(
        "{}: {}; {} of {}{}", what, plan.reason, counted(static_cast<int64_t>(set.series.size()), "series", "series"),
        counted(values, "value"),
        set.series.front().step.count > 0 ? ", one each " + data::describe(set.series.front().step, set.style) : ""));
    for (const std::string& note : set.notes) say(fmt::format("{}: {}", what, note));
    return set;
  }

  void decide_shape(const data::SeriesSet& set, const Say& say) {
    std::vector<int64_t> lengths;
    std::vector<std::vector<double>> values;
    for (const data::Series& s : set.series) {
      lengths.push_back(s.length());
      values.push_back(s.values);
    }
    const bool given = options_.period > 0;
    const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
    decide_window(options_, lengths,
                  given ? 1
                        : data::find_period(values, std::min(data::kLongestPeriod, longest / 3),
                                            data::usual_periods(set.series.front().step, set.style)));
    say(fmt::format("season: {}", options_.period == 1 ? "none found"
                                                       : fmt::format("{}{}", counted(options_.period, "step"),
                                                                     given ? "" : ", by autocorrelation")));
    say(fmt::format("shape: {} forecast from windows of {}", counted(options_.network.horizon, "value"),
                    options_.network.window));
  }

  /// How many values of each series are learnt from.
  std::vector<int64_t> training_lengths(const data::SeriesSet& set, bool all_is_train) const {
    std::vector<int64_t> lengths;
    for (const data::Series& s : set.series)
      lengths.push_back(all_is_train ? s.length() : std::max<int64_t>(1, s.length() - options_.dev_length(s.length())));
    return lengths;
  }

  /// What helps to know of the calendar, in force when this returns, and the linear model that knows it.
  LinearFit decide_calendar(const std::vector<std::string>& calendar, const ForecastSets& sets,
                            const std::function<void(const std::vector<std::string>&)>& attach, const Say& say) {
    if (options_.calendar == "yes" && calendar.empty())
      throw ConfigError(
          "[forecast] calendar = yes needs a column of dates with a step that hours, days or years hold; got none. "
          "Leave calendar = auto, or give dates such as 2024-05-01 06:00.");
    const bool linear = options_.model == "auto" || options_.model == "dlinear" || options_.model == "both";
    const bool learns = linear || options_.model == "lstm";
    const bool yes = learns && options_.calendar != "no" && !calendar.empty();
    const bool compare = yes && options_.calendar == "auto";
    LinearFit without, with;
    const auto fit = [&](const std::vector<std::string>& told) {
      attach(told);
      return linear || compare ? fit_linear(options_, sets) : LinearFit();
    };
    if (!yes || compare) without = fit({});
    if (yes) with = fit(calendar);
    // It must be worth the weights: noise alone is a little better or worse.
    constexpr double kWorth = 0.995;
    const bool told = yes && (!compare || with.error < kWorth * without.error);
    if (compare)
      say(fmt::format("calendar ({}): {} to the models; on dev the linear model's {} is {:.4g} with it, {:.4g} without",
                      fmt::join(calendar, ", "), told ? "told" : "not told", options_.network.loss, with.error,
                      without.error));
    options_.calendar = told ? "yes" : "no";
    if (yes && !told) attach({});
    return told ? with : without;
  }

  static void attach_channels(const std::vector<std::shared_ptr<const std::vector<float>>>& channels,
                              std::vector<StandardSeries>& to) {
    for (size_t s = 0; s < to.size(); ++s) to[s].covariates = channels[s];
  }

  /// What was known of the values that each memory ends in.
  static void keep_ends(const std::vector<StandardSeries>& series, ForecastParts& parts) {
    for (size_t s = 0; s < series.size(); ++s) {
      if (!series[s].covariates) continue;
      SeriesMemory& m = parts.memories[s];
      const auto channels = static_cast<size_t>(parts.covariates.channels());
      const auto begin =
          series[s].covariates->begin() + static_cast<int64_t>((series[s].values.size() - m.end.size()) * channels);
      m.end_covariates.assign(begin, begin + static_cast<int64_t>(m.end.size() * channels));
    }
  }

  /// By the names of those that were learnt from.
  std::vector<SeriesMemory> memories_of_dev(const data::SeriesSet& dev, const ForecastParts& parts) const {
    std::vector<SeriesMemory> memories;
    require_known(parts.covariates, dev);
    for (const data::Series& series : dev.series) {
      const auto known = std::find_if(parts.memories.begin(), parts.memories.end(),
                                      [&](const SeriesMemory& m) { return m.name == series.name; });
      memories.push_back(known != parts.memories.end() ? *known : remember(series, series.length()));
      if (known == parts.memories.end())
        memories.back().responses =
            parts.covariates.responses_of(series, series.length(), memories.back().deviation, options_.period);
    }
    return memories;
  }

  std::vector<SeriesMemory> memories_of(const data::SeriesSet& set, const Covariates& covariates,
                                        bool all_is_train) const {
    std::vector<SeriesMemory> memories;
    const std::vector<int64_t> lengths = training_lengths(set, all_is_train);
    for (const data::Series& s : set.series) {
      const int64_t length = lengths[memories.size()];
      SeriesMemory m = remember(s, length);
      m.responses = covariates.responses_of(s, std::min(length, s.length()), m.deviation, options_.period);
      m.seasonal_error = train::seasonal_error(s.values, options_.period);
      if (s.times && s.length() > 0) m.last_time = (*s.times)[s.values.size() - 1];
      m.step = s.step;
      const int64_t kept = std::min(s.length(), options_.network.window);
      m.end.assign(s.values.end() - kept, s.values.end());
      memories.push_back(std::move(m));
    }
    return memories;
  }

  /// The last part of each series is dev, unless there is a dev file.
  ForecastSets cut(const data::SeriesSet& set, const data::SeriesSet& dev, const std::vector<SeriesMemory>& memories,
                   const std::vector<SeriesMemory>& dev_memories, const Say& say) const {
    const int64_t window = options_.network.window, horizon = options_.network.horizon;
    ForecastSets sets;
    int64_t held_back = 0, least_held_back = set.series.front().length(), too_short = 0;
    for (size_t s = 0; s < set.series.size(); ++s) {
      const int64_t length = set.series[s].length();
      const int64_t train = dev.series.empty() ? length - options_.dev_length(length) : length;
      const int64_t before = sets.train.size();
      sets.train.add(s, window, train - horizon);
      if (dev.series.empty()) {
        sets.dev.add(s, std::max(window, train), length - horizon);
        held_back = std::max(held_back, length - train);
        least_held_back = std::min(least_held_back, length - train);
      }
      too_short += sets.train.size() == before;
      sets.train_series.emplace_back(set.series[s], memories[s]);
    }
    for (size_t s = 0; s < dev.series.size(); ++s) {
      sets.dev_series.emplace_back(dev.series[s], dev_memories[s]);
      sets.dev.add(s, window, dev.series[s].length() - horizon);
    }
    if (sets.train.size() == 0 || sets.dev.size() == 0) refuse_short(set, dev);
    if (too_short > 0)
      say(fmt::format("train: {} too short for a window of {} and a horizon of {} and not learnt from",
                      counted(too_short, "series is", "series are"), window, horizon));
    say(fmt::format("dev: {}; {} to learn from, {} to choose by",
                    dev.series.empty() ? fmt::format("the last {} of each series{}", held_back,
                                                     least_held_back < held_back ? " (of shorter ones less)" : "")
                                       : dev.file,
                    counted(sets.train.size(), "window"), sets.dev.size()));
    return sets;
  }

  [[noreturn]] void refuse_short(const data::SeriesSet& set, const data::SeriesSet& dev) const {
    int64_t longest = 0;
    for (const data::Series& s : set.series) longest = std::max(longest, s.length());
    throw DataError(
        dev.series.empty() ? set.file : dev.file, 0, 0,
        fmt::format("[forecast] a series must hold a window of {} and a horizon of {} for training and a horizon for "
                    "dev; got at most {} values. Give more data, or set a shorter --window or --horizon.",
                    options_.network.window, options_.network.horizon, longest));
  }

  ForecastOptions options_;
};

}  // namespace

std::unique_ptr<Task> make_forecast() {
  return std::make_unique<Forecast>();
}

}  // namespace carousel::tasks
