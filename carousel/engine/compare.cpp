#include "carousel/engine/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "carousel/base/error.h"
#include "carousel/engine/run_options.h"
#include "carousel/tensor/tensor.h"

namespace carousel::engine {

namespace {

namespace fs = std::filesystem;
using tasks::lab::Report;

/// One combination and what came out.
struct Run {
  std::string cell;
  int64_t num_layers = 0, hidden_size = 0, parameters = 0;
  TrainReport report;
  train::Progress last;
  double score = std::numeric_limits<double>::quiet_NaN();
  double grad_norm = 0;
  int64_t peak_bytes = 0;
};

/// Listens to one training.
class Listener final : public Observer {
 public:
  Listener(Run& run, std::string label, const tasks::lab::Observer& observer)
      : run_(run), label_(std::move(label)), observer_(observer), before_(tensor_memory().current) {}
  void message(const std::string& /*sentence*/) override {}
  void progress(const train::Progress& p) override {
    ++steps_;
    norms_ += p.grad_norm;
    run_.last = p;
    run_.grad_norm = norms_ / static_cast<double>(steps_);
    run_.peak_bytes = std::max(run_.peak_bytes, tensor_memory().current - before_);
    const auto now = std::chrono::steady_clock::now();
    if (!observer_.say || now - said_ < std::chrono::seconds(10)) return;
    said_ = now;
    observer_.say(fmt::format("{}: {:.0f} %, loss {:.4f}", label_, 100 * p.fraction, p.loss));
  }
  bool stop_requested() override { return observer_.stop && observer_.stop(); }

 private:
  Run& run_;
  std::string label_;
  const tasks::lab::Observer& observer_;
  int64_t before_, steps_ = 0;
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
  std::string file(const Run& run) const {
    return fmt::format("{}/{}_{}x{}.safetensors", path_, run.cell, run.num_layers, run.hidden_size);
  }

 private:
  std::string path_;
  bool temporary_;
};

TrainRequest request_of(const CompareRequest& request, const Run& run) {
  TrainRequest one = request.base;
  one.resume = false;
  one.settings.push_back({"cell", run.cell, "--cells"});
  one.settings.push_back({"num_layers", fmt::format("{}", run.num_layers), "--num-layers"});
  one.settings.push_back({"hidden_size", fmt::format("{}", run.hidden_size), "--hidden-size"});
  if (request.budget > 0) one.settings.push_back({"max_seconds", fmt::format("{}", request.budget), "--budget"});
  return one;
}

/// The width that brings the parameters of `run` nearest to `wanted`: they grow with the square of the width, nearly.
void match_parameters(const CompareRequest& request, Run& run, int64_t wanted) {
  constexpr int kTries = 5;
  Run tried = run, best = run;
  int64_t best_distance = std::numeric_limits<int64_t>::max();
  for (int i = 0; i < kTries; ++i) {
    tried.parameters = count_parameters(request_of(request, tried));
    const int64_t distance = std::abs(tried.parameters - wanted);
    if (distance >= best_distance) break;
    best = tried;
    best_distance = distance;
    const double ratio = std::sqrt(static_cast<double>(wanted) / static_cast<double>(tried.parameters));
    const int64_t next = std::max<int64_t>(1, std::llround(static_cast<double>(tried.hidden_size) * ratio));
    if (next == tried.hidden_size) break;
    tried.hidden_size = next;
  }
  run = best;
}

std::vector<Run> make_grid(const CompareRequest& request) {
  if (request.cells.empty() || request.num_layers.empty() || request.hidden_size.empty())
    throw ConfigError(
        fmt::format("[compare] a grid needs a cell, a depth and a width; got {}, {} and {}. Name at least one of each.",
                    request.cells.size(), request.num_layers.size(), request.hidden_size.size()));
  std::vector<Run> runs;
  for (const int64_t layers : request.num_layers) {
    for (const int64_t width : request.hidden_size) {
      int64_t wanted = 0;
      for (const std::string& cell : request.cells) {
        Run run;
        run.cell = cell;
        run.num_layers = layers;
        run.hidden_size = width;
        if (wanted > 0 && request.equal_parameters) {
          match_parameters(request, run, wanted);
        } else {
          run.parameters = count_parameters(request_of(request, run));
        }
        if (wanted == 0) wanted = run.parameters;
        runs.push_back(std::move(run));
      }
    }
  }
  return runs;
}

void train_one(const CompareRequest& request, const Folder& folder, Run& run, const tasks::lab::Observer& observer) {
  const std::string label = fmt::format("{}, {} layers of {}", run.cell, run.num_layers, run.hidden_size);
  Listener listener(run, label, observer);
  TrainRequest one = request_of(request, run);
  one.output = folder.file(run);
  try {
    run.report = Engine::train(one, listener);
    run.score = run.report.best_value;
    if (observer.say)
      observer.say(fmt::format("{}: {} {:.4g} after {} steps", label, run.report.metric, run.score, run.report.steps));
  } catch (const DivergedError& error) {  // that one of them fails is a result
    if (observer.say) observer.say(fmt::format("{}: {}", label, error.what()));
  }
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
    table.rows.push_back({run.cell, run.num_layers, run.hidden_size, run.parameters, run.score, run.last.step,
                          run.last.tokens_per_second, static_cast<double>(run.peak_bytes) / 0x1p20, run.grad_norm,
                          run.last.clipped_share, run.last.seconds});
    auto series =
        std::find_if(plot.series.begin(), plot.series.end(), [&](const auto& s) { return s.name == run.cell; });
    if (series == plot.series.end()) series = plot.series.insert(plot.series.end(), {run.cell, {}});
    series->points.emplace_back(static_cast<double>(run.parameters), run.score);
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

Report compare(const CompareRequest& request, const tasks::lab::Observer& observer) {
  Report report;
  report.schema = "carousel/compare@1";
  std::vector<Run> runs = make_grid(request);
  const Folder folder(request.folder);
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
