#include "carousel/tasks/detect.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/series_folder.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/detect_config.h"
#include "carousel/tasks/detect_data.h"
#include "carousel/tasks/detect_model.h"
#include "carousel/tasks/detect_objective.h"

namespace carousel::tasks {

namespace {

class Detect final : public Task {
 public:
  std::string name() const override { return "detect"; }
  std::string summary() const override {
    return "what is unusual in series of numbers (tables with labels, or folders with windows of anomalies)";
  }

  /// Series alone are forecast: labels say that it is about anomalies.
  std::string recognises(const std::vector<std::string>& files) override {
    if (files.size() != 1) return "";
    try {
      std::error_code error;
      if (std::filesystem::is_directory(files.front(), error)) {
        const data::SeriesFolder folder = data::look_into(files.front());
        if (folder.windows.empty()) return "";
        return fmt::format("a folder of {} with windows of anomalies",
                           counted(static_cast<int64_t>(folder.tables.size()), "table"));
      }
      const data::SeriesPlan plan = data::plan_series(files.front(), options_.format, options_.read_options());
      const auto has = [&](const char* role) {
        return std::find(plan.roles.begin(), plan.roles.end(), role) != plan.roles.end();
      };
      return plan.evident && has("label") && has("time") ? plan.reason : "";
    } catch (const DataError&) {
      return "";  // it may be for another task; whoever reads it will say what is wrong
    }
  }

  void options(OptionTable& table) override { options_.options(table); }

  TrainingJob build(const TaskInput& input, const Say& say) override {
    if (!input.dev.empty())
      throw ConfigError(
          "[detect] rows are held back from the data itself; got a dev file. Leave it out, or set dev_share.");
    DetectData data = read_detect_data(input.data, options_);
    int64_t rows = 0;
    for (const DetectGroup& g : data.groups) rows += g.rows();
    say(fmt::format("train: {}; {} of {}", data.reason,
                    counted(static_cast<int64_t>(data.groups.size()), "series", "series"), counted(rows, "row")));
    for (const std::string& note : data.notes) say("train: " + note);
    if (data.labelled() &&
        std::all_of(data.groups.begin(), data.groups.end(), [](const DetectGroup& g) { return g.windows.empty(); }))
      say("train: no anomaly is labelled: eval will have nothing to score by");
    data.plan.decide(options_.format);
    DetectParts parts;
    parts.plan = data.plan;
    parts.style = data.groups.front().style;
    parts.period = common_period(data);
    DetectSets sets = cut(std::move(data), parts, input.data.front(), say);
    parts.options = options_;
    auto model = std::make_unique<DetectModel>(std::move(parts), static_cast<uint64_t>(options_.trainer.seed));
    TrainingJob job;
    job.trainer = options_.trainer;
    job.train_examples = sets.train.size();
    job.dev_examples = sets.dev.size();
    job.example = input.data.front();
    job.objective = make_detect_objective(*model, std::move(sets));
    job.model = std::move(model);
    return job;
  }

  std::unique_ptr<TaskModel> load(const std::map<std::string, std::string>& metadata,
                                  const std::string& file) override {
    return std::make_unique<DetectModel>(load_detect_parts(options_, metadata, file), 0);
  }

 private:
  /// The season of what is learnt from, by autocorrelation.
  int64_t common_period(const DetectData& data) const {
    std::vector<std::vector<double>> values;
    std::vector<int64_t> usual;
    int64_t longest = 1;
    for (const DetectGroup& g : data.groups)
      for (const data::Series& s : g.series) {
        if (usual.empty()) usual = data::usual_periods(s.step, g.style);
        const int64_t fit = fit_rows(g, options_);
        values.emplace_back(s.values.begin(), s.values.begin() + fit);
        longest = std::max(longest, fit);
      }
    return options_.period > 0 ? options_.period
                               : data::find_period(values, std::min(data::kLongestPeriod, longest / 3), usual);
  }

  /// Cuts what is learnt from off each group, and remembers its series.
  DetectSets cut(DetectData data, DetectParts& parts, const std::string& file, const Say& say) {
    DetectSets sets;
    int64_t shortest = 0, rows = 0, labelled = 0;
    for (const DetectGroup& g : data.groups) {
      const int64_t fit = fit_rows(g, options_);
      shortest = shortest == 0 ? fit : std::min(shortest, fit);
      rows += fit;
      labelled += g.labelled && options_.fit_share == 0;
    }
    decide(options_, shortest, rows);
    int64_t too_short = 0, longest = 0;
    for (DetectGroup& g : data.groups) {
      const int64_t fit = fit_rows(g, options_), window = options_.window;
      const auto held_back = static_cast<int64_t>(options_.dev_share * static_cast<double>(fit));
      const int64_t train = std::max<int64_t>(0, fit - std::max<int64_t>(held_back, 1));
      longest = std::max(longest, fit);
      for (data::Series& s : g.series) {
        DetectMemory memory;
        memory.name = s.name;
        memory.step = s.step;
        memory.period = period_of(s.step, g.style, options_, parts.period);
        if (s.times) memory.last_time = s.times->back();
        memory.end.assign(s.values.end() - std::min(s.length(), kKeptRows), s.values.end());
        const size_t index = sets.series.size();
        sets.series.push_back(detect_series(s, fit, options_.memory, memory.period));
        sets.train.add(index, window, train - 1);
        sets.dev.add(index, std::max(window, train), fit - 1);
        too_short += train - 1 < window;
        parts.memories.push_back(std::move(memory));
        s.values.resize(static_cast<size_t>(fit));
      }
      g.labelled = false;
      g.windows.clear();
      sets.train_rows.push_back(train);
      sets.groups.push_back(std::move(g));
    }
    if (sets.train.size() == 0 || sets.dev.size() == 0)
      throw DataError(
          file, 0, 0,
          fmt::format("[detect] a series must hold more rows than a window of {} to learn from, and some to "
                      "hold back; got at most {} to learn from. Give more data, or set a shorter --window.",
                      options_.window, longest));
    if (too_short > 0)
      say(fmt::format("train: {} too short for a window of {} and not learnt from",
                      counted(too_short, "series is", "series are"), options_.window));
    if (labelled > 0)
      say("fit: labelled series are learnt from in their first 15 % alone, at most 750 rows, so that the rest can be "
          "scored; the labels are not used");
    say(fmt::format("dev: the last {:g} % of {} that are learnt from; season {}; model: {}", 100 * options_.dev_share,
                    counted(rows, "row"), seasons_text(parts), network_text(options_.stack)));
    return sets;
  }

  DetectOptions options_;
};

}  // namespace

std::unique_ptr<Task> make_detect() {
  return std::make_unique<Detect>();
}

}  // namespace carousel::tasks
