#include "carousel/engine/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/engine/compare_grid.h"
#include "carousel/engine/run_options.h"
#include "carousel/tensor/tensor.h"

namespace carousel::engine {

namespace {

namespace fs = std::filesystem;
using tasks::lab::Report;

/// One combination and what came out.
struct Run {
  Combination combination;
  TrainReport report;
  train::Progress last;
  double score = std::numeric_limits<double>::quiet_NaN();
  std::string diverged = {};  ///< why the training failed
  double grad_norm = 0;
  int64_t peak_bytes = 0;
};

/// Listens to one training.
class Listener final : public Observer {
 public:
  Listener(Run& run, const tasks::lab::Observer& observer, std::set<std::string>& told)
      : run_(run), observer_(observer), told_(told) {}
  void message(const std::string& sentence) override {
    if (told_.insert(sentence).second && observer_.say) observer_.say(sentence);
  }
  void progress(const train::Progress& p) override {
    ++steps_;
    norms_ += p.grad_norm;
    run_.last = p;
    run_.grad_norm = norms_ / static_cast<double>(steps_);
    const auto now = std::chrono::steady_clock::now();
    if (!observer_.say || now - said_ < std::chrono::seconds(10)) return;
    said_ = now;
    observer_.say(fmt::format("{}: {:.0f} %, loss {:.4f}", run_.combination.label(), 100 * p.fraction, p.loss));
  }
  bool stop_requested() override { return observer_.stop && observer_.stop(); }

 private:
  Run& run_;
  const tasks::lab::Observer& observer_;
  std::set<std::string>& told_;  // of all trainings: what is decided from the data is the same for each
  int64_t steps_ = 0;
  double norms_ = 0;
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};

/// Where the model of a combination stays.
std::string model_file(const std::string& folder, const Combination& c) {
  std::string name = fmt::format("{}_{}x{}.safetensors", c.cell, c.num_layers, c.hidden_size);
  std::replace(name.begin(), name.end(), ':', '-');
  return folder + "/" + name;
}

/// Makes the folder of the models. An hour of training must not be lost to a second call: throws ConfigError when one
/// of them is there.
void prepare_folder(const std::string& folder, const std::vector<Combination>& combinations) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw ResourceError(
        fmt::format("[compare] the folder of the models must be writable; got: {} for \"{}\". Name another with "
                    "--folder.",
                    error.message(), folder));
  for (const Combination& c : combinations)
    if (fs::exists(model_file(folder, c), error))
      throw ConfigError(
          fmt::format("[compare] a model of an earlier comparison must not be overwritten; got {}, which is there. "
                      "Move it away, or name another --folder.",
                      model_file(folder, c)));
}

void train_one(const CompareRequest& request, Run& run, const tasks::lab::Observer& observer,
               std::set<std::string>& told) {
  const std::string label = run.combination.label();
  Listener listener(run, observer, told);
  TrainRequest one = request_of(request, run.combination);
  one.write = !request.folder.empty();
  if (one.write) one.output = model_file(request.folder, run.combination);
  reset_tensor_peak();
  const int64_t before = tensor_memory().current;
  try {
    run.report = Engine::train(one, listener);
    run.score = run.report.best_value;
    if (observer.say)
      observer.say(fmt::format("{}: {} {:.4g} after {} steps", label, run.report.metric, run.score, run.report.steps));
  } catch (const DivergedError& error) {  // that one of them fails is a result
    run.diverged = error.what();
    if (observer.say) observer.say(fmt::format("{}: {}", label, error.what()));
  }
  run.peak_bytes = tensor_memory().peak - before;
}

/// What the trainings were judged by; of none when all diverged.
train::Evaluation judged_by(const std::vector<Run>& runs) {
  for (const Run& run : runs)
    if (!run.report.metric.empty()) return run.last.evaluation;
  return {};
}

/// Curves by cell and, where there are several, by depth.
tasks::lab::Plot plot_of(const std::vector<Run>& runs, const std::string& metric) {
  std::string title = metric;
  std::replace(title.begin(), title.end(), '_', ' ');
  tasks::lab::Plot plot{title + " against parameters", "parameters", title, true, false, {}};
  const bool depths = std::any_of(runs.begin(), runs.end(), [&](const Run& run) {
    return run.combination.num_layers != runs.front().combination.num_layers;
  });
  for (const Run& run : runs) {
    const Combination& c = run.combination;
    const std::string name = depths ? fmt::format("{}, {}", c.cell, counted(c.num_layers, "layer")) : c.cell;
    auto series = std::find_if(plot.series.begin(), plot.series.end(), [&](const auto& s) { return s.name == name; });
    if (series == plot.series.end()) series = plot.series.insert(plot.series.end(), {name, {}});
    series->points.emplace_back(static_cast<double>(c.parameters), run.score);
  }
  for (auto& series : plot.series) std::sort(series.points.begin(), series.points.end());
  return plot;
}

/// The winner, and what went wrong.
void note_outcomes(const std::vector<Run>& runs, const train::Evaluation& judged, Report& report) {
  const Run* best = nullptr;
  int64_t scored = 0;
  for (const Run& run : runs) {
    const std::string label = run.combination.label();
    for (const std::string& warning : run.report.warnings)
      report.notes.push_back(fmt::format("{}: {}", label, warning));
    if (!run.diverged.empty()) report.notes.push_back(fmt::format("{} diverged: {}", label, run.diverged));
    if (!std::isfinite(run.score)) continue;
    ++scored;
    if (!best || (judged.lower_is_better ? run.score < best->score : run.score > best->score)) best = &run;
  }
  if (scored > 1)
    report.notes.push_back(
        fmt::format("best {}: {} ({:.4g}); each was trained once, so small differences may be chance", judged.metric,
                    best->combination.label(), best->score));
}

void tabulate(const CompareRequest& request, const std::vector<Run>& runs, Report& report) {
  const train::Evaluation judged = judged_by(runs);
  const std::string metric = judged.metric.empty() ? "score" : judged.metric;
  tasks::lab::Table table{
      "compare",
      fmt::format("same data, {}, equal {}",
                  request.budget > 0 ? fmt::format("{} seconds each", request.budget) : "same options",
                  request.equal_parameters ? "parameters" : "width"),
      {"cell", "num_layers", "hidden_size", "parameters", metric, "steps", "tokens_per_second", "memory_mib",
       "grad_norm", "clipped_share", "seconds"},
      {}};
  for (const Run& run : runs) {
    const Combination& c = run.combination;
    table.rows.push_back({c.cell, c.num_layers, c.hidden_size, c.parameters, run.score, run.last.step,
                          run.last.tokens_per_second, static_cast<double>(run.peak_bytes) / 0x1p20, run.grad_norm,
                          run.last.clipped_share, run.last.seconds});
  }
  report.tables = {std::move(table)};
  report.plots = {plot_of(runs, metric)};
  note_outcomes(runs, judged, report);
}

}  // namespace

int64_t count_parameters(const TrainRequest& request) {
  const std::string name = request.task.empty() ? Engine::decide_task(request.data).first : request.task;
  const auto task = tasks::make_task(name);
  const RunOptions options(*task, request);
  tasks::TaskInput input;
  input.data = request.data;
  input.dev = request.dev;
  input.seed = static_cast<uint64_t>(options.integer("seed"));
  input.max_seconds = options.real("max_seconds");
  return task->build(input, [](const std::string&) {}).model->module().num_parameters();
}

Report compare(const CompareRequest& asked, const tasks::lab::Observer& observer) {
  CompareRequest request = asked;
  std::string why_this_task;
  if (request.base.task.empty()) {
    const auto [task, reason] = Engine::decide_task(request.base.data);
    why_this_task = fmt::format("task: {}, because {}", task, reason);
    request.base.task = task;
  }
  Report report;
  report.schema = "carousel/compare@1";
  Grid grid = make_grid(request);
  report.notes = std::move(grid.notes);
  if (!request.folder.empty()) prepare_folder(request.folder, grid.combinations);
  std::vector<Run> runs;
  for (Combination& c : grid.combinations) runs.push_back({std::move(c), {}, {}});
  if (observer.say && !why_this_task.empty()) observer.say(why_this_task);
  std::set<std::string> told;
  size_t done = 0;
  for (; done < runs.size(); ++done) {
    if (observer.stop && observer.stop()) break;
    train_one(request, runs[done], observer, told);
    if (runs[done].report.outcome == TrainReport::Outcome::interrupted) {
      std::error_code ignored;  // a model that looked finished
      if (!request.folder.empty()) fs::remove(model_file(request.folder, runs[done].combination), ignored);
      break;
    }
  }
  report.interrupted = done < runs.size();
  runs.resize(done);
  tabulate(request, runs, report);
  return report;
}

}  // namespace carousel::engine
