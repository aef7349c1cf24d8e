#include "carousel/tasks/lab/gradients.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"
#include "carousel/inspect/gradient_flow.h"
#include "carousel/inspect/recording.h"
#include "carousel/tasks/lab/trial.h"

namespace carousel::tasks::lab {

namespace {

constexpr int64_t kLeastCharacters = 20;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// The text as ids of its characters.
struct Letters {
  std::vector<int32_t> ids;
  int64_t vocab_size = 0;
};

Letters letters_of(const std::string& text) {
  Letters letters;
  std::map<std::string_view, int32_t> known;
  for (const std::string_view letter : data::code_points(text))
    letters.ids.push_back(known.emplace(letter, static_cast<int32_t>(known.size())).first->second);
  letters.vocab_size = static_cast<int64_t>(known.size());
  return letters;
}

/// Windows of `length` characters; at each the next one is asked.
Problem next_letter(const Letters& letters, int64_t length) {
  Problem p;
  p.name = "next character";
  p.shape.vocab_size = letters.vocab_size;
  p.shape.input_size = 32;
  p.shape.outputs = letters.vocab_size;
  p.shape.classes = true;
  p.shape.pooling = "none";
  p.metric = "accuracy";
  p.draw = [ids = letters.ids, length](Rng& rng, int64_t size) {
    nn::SequenceBatch batch;
    batch.lengths.assign(static_cast<size_t>(size), length);
    for (int64_t i = 0; i < size; ++i) {
      const auto begin = static_cast<std::ptrdiff_t>(rng.below(ids.size() - static_cast<size_t>(length)));
      batch.ids.insert(batch.ids.end(), ids.begin() + begin, ids.begin() + begin + length);
      batch.classes.insert(batch.classes.end(), ids.begin() + begin + 1, ids.begin() + begin + length + 1);
    }
    return batch;
  };
  return p;
}

/// What one pass shows; index d is the distance from the last step.
struct Flow {
  std::vector<double> grad_h, grad_c, kept;
  std::vector<std::pair<std::string, inspect::Saturation>> gates;
  double dead = 0;
};

std::vector<double> reversed(std::vector<double> values) {
  std::reverse(values.begin(), values.end());
  return values;
}

Flow look(nn::SequenceModel& model, const Problem& problem, int64_t length, int64_t batch_size, uint64_t seed) {
  Rng rng(seed, 3);
  nn::SequenceBatch batch = problem.draw(rng, batch_size);
  for (size_t i = 0; i < batch.classes.size(); ++i)
    if ((static_cast<int64_t>(i) + 1) % length != 0) batch.classes[i] = -1;
  inspect::GradientFlow flow;
  inspect::CellRecording recording;
  Tape tape;
  nn::Context ctx;
  ctx.tape = &tape;
  ctx.recorder = &recording;
  ctx.gradients = &flow;
  // The mean over the batch divides each gradient; the norms are those of one sequence's own loss.
  const Var loss = model.loss(ctx, batch, model.forward(ctx, batch)).loss;
  tape.backward(loss, Tensor::full(loss.value().shape(), static_cast<double>(batch_size)));
  for (const nn::NamedParameter& p : model.parameters()) p.var.clear_grad();

  Flow result;
  result.grad_h = reversed(flow.norms("layer.0/h"));
  result.grad_c = reversed(flow.norms("layer.0/c"));
  const nn::Cell& cell = model.stack().cell();
  const Tensor factor = inspect::keep_factor(recording, "layer.0", cell.options().update == "keep");
  if (factor.defined()) result.kept = inspect::products_back(factor, batch_size);
  for (const inspect::RecordedRows& recorded : recording.all())
    if (const auto s = inspect::saturation(recorded, cell)) result.gates.emplace_back(recorded.quantity(), *s);
  if (const auto* h = recording.find("layer.0/h")) result.dead = inspect::dead_share(h->tensor());
  return result;
}

/// The first distance at which the gradient has fallen to a ten-thousandth; not a number when it never has.
Cell fall_of(const std::vector<double>& norms) {
  for (size_t d = 0; d < norms.size(); ++d)
    if (!(norms[d] > 1e-4 * norms[0])) return static_cast<int64_t>(d);
  return kMissing;
}

double value_at(const std::vector<double>& values, size_t index) {
  return index < values.size() ? values[index] : kMissing;
}

struct Look {
  std::string cell, weights;  // "first" | "trained"
  double accuracy = kMissing;
  int64_t parameters = 0;
  Flow flow;
};

void tabulate(const std::vector<Look>& looks, int64_t distance, Report& report) {
  Table flow{"flow",
             "norms of gradients against distance (loss at the last character)",
             {"cell", "weights", "distance", "grad_h", "grad_c", "kept"},
             {},
             "distance"};
  Table gates{"gates",
              "share of saturated gates (within 0.1 of an end)",
              {"cell", "weights", "gate", "left_share", "right_share"},
              {}};
  Table cells{"cells",
              "how far: the distance at which dL/dh has fallen to a ten-thousandth",
              {"cell", "weights", "reach", "dead_share", "accuracy", "parameters"},
              {}};
  for (const Look& look : looks) {
    for (int64_t d = 0; d < distance; ++d) {
      const auto at = static_cast<size_t>(d);
      flow.rows.push_back({look.cell, look.weights, d, value_at(look.flow.grad_h, at), value_at(look.flow.grad_c, at),
                           value_at(look.flow.kept, at)});
    }
    for (const auto& [gate, s] : look.flow.gates)
      gates.rows.push_back({look.cell, look.weights, gate, s.left, s.right});
    const Cell fall = fall_of(look.flow.grad_h);
    if (std::holds_alternative<double>(fall))
      report.notes.push_back(
          fmt::format("{}, {} weights: dL/dh has not fallen to a ten-thousandth within {} characters", look.cell,
                      look.weights, distance));
    cells.rows.push_back({look.cell, look.weights, fall, look.flow.dead, look.accuracy, look.parameters});
  }
  report.tables = {std::move(cells), std::move(flow), std::move(gates)};
}

Plot plot_of(const std::vector<Look>& looks, const std::string& title, std::vector<double> Flow::*values) {
  Plot plot;
  plot.title = title;
  plot.x_label = "characters back";
  plot.y_label = "norm";
  plot.log_y = true;
  for (const Look& look : looks) {
    Series series{look.cell + ", " + look.weights + " weights", {}};
    const std::vector<double>& list = look.flow.*values;
    for (size_t d = 0; d < list.size(); ++d) series.points.emplace_back(static_cast<double>(d), list[d]);
    if (!list.empty()) plot.series.push_back(std::move(series));
  }
  return plot;
}

}  // namespace

void GradientOptions::options(OptionTable& table) {
  table.section("lab");
  table.add("cells", &cells, kCellsHelp);
  table.add("hidden_size", &hidden_size, "Units of each cell.").range(1, 65536);
  table.add("distance", &distance, "Characters to look back over.").range(2, 100000);
  table.add("steps", &steps, "Training steps before the second look; 0: only the first weights.").range(0, 1e9);
  table.add("batch_size", &batch_size, "Windows of text in a step.").range(1, 65536);
  table.add("learning_rate", &learning_rate, "Peak step size of Adam.").range(1e-9, 1);
  table.add("seed", &seed, "Number that names all random draws.").range(0, 0x1p53);
}

Report gradient_experiment(const GradientOptions& options, const std::string& text, const Observer& observer) {
  if (data::find_invalid_utf8(text) >= 0)
    throw ConfigError("[lab] the text must be UTF-8; got other bytes. Convert it, for example with iconv.");
  const Letters letters = letters_of(text);
  const auto count = static_cast<int64_t>(letters.ids.size());
  if (count < kLeastCharacters)
    throw ConfigError(
        fmt::format("[lab] a text to look at has at least {} characters; got {}. Give a longer one, or a "
                    "file.",
                    kLeastCharacters, count));
  Report report;
  report.schema = "carousel/lab_gradients@1";
  const int64_t length = std::min(options.distance, count - 2);
  if (length < options.distance)
    report.notes.push_back(fmt::format("the text has {} characters, so the distance is {}", count, length));
  const Problem problem = next_letter(letters, length);
  const std::vector<Contestant> contestants = read_contestants(options.cells);
  for (const Contestant& c : contestants)
    if (c.attention)
      throw ConfigError(fmt::format(
          "[lab] gradients are those of a cell, and attention leads around it; got {}. Leave +attention out.", c.name));
  std::vector<std::vector<Look>> found(contestants.size());
  std::vector<Trial> trials(contestants.size());
  std::vector<Outcome> outcomes(contestants.size());
  const Observer serial = make_serial(observer);
  each_at_once(static_cast<int64_t>(contestants.size()), [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    Trial& trial = trials[at];
    trial.label = contestants[at].name;
    trial.problem = problem;
    trial.stack.cell = contestants[at].cell;
    trial.stack.hidden_size = {options.hidden_size};
    trial.batch_size = options.batch_size;
    trial.trainer.seed = options.seed;
    trial.trainer.max_steps = options.steps;
    trial.trainer.learning_rate = options.learning_rate;
    trial.trainer.clip_norm = 1;
    if (serial.stop && serial.stop()) return;
    nn::SequenceModelConfig shape = problem.shape;
    shape.stack = trial.stack;
    nn::SequenceModel first(shape, static_cast<uint64_t>(options.seed));
    const auto look_at = [&](nn::SequenceModel& model, const char* weights, double accuracy) {
      found[at].push_back({contestants[at].name, weights, accuracy, model.num_parameters(),
                           look(model, problem, length, options.batch_size, static_cast<uint64_t>(options.seed))});
    };
    look_at(first, "first", kMissing);
    if (options.steps == 0) return;
    Outcome& outcome = outcomes[at];
    outcome = run_trial(trial, serial);
    if (!outcome.interrupted && outcome.diverged.empty()) look_at(*outcome.model, "trained", outcome.value);
  });
  std::vector<Look> looks;
  for (size_t i = 0; i < found.size(); ++i) {
    note_divergence(trials[i], outcomes[i], report);
    report.interrupted = report.interrupted || found[i].empty() || outcomes[i].interrupted;
    for (Look& one : found[i]) looks.push_back(std::move(one));
  }
  tabulate(looks, length, report);
  report.plots = {plot_of(looks, "norm of dL/dh against distance", &Flow::grad_h),
                  plot_of(looks, "norm of dL/dc against distance", &Flow::grad_c),
                  plot_of(looks, "what gates keep: mean product of forget gates", &Flow::kept)};
  return report;
}

}  // namespace carousel::tasks::lab
