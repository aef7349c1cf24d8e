#include "carousel/engine/model_gradients.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/engine/checkpoint.h"
#include "carousel/inspect/gradient_flow.h"
#include "carousel/tasks/language_model_model.h"
#include "carousel/tasks/transduce_model.h"

namespace carousel::engine {

namespace {

void require_length(size_t symbols) {
  if (symbols < 3)
    throw ConfigError(
        fmt::format("[lab] a line to look at has at least 3 symbols; got {}. Give a longer one.", symbols));
}

Var loss_of(tasks::TransduceModel& model, nn::Context& ctx, const std::string& line) {
  const tasks::SourceText source = model.encode_source(line);
  require_length(source.ids.size());
  decode::SearchConfig greedy = model.parts().config.search;
  greedy.beam_size = greedy.nbest = 1;
  const auto answer = model.search({source}, greedy).front().front().tokens;
  return model.network().loss(ctx, {{source.ids}, {answer}, {source.copies}}, 0).loss;
}

Var loss_of(tasks::LanguageModelTask& model, nn::Context& ctx, const std::string& line) {
  std::vector<int32_t> ids = model.parts().tokenizer->encode(line);
  require_length(ids.size());
  const std::vector<int32_t> last{ids.back()};
  ids.pop_back();
  nn::LanguageState state = model.network().begin_state(1);
  const Var logits = model.network().forward(ctx, ids, 1, state);
  const auto rows = static_cast<int64_t>(ids.size());
  return ops::cross_entropy(ctx.tape, ops::slice_rows(ctx.tape, logits, rows - 1, rows), last, 0).loss;
}

using tasks::lab::Report;
using tasks::lab::Table;

/// Distances count back from the step that a layer ran last: for a reverse direction that is the line's first symbol.
std::vector<double> back_from_last(std::vector<double> by_position, const std::string& state) {
  if (!state.ends_with(".reverse")) std::reverse(by_position.begin(), by_position.end());
  return by_position;
}

void tabulate_flow(const inspect::GradientFlow& flow, Report& report) {
  Table table{"flow",
              "norms of gradients against distance from a layer's last step",
              {"state", "distance", "grad"},
              {},
              "distance"};
  tasks::lab::Plot plot{"norm of the gradient of each state", "symbols back", "norm", false, true, {}};
  for (const std::string& name : flow.names()) {
    const std::vector<double> norms = back_from_last(flow.norms(name), name);
    tasks::lab::Series series{name, {}};
    for (size_t d = 0; d < norms.size(); ++d) {
      table.rows.push_back({name, static_cast<int64_t>(d), norms[d]});
      series.points.emplace_back(static_cast<double>(d), norms[d]);
    }
    plot.series.push_back(std::move(series));
  }
  if (table.rows.empty())
    report.notes.emplace_back("the model has no recurrent layer: nothing flows back through time");
  report.tables.push_back(std::move(table));
  report.plots.push_back(std::move(plot));
}

/// What the gates of one sequence did: the product of what they kept, their saturation, and units that never moved.
void tabulate_gates(const inspect::CellRecording& recording, const nn::Cell& cell, Report& report) {
  Table kept{"kept", "what gates keep: mean product of forget gates", {"layer", "distance", "kept"}, {}, "distance"};
  Table gates{
      "gates", "share of saturated gates (within 0.1 of an end)", {"layer", "gate", "left_share", "right_share"}, {}};
  Table layers{"layers", "units that never move", {"layer", "dead_share"}, {}};
  for (const inspect::RecordedRows& recorded : recording.all()) {
    const std::string layer = recorded.layer(), quantity = recorded.quantity();
    if (const auto s = inspect::saturation(recorded, cell)) gates.rows.push_back({layer, quantity, s->left, s->right});
    if (quantity != "h") continue;
    layers.rows.push_back({layer, inspect::dead_share(recorded.tensor())});
    Tensor factor = inspect::keep_factor(recording, layer, cell.options().update == "keep");
    if (!factor.defined()) continue;
    if (layer.ends_with(".reverse")) factor = inspect::rows_reversed(factor);
    const std::vector<double> products = inspect::products_back(factor, 1);
    for (size_t d = 0; d < products.size(); ++d) kept.rows.push_back({layer, static_cast<int64_t>(d), products[d]});
  }
  for (Table* table : {&kept, &gates, &layers})
    if (!table->rows.empty()) report.tables.push_back(std::move(*table));
}

}  // namespace

Report model_gradients(const std::string& model_file, const std::string& line) {
  const Archive archive = read_archive(model_file);
  const RunIdentity identity = identity_of(archive, model_file);
  const std::unique_ptr<tasks::Task> task = tasks::make_task(identity.task);
  return model_gradients(*load_model(*task, archive, model_file), line);
}

Report model_gradients(tasks::TaskModel& model, const std::string& line) {
  inspect::GradientFlow flow;
  inspect::CellRecording recording;
  Tape tape;
  nn::Context ctx;
  ctx.tape = &tape;
  ctx.gradients = &flow;
  ctx.recorder = &recording;
  nn::CellOptions cell;
  Var loss;
  if (auto* transduce = dynamic_cast<tasks::TransduceModel*>(&model)) {
    cell = transduce->network().config().stack.cell;
    loss = loss_of(*transduce, ctx, line);
  } else if (auto* lm = dynamic_cast<tasks::LanguageModelTask*>(&model)) {
    cell = lm->network().config().stack.cell;
    loss = loss_of(*lm, ctx, line);
  } else {
    throw UnsupportedError(fmt::format(
        "[lab] gradients are shown for models of the tasks transduce and lm; got task {}. Use such a model.",
        model.task()));
  }
  tape.backward(loss);

  Report report;
  report.schema = "carousel/lab_gradients@1";
  tabulate_flow(flow, report);
  tabulate_gates(recording, *nn::make_cell(cell), report);
  return report;
}

}  // namespace carousel::engine
