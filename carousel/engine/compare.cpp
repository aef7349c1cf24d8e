#include "carousel/engine/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "carousel/base/error.h"
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
  double grad_norm = 0;
  int64_t peak_bytes = 0;
};

/// Listens to one training.
class Listener final : public Observer {
 public:
  Listener(Run& run, const tasks::lab::Observer& observer) : run_(run), observer_(observer) {}
  void message(const std::string& /*sentence*/) override {}
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
  int64_t steps_ = 0;
  double norms_ = 0;
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};

/// The folder of the models; removed at the end unless the user named it.
class Folder {
 public:
  explicit Folder(const std::string& named) : path_(named), temporary_(named.empty()) {
    if (temporary_) {
      std::string pattern = (fs::temp_directory_path() / "carousel_compare_XXXXXX").string();
      if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    }
    std::error_code error;
    fs::create_directories(path_, error);
    if (path_.empty() || error)
      throw ResourceError(
          fmt::format("[compare] the folder of the models must be writable; got: {} for \"{}\". Name one with "
                      "--folder.",
                      error ? error.message() : "no temporary folder", path_));
  }
  ~Folder() {
    std::error_code ignored;
    if (temporary_) fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const Combination& c) const {
    std::string name = fmt::format("{}_{}x{}.safetensors", c.cell, c.num_layers, c.hidden_size);
    std::replace(name.begin(), name.end(), ':', '-');
    return path_ + "/" + name;
  }
  /// An hour of training must not be lost to a second call.
  void refuse_models_of(const std::vector<Combination>& combinations) const {
    for (const Combination& c : combinations) {
      std::error_code error;
      if (fs::exists(file(c), error))
        throw ConfigError(
            fmt::format("[compare] a model of an earlier comparison must not be overwritten; got {}, which is there. "
                        "Move it away, or name another --folder.",
                        file(c)));
    }
  }

 private:
  std::string path_;
  bool temporary_;
};

void train_one(const CompareRequest& request, const Folder& folder, Run& run, const tasks::lab::Observer& observer) {
  const std::string label = run.combination.label();
  Listener listener(run, observer);
  TrainRequest one = request_of(request, run.combination);
  one.output = folder.file(run.combination);
  reset_tensor_peak();
  const int64_t before = tensor_memory().current;
  try {
    run.report = Engine::train(one, listener);
    run.score = run.report.best_value;
    if (observer.say)
      observer.say(fmt::format("{}: {} {:.4g} after {} steps", label, run.report.metric, run.score, run.report.steps));
  } catch (const DivergedError& error) {  // that one of them fails is a result
    if (observer.say) observer.say(fmt::format("{}: {}", label, error.what()));
  }
  run.peak_bytes = tensor_memory().peak - before;
}

void tabulate(const std::vector<Run>& runs, Report& report) {
  std::string metric = "score";
  for (const Run& run : runs)
    if (!run.report.metric.empty()) metric = run.report.metric;
  tasks::lab::Table table{"compare",
                          "same data, same budget",
                          {"cell", "num_layers", "hidden_size", "parameters", metric, "steps", "tokens_per_second",
                           "memory_mib", "grad_norm", "clipped_share", "seconds"},
                          {}};
  tasks::lab::Plot plot{metric + " against parameters", "parameters", metric, true, false, {}};
  for (const Run& run : runs) {
    const Combination& c = run.combination;
    table.rows.push_back({c.cell, c.num_layers, c.hidden_size, c.parameters, run.score, run.last.step,
                          run.last.tokens_per_second, static_cast<double>(run.peak_bytes) / 0x1p20, run.grad_norm,
                          run.last.clipped_share, run.last.seconds});
    auto series = std::find_if(plot.series.begin(), plot.series.end(), [&](const auto& s) { return s.name == c.cell; });
    if (series == plot.series.end()) series = plot.series.insert(plot.series.end(), {c.cell, {}});
    series->points.emplace_back(static_cast<double>(c.parameters), run.score);
  }
  report.tables = {std::move(table)};
  report.plots = {std::move(plot)};
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
  if (request.base.task.empty()) request.base.task = Engine::decide_task(request.base.data).first;
  Report report;
  report.schema = "carousel/compare@1";
  Grid grid = make_grid(request);
  report.notes = std::move(grid.notes);
  const Folder folder(request.folder);
  folder.refuse_models_of(grid.combinations);
  std::vector<Run> runs;
  for (Combination& c : grid.combinations) runs.push_back({std::move(c), {}, {}});
  size_t done = 0;
  for (; done < runs.size(); ++done) {
    if (observer.stop && observer.stop()) break;
    train_one(request, folder, runs[done], observer);
    if (runs[done].report.outcome == TrainReport::Outcome::interrupted) break;
  }
  report.interrupted = done < runs.size();
  runs.resize(done);
  tabulate(runs, report);
  return report;
}

}  // namespace carousel::engine
