#include "carousel/tasks/lab/capacity.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "carousel/base/error.h"
#include "carousel/tasks/lab/trial.h"
#include "carousel/tensor/tensor.h"

namespace carousel::tasks::lab {

namespace {

constexpr int64_t kTokensAtOnce = 10;  ///< tokens at a time
constexpr int64_t kStreams = 16;       ///< read side by side
constexpr int64_t kJudged = 1000;      ///< last tokens of a stream whose answers count
constexpr uint64_t kStreamSeed = 0x57e4;

struct Reading {
  int64_t tokens = 0;
  int64_t state_bytes = 0, memory_bytes = 0;
  std::vector<double> accuracy;  // by delay
};

/// Reads streams of `tokens` symbols in chunks and looks at the answers near their end.
Reading read_stream(nn::SequenceModel& model, const CapacityOptions& o, int64_t tokens) {
  const size_t heads = o.delays.size();
  const int64_t classes = model.config().outputs;
  DelayStream stream(o.delays, kStreams, mix(kStreamSeed, static_cast<uint64_t>(tokens)));
  std::vector<int64_t> right(heads), asked(heads);
  Reading reading;
  reading.tokens = tokens;
  reset_tensor_peak();
  const int64_t before = tensor_memory().current;
  nn::StackState state;
  for (int64_t begin = 0; begin < tokens; begin += kTokensAtOnce) {
    const int64_t length = std::min(kTokensAtOnce, tokens - begin);
    const nn::SequenceBatch chunk = stream.next(length);
    nn::Context ctx;
    const Tensor answers = model.forward(ctx, chunk, &state).value();
    if (tokens - begin - length >= kJudged) continue;
    for (size_t k = 0; k < chunk.classes.size(); ++k) {
      if (chunk.classes[k] < 0) continue;
      const float* row = answers.data<float>() + static_cast<int64_t>(k) * classes;
      ++asked[k % heads];
      right[k % heads] += std::max_element(row, row + classes) - row == chunk.classes[k];
    }
  }
  reading.memory_bytes = tensor_memory().peak - before;
  for (const auto& layer : state)
    for (const auto& direction : layer)
      for (const Tensor& t : direction) reading.state_bytes += t.nbytes() / kStreams;
  for (size_t head = 0; head < heads; ++head)
    reading.accuracy.push_back(asked[head] > 0 ? static_cast<double>(right[head]) / static_cast<double>(asked[head])
                                               : std::numeric_limits<double>::quiet_NaN());
  return reading;
}

/// The largest delay up to which at least half of the answers are right, or 0.
int64_t reach_of(const Reading& reading, const CapacityOptions& o) {
  std::vector<std::pair<int64_t, bool>> passed;
  for (size_t k = 0; k < o.delays.size(); ++k) passed.emplace_back(o.delays[k], reading.accuracy[k] >= 0.5);
  return reach(passed);
}

Trial trial_of(const CapacityOptions& o, const Contestant& c) {
  if (c.attention)
    throw ConfigError(fmt::format(
        "[lab] capacity is that of a state, and attention keeps every step; got {}. Leave +attention out.", c.name));
  Trial trial;
  trial.label = c.name + " on delayed recall";
  // Twice the longest delay: the state is also trained in steady use.
  trial.problem = delay_problem(o.delays, 2 * o.delays.back() + 1);
  trial.stack.cell = c.cell;
  trial.stack.hidden_size = {o.hidden_size};
  trial.batch_size = o.batch_size;
  trial.trainer.seed = o.seed;
  trial.trainer.max_steps = o.steps;
  trial.trainer.learning_rate = o.learning_rate;
  trial.trainer.clip_norm = 1;
  return trial;
}

}  // namespace

void CapacityOptions::options(OptionTable& table) {
  table.section("lab");
  table.add("cells", &cells, kCellsHelp);
  table.add("hidden_size", &hidden_size, "Units of each cell: the size of its state.").range(1, 65536);
  table.add("delays", &delays, "Steps back that are asked for.").range(0, 100000);
  table.add("tokens", &tokens, "Lengths of the streams.").range(1, 10000000);
  table.add("steps", &steps, "Training steps.").range(1, 1e9);
  table.add("batch_size", &batch_size, "Sequences in a training step.").range(1, 65536);
  table.add("learning_rate", &learning_rate, "Peak step size of Adam.").range(1e-9, 1);
  table.add("seed", &seed, "Number that names all random draws.").range(0, 0x1p53);
}

Report capacity_experiment(const CapacityOptions& options, const Observer& observer) {
  CapacityOptions sorted = options;
  sorted.delays = read_numbers(options.delays, "delays");
  sorted.tokens = read_numbers(options.tokens, "tokens");
  Report report;
  report.schema = "carousel/lab_capacity@1";
  const std::vector<Contestant> contestants = read_contestants(sorted.cells);
  std::vector<Trial> trials;
  for (const Contestant& c : contestants) trials.push_back(trial_of(sorted, c));
  std::vector<Outcome> outcomes(contestants.size());
  const Observer serial = make_serial(observer);
  each_at_once(static_cast<int64_t>(trials.size()), [&](int64_t i) {
    outcomes[static_cast<size_t>(i)] = run_trial(trials[static_cast<size_t>(i)], serial);
  });
  Table memory{"memory",
               "streams of growing length through one state",
               {"cell", "tokens", "state_bytes", "memory_bytes", "reach"},
               {}};
  Table recall{"recall",
               fmt::format("share of symbols recalled, by delay (guessing {:.4g})", trials[0].problem.guessing),
               {"cell", "tokens", "delay", "accuracy"},
               {}};
  Plot plot{"recall against delay, after the longest stream", "steps back", "accuracy", true, false, {}};
  for (size_t i = 0; i < contestants.size(); ++i) {
    if (outcomes[i].interrupted) {
      report.interrupted = true;
      continue;
    }
    note_divergence(trials[i], outcomes[i], report);
    if (!outcomes[i].diverged.empty()) continue;
    for (const int64_t tokens : sorted.tokens) {
      // One after the other, because the memory of the whole program is measured.
      const Reading reading = read_stream(*outcomes[i].model, sorted, tokens);
      memory.rows.push_back(
          {contestants[i].name, tokens, reading.state_bytes, reading.memory_bytes, reach_of(reading, sorted)});
      Series series{contestants[i].name, {}};
      for (size_t k = 0; k < sorted.delays.size(); ++k) {
        recall.rows.push_back({contestants[i].name, tokens, sorted.delays[k], reading.accuracy[k]});
        series.points.emplace_back(static_cast<double>(sorted.delays[k]), reading.accuracy[k]);
      }
      if (tokens == sorted.tokens.back()) plot.series.push_back(std::move(series));
    }
  }
  report.tables = {std::move(memory), std::move(recall)};
  report.plots = {std::move(plot)};
  return report;
}

}  // namespace carousel::tasks::lab
