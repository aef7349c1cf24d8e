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
  const std::vector<int32_t> source = model.parts().source->encode(line);
  require_length(source.size());
  decode::SearchConfig greedy = model.parts().config.search;
  greedy.beam_size = greedy.nbest = 1;
  const auto answer = model.search({source}, greedy).front().front().tokens;
  return model.network().loss(ctx, {{source}, {answer}}, 0).loss;
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

}  // namespace

tasks::lab::Report model_gradients(const std::string& model_file, const std::string& line) {
  const Archive archive = read_archive(model_file);
  const RunIdentity identity = identity_of(archive, model_file);
  const std::unique_ptr<tasks::Task> task = tasks::make_task(identity.task);
  const std::unique_ptr<tasks::TaskModel> model = load_model(*task, archive, model_file);
  inspect::GradientFlow flow;
  Tape tape;
  nn::Context ctx;
  ctx.tape = &tape;
  ctx.gradients = &flow;
  Var loss;
  if (auto* transduce = dynamic_cast<tasks::TransduceModel*>(model.get())) {
    loss = loss_of(*transduce, ctx, line);
  } else if (auto* lm = dynamic_cast<tasks::LanguageModelTask*>(model.get())) {
    loss = loss_of(*lm, ctx, line);
  } else {
    throw UnsupportedError(fmt::format(
        "[lab] gradients are shown for models of the tasks transduce and lm; got task {}. Use such a model.",
        identity.task));
  }
  tape.backward(loss);

  tasks::lab::Report report;
  report.schema = "carousel/lab_gradients@1";
  tasks::lab::Table table{
      "flow", "norms of gradients against distance from the end of the line", {"state", "distance", "grad"}, {}};
  tasks::lab::Plot plot{"norm of the gradient of each state", "symbols back", "norm", false, true, {}};
  for (const std::string& name : flow.names()) {
    std::vector<double> norms = flow.norms(name);
    std::reverse(norms.begin(), norms.end());
    tasks::lab::Series series{name, {}};
    for (size_t d = 0; d < norms.size(); ++d) {
      table.rows.push_back({name, static_cast<int64_t>(d), norms[d]});
      series.points.emplace_back(static_cast<double>(d), norms[d]);
    }
    plot.series.push_back(std::move(series));
  }
  if (table.rows.empty())
    report.notes.emplace_back("the model has no recurrent layer: nothing flows back through time");
  report.tables = {std::move(table)};
  report.plots = {std::move(plot)};
  return report;
}

}  // namespace carousel::engine
