#include "carousel/tasks/lab/memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/tasks/lab/trial.h"

namespace carousel::tasks::lab {

namespace {

constexpr double kAddingSolved = 0.005;  ///< squared error; well below the 0.01 that counts as solved
constexpr double kSolved = 0.01;
constexpr double kRecallSolved = 0.995;   ///< accuracy over all distances
constexpr int64_t kTestAtDistance = 256;  ///< sequences
constexpr uint64_t kMemorySeed = 0xd157;

/// One training and what is measured after it.
struct MemoryTask {
  Contestant contestant;
  Trial trial;
  int64_t length = 0;  ///< of adding
  std::vector<std::pair<int64_t, double>> by_distance;
  Outcome outcome;
  bool done = false;
};

Problem problem_at(const std::string& name, const std::vector<int64_t>& distances) {
  if (name == "adding") return adding_problem(distances.front());
  return name == "copy" ? copy_problem(distances) : recall_problem(distances);
}

MemoryTask make_job(const MemoryOptions& o, const Contestant& contestant, const std::string& problem, int64_t length) {
  MemoryTask job;
  job.contestant = contestant;
  job.length = length;
  Trial& t = job.trial;
  t.problem = problem_at(problem, length > 0 ? std::vector<int64_t>{length} : o.distances);
  t.label = length > 0 ? fmt::format("{} on adding over {} steps", contestant.name, length)
                       : fmt::format("{} on {}", contestant.name, problem);
  t.stack.cell = contestant.cell;
  t.stack.hidden_size = {o.hidden_size};
  if (contestant.attention) t.pooling = "attention";
  t.batch_size = o.batch_size;
  t.good_enough = length > 0 ? kAddingSolved : kRecallSolved;
  t.trainer.seed = o.seed;
  t.trainer.max_steps = o.steps;
  t.trainer.learning_rate = o.learning_rate;
  t.trainer.clip_norm = 1;
  t.trainer.decay_start = 0.5;
  return job;
}

/// `o` with its lists in order. What cannot take part is noted in the report.
std::vector<MemoryTask> make_jobs(const MemoryOptions& o, Report& report) {
  const std::vector<Contestant> contestants = read_contestants(o.cells);
  std::vector<MemoryTask> jobs;
  for (const std::string& problem : read_words(o.problems, "problems")) {
    if (problem != "adding" && problem != "copy" && problem != "recall") {
      const std::string nearest = nearest_name(problem, {"adding", "copy", "recall"});
      throw ConfigError(fmt::format("[lab] a problem must be adding, copy or recall; got \"{}\". {}", problem,
                                    nearest.empty() ? "Choose one of them." : "Did you mean \"" + nearest + "\"?"));
    }
    for (const Contestant& c : contestants) {
      if (problem == "copy" && c.attention) {
        report.notes.push_back(
            fmt::format("{} takes no part in copy: attention answers once, not at each step", c.name));
        continue;
      }
      if (problem == "adding") {
        for (const int64_t length : o.lengths) jobs.push_back(make_job(o, c, problem, length));
      } else {
        jobs.push_back(make_job(o, c, problem, 0));
      }
    }
  }
  if (jobs.empty())
    throw ConfigError(
        fmt::format("[lab] copy wants an answer at each step, and attention pools them all; got only {}. Add a cell "
                    "without +attention, or another problem.",
                    o.cells));
  return jobs;
}

void run(MemoryTask& job, const MemoryOptions& o, const Observer& observer) {
  job.outcome = run_trial(job.trial, observer);
  if (job.outcome.interrupted) return;
  if (job.length == 0 && job.outcome.diverged.empty()) {
    for (const int64_t distance : o.distances)
      job.by_distance.emplace_back(distance, measure(*job.outcome.model, problem_at(job.trial.problem.name, {distance}),
                                                     kTestAtDistance, kMemorySeed));
  }
  job.done = true;
}

/// Rows of one problem; empty when no job of it was finished.
void tabulate(const std::vector<MemoryTask>& jobs, const std::string& problem, Report& report) {
  const bool adding = problem == "adding";
  Table table;
  table.name = problem;
  table.columns = {"cell", adding ? "length" : "distance", adding ? "mse" : "accuracy", "steps", "seconds"};
  if (adding) table.columns.insert(table.columns.begin() + 3, "solved");
  Plot plot;
  plot.x_label = adding ? "steps of the sequence" : "steps between question and answer";
  plot.y_label = adding ? "squared error" : "accuracy";
  plot.log_x = true;
  for (const MemoryTask& job : jobs) {
    if (!job.done || job.trial.problem.name != problem) continue;
    const double guessing = job.trial.problem.guessing;
    table.title = adding ? fmt::format("adding: squared error (guessing {:.4g}, solved below {})", guessing, kSolved)
                         : fmt::format("{}: accuracy against distance (guessing {:.4g})", problem, guessing);
    const std::string& name = job.contestant.name;
    if (plot.series.empty() || plot.series.back().name != name) plot.series.push_back({name, {}});
    auto& points = plot.series.back().points;
    if (adding) {
      const double mse = job.outcome.value;
      table.rows.push_back(
          {name, job.length, mse, std::string(mse < kSolved ? "yes" : "no"), job.outcome.steps, job.outcome.seconds});
      points.emplace_back(static_cast<double>(job.length), mse);
    }
    for (const auto& [distance, accuracy] : job.by_distance) {
      table.rows.push_back({name, distance, accuracy, job.outcome.steps, job.outcome.seconds});
      points.emplace_back(static_cast<double>(distance), accuracy);
    }
  }
  if (table.rows.empty()) return;
  plot.title = table.title;
  report.tables.push_back(std::move(table));
  report.plots.push_back(std::move(plot));
}

/// "lstm solves adding up to 200 steps": lengths behind the first that is not solved do not count.
void note_reach(const std::vector<MemoryTask>& jobs, Report& report) {
  for (size_t begin = 0; begin < jobs.size();) {
    const std::string& name = jobs[begin].contestant.name;
    const MemoryTask& first = jobs[begin];
    std::vector<std::pair<int64_t, bool>> solved;  // of one cell, whose lengths stand one behind the other
    for (; begin < jobs.size() && jobs[begin].length > 0 && jobs[begin].contestant.name == name; ++begin)
      solved.emplace_back(jobs[begin].length, jobs[begin].done && jobs[begin].outcome.value < kSolved);
    if (solved.empty()) {
      ++begin;
      continue;
    }
    const int64_t length = reach(solved);
    if (length > 0)
      report.notes.push_back(
          fmt::format("{} solves the adding problem up to {} steps within this budget", name, length));
    else if (first.done)
      report.notes.push_back(
          fmt::format("{} does not solve the adding problem at {} steps within this budget", name, first.length));
  }
}

}  // namespace

void MemoryOptions::options(OptionTable& table) {
  table.section("lab");
  table.add("problems", &problems, "Which of adding, copy and recall.");
  table.add("cells", &cells,
            fmt::format("{} CELL+attention pools by attention in place of the last state.", kCellsHelp));
  table.add("lengths", &lengths, "Steps of the adding problem.").range(2, 1e6);
  table.add("distances", &distances, "Steps to remember over, in copy and recall.").range(5, 1e6);
  table.add("hidden_size", &hidden_size, "Units of each cell.").range(1, 65536);
  table.add("steps", &steps, "Training steps at most; a solved problem ends early.").range(1, 1e9);
  table.add("batch_size", &batch_size, "Sequences in a training step.").range(1, 65536);
  table.add("learning_rate", &learning_rate, "Peak step size of Adam.").range(1e-9, 1);
  table.add("seed", &seed, "Number that names all random draws.").range(0, 0x1p53);
}

Report memory_experiment(const MemoryOptions& options, const Observer& observer) {
  Report report;
  report.schema = "carousel/lab_memory@1";
  MemoryOptions sorted = options;
  sorted.lengths = read_numbers(options.lengths, "lengths");
  sorted.distances = read_numbers(options.distances, "distances");
  std::vector<MemoryTask> jobs = make_jobs(sorted, report);
  // Long ones first, so that no thread is left alone with one at the end.
  std::vector<size_t> order(jobs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return jobs[a].length > jobs[b].length; });
  const Observer serial = make_serial(observer);
  each_at_once(static_cast<int64_t>(jobs.size()), [&](int64_t i) {
    if (serial.stop && serial.stop()) return;
    run(jobs[order[static_cast<size_t>(i)]], sorted, serial);
  });
  for (const char* problem : {"adding", "copy", "recall"}) tabulate(jobs, problem, report);
  note_reach(jobs, report);
  for (const MemoryTask& job : jobs) note_divergence(job.trial, job.outcome, report);
  report.interrupted = std::any_of(jobs.begin(), jobs.end(), [](const MemoryTask& job) { return !job.done; });
  return report;
}

}  // namespace carousel::tasks::lab
