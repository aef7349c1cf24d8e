#include "carousel/tasks/lab/timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "carousel/base/error.h"
#include "carousel/tasks/lab/trial.h"

namespace carousel::tasks::lab {

namespace {

constexpr double kRight = 0.99;
constexpr int64_t kPeriodsShown = 6;  ///< spikes in a sequence of the longest period

struct TimedTask {
  std::string problem, cell;
  int64_t period = 0;
  Trial trial;
  Outcome outcome;
  bool done = false;
};

Problem problem_of(const std::string& name, int64_t period) {
  if (name == "count") return count_problem(period, 3 * kPeriodsShown * period / 2, 2);
  if (name == "rhythm") return rhythm_problem(period, kPeriodsShown * period);
  const std::string nearest = nearest_name(name, {"count", "rhythm"});
  throw ConfigError(fmt::format("[lab] a timing problem must be count or rhythm; got \"{}\". {}", name,
                                nearest.empty() ? "Choose one of them." : "Did you mean \"" + nearest + "\"?"));
}

std::vector<TimedTask> make_jobs(const TimingOptions& o) {
  const std::vector<int64_t> periods = read_numbers(o.periods, "periods");
  std::vector<TimedTask> jobs;
  for (const std::string& problem : read_words(o.problems, "problems")) {
    for (const Contestant& c : read_contestants(o.cells)) {
      if (c.attention)
        throw ConfigError(
            fmt::format("[lab] timing wants an answer at each step, and attention pools them all; got {}. Leave "
                        "+attention out.",
                        c.name));
      for (const int64_t period : periods) {
        for (int64_t s = 0; s < o.seeds; ++s) {
          TimedTask job;
          job.problem = problem;
          job.cell = c.name;
          job.period = period;
          job.trial.problem = problem_of(problem, period);
          job.trial.label = fmt::format("{} on {} with period {}, seed {}", c.name, problem, period, o.seed + s);
          job.trial.stack.cell = c.cell;
          job.trial.stack.hidden_size = {o.hidden_size};
          job.trial.batch_size = o.batch_size;
          job.trial.good_enough = 1;
          job.trial.trainer.seed = o.seed + s;
          job.trial.trainer.max_steps = o.steps;
          job.trial.trainer.learning_rate = o.learning_rate;
          job.trial.trainer.clip_norm = 1;
          jobs.push_back(std::move(job));
        }
      }
    }
  }
  return jobs;
}

/// Mean and best over the seeds, which stand one behind the other; those that diverged have no F1 but are counted.
void tabulate(const std::vector<TimedTask>& jobs, int64_t seeds, Report& report) {
  Table table{"timing",
              "spikes at the very step (F1; solved from 0.99)",
              {"cell", "problem", "period", "mean_f1", "best_f1", "solved", "seeds", "steps"},
              {}};
  for (size_t begin = 0; begin < jobs.size(); begin += static_cast<size_t>(seeds)) {
    const TimedTask& first = jobs[begin];
    double sum = 0, best = std::numeric_limits<double>::quiet_NaN();
    int64_t solved = 0, steps = 0, done = 0, whole = 0;
    for (size_t i = begin; i < begin + static_cast<size_t>(seeds); ++i) {
      if (!jobs[i].done) continue;
      ++done;
      steps += jobs[i].outcome.steps;
      note_divergence(jobs[i].trial, jobs[i].outcome, report);
      if (!jobs[i].outcome.diverged.empty()) continue;
      ++whole;
      sum += jobs[i].outcome.value;
      best = std::fmax(best, jobs[i].outcome.value);  // fmax passes over what is not a number
      solved += jobs[i].outcome.value >= kRight;
    }
    if (done == 0) continue;
    const double mean = whole > 0 ? sum / static_cast<double>(whole) : best;
    table.rows.push_back({first.cell, first.problem, first.period, mean, best, solved, done, steps / done});
    const std::string title = first.problem + ": spikes at the very step";
    if (report.plots.empty() || report.plots.back().title != title)
      report.plots.push_back({title, "period in steps", "mean F1", false, false, {}});
    auto& series = report.plots.back().series;
    if (series.empty() || series.back().name != first.cell) series.push_back({first.cell, {}});
    series.back().points.emplace_back(static_cast<double>(first.period), mean);
  }
  report.tables = {std::move(table)};
}

}  // namespace

void TimingOptions::options(OptionTable& table) {
  table.section("lab");
  table.add("problems", &problems, "count: a spike at each N-th pulse; rhythm: a spike each N steps.");
  table.add("cells", &cells, kCellsHelp);
  table.add("periods", &periods, "N: pulses, or steps, from spike to spike.").range(2, 10000);
  table.add("hidden_size", &hidden_size, "Units of each cell.").range(1, 65536);
  table.add("steps", &steps, "Training steps at most; a solved problem ends early.").range(1, 1e9);
  table.add("batch_size", &batch_size, "Sequences in a training step.").range(1, 65536);
  table.add("learning_rate", &learning_rate, "Peak step size of Adam.").range(1e-9, 1);
  table.add("seeds", &seeds, "Trainings of each, from different first weights.").range(1, 1000);
  table.add("seed", &seed, "The first of their seeds.").range(0, 0x1p53);
}

Report timing_experiment(const TimingOptions& options, const Observer& observer) {
  Report report;
  report.schema = "carousel/lab_timing@1";
  std::vector<TimedTask> jobs = make_jobs(options);
  const Observer serial = make_serial(observer);
  each_at_once(static_cast<int64_t>(jobs.size()), [&](int64_t i) {
    TimedTask& job = jobs[static_cast<size_t>(i)];
    if (serial.stop && serial.stop()) return;
    job.outcome = run_trial(job.trial, serial);
    job.done = !job.outcome.interrupted;
  });
  tabulate(jobs, options.seeds, report);
  report.interrupted = std::any_of(jobs.begin(), jobs.end(), [](const TimedTask& job) { return !job.done; });
  return report;
}

}  // namespace carousel::tasks::lab
