#include "carousel/tasks/language_model_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/json_object.h"
#include "carousel/inspect/gradient_flow.h"
#include "carousel/inspect/recording.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/metadata.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kChunk = 256;  ///< steps evaluated at once

}  // namespace

std::map<std::string, double> TextScore::metrics(int64_t characters) const {
  const double per_character = nll_sum / static_cast<double>(std::max<int64_t>(characters, 1));
  return {{"perplexity", std::exp(nll_sum / static_cast<double>(std::max<int64_t>(symbols, 1)))},
          {"nats_per_character", per_character},
          {"bits_per_character", per_character / std::log(2.0)}};
}

LanguageModelTask::LanguageModelTask(LanguageModelParts parts, uint64_t seed) : parts_(std::move(parts)) {
  network_ = std::make_unique<nn::LanguageModel>(parts_.options.model, parts_.tokenizer->vocabulary().size(),
                                                 kTextBegin, seed);
}

std::map<std::string, std::string> LanguageModelTask::metadata() const {
  return {{"lm.tokenizer", parts_.tokenizer->to_json()},
          {"lm.counts", fmt::format("{{\"counts\":[{}]}}", fmt::join(parts_.counts, ","))}};
}

LanguageModelParts load_parts(const LanguageModelOptions& options, const std::map<std::string, std::string>& metadata,
                              const std::string& file) {
  const auto entry = [&](const char* key) -> const std::string& {
    return metadata_entry(metadata, key, file, "language model");
  };
  LanguageModelParts parts;
  parts.options = options;
  parts.tokenizer = data::Tokenizer::from_json(entry("lm.tokenizer"), file);
  const data::JsonObject counts(entry("lm.counts"), file, "lm.counts");
  parts.counts = counts.integers("counts");
  const int64_t wanted = parts.tokenizer->vocabulary().size();
  if (static_cast<int64_t>(parts.counts.size()) != wanted)
    counts.fail(fmt::format("{} counts, one for each symbol", wanted), fmt::format("{}", parts.counts.size()));
  for (const int64_t count : parts.counts)
    if (count < 0 || count > (int64_t{1} << 50)) counts.fail("counts from 0 on", fmt::format("{}", count));
  return parts;
}

TextScore LanguageModelTask::score(const data::SymbolStore& ids, int64_t streams) {
  TextScore sum;
  streams = std::clamp<int64_t>(streams, 1, std::max<int64_t>(ids.size(), 1));
  const int64_t length = ids.size() / streams;
  const auto wide = static_cast<size_t>(streams);
  nn::LanguageState state;
  for (int64_t begin = 0; begin < length; begin += kChunk) {
    const auto steps = static_cast<size_t>(std::min(length - begin, kChunk));
    std::vector<int32_t> inputs(steps * wide), targets(steps * wide), stream(steps + 1);
    for (size_t b = 0; b < wide; ++b) {
      // What is read first: before the text, or the symbol that was predicted last.
      const int64_t at = static_cast<int64_t>(b) * length + begin;
      stream[0] = kTextBegin;
      const size_t known = begin == 0 ? 1 : 0;
      ids.read(at - 1 + static_cast<int64_t>(known), std::span(stream).subspan(known));
      for (size_t t = 0; t < steps; ++t) {
        inputs[t * wide + b] = stream[t];
        targets[t * wide + b] = stream[t + 1];
      }
    }
    nn::Context ctx;
    sum.nll_sum += network_->loss(ctx, inputs, targets, streams, state).nll_sum;
    sum.symbols += static_cast<int64_t>(targets.size());
  }
  return sum;
}

train::Baseline LanguageModelTask::baseline(const data::TokenStream& text) const {
  const double total = static_cast<double>(std::accumulate(parts_.counts.begin(), parts_.counts.end(), int64_t{0})) +
                       static_cast<double>(parts_.counts.size());
  TextScore sum;
  for (size_t id = 0; id < text.counts.size(); ++id) {
    sum.nll_sum -=
        static_cast<double>(text.counts[id]) * std::log((static_cast<double>(parts_.counts[id]) + 1) / total);
    sum.symbols += text.counts[id];
  }
  return {"each symbol by its share of the training text (unigram)", sum.metrics(text.characters)};
}

EvalReport LanguageModelTask::evaluate(const std::vector<std::string>& files, const PredictOptions& options) {
  options.refuse_search("[eval] a language model is scored symbol by symbol", "there is nothing to search");
  const data::TextFiles text(files, parts_.options.read_options());
  const data::TokenStream stream = data::make_stream(*parts_.tokenizer, text);
  EvalReport report;
  report.task = task();
  report.examples = text.lines();
  report.metrics = score(stream.ids, 1).metrics(stream.characters);
  report.set(baseline(stream));
  if (report.metrics.at("perplexity") >= report.baseline.at("perplexity"))
    report.notes.emplace_back("the model is not better than the baseline: train longer");
  if (stream.unknown > 0)
    report.notes.push_back(
        fmt::format("{} of {} symbols were never seen in training and count as one unknown symbol: the score is too "
                    "good by what it would take to spell them",
                    stream.unknown, stream.size()));
  return report;
}

Streaming LanguageModelTask::streaming() {
  uint64_t version = 0;  // grows with every change of a weight
  for (const nn::NamedParameter& p : network_->parameters()) version += p.var.version();
  if (!stream_ || version != stream_version_)
    stream_ = std::make_shared<const nn::StreamModel>(network_->stream_network());
  stream_version_ = version;
  return {stream_, parts_.tokenizer.get(), kTextBegin};
}

std::vector<std::string> LanguageModelTask::views() const {
  if (network_->is_window()) return {};
  return {"gates"};
}

namespace {

void refuse_window(const nn::LanguageModel& network) {
  if (network.is_window())
    throw UnsupportedError(
        "[inspect] a window model has neither attention nor gates; got such a model. Train with --set "
        "model=recurrent.");
}

}  // namespace

AttentionMap LanguageModelTask::inspect(const std::string&, const PredictOptions&) {
  refuse_window(*network_);
  throw UnsupportedError(
      "[inspect] a recurrent language model has no attention to show; got such a model. Look at its gates with "
      "--gates.");
}

GateTrace LanguageModelTask::gates(const std::string& line, const PredictOptions& options) {
  options.refuse_search("[inspect] a language model reads a line without a search", "there is nothing to search");
  refuse_window(*network_);
  data::check_text(line, "(input)", 1);
  const std::vector<int32_t> ids = parts_.tokenizer->encode(line);
  if (ids.empty())
    throw ConfigError("[inspect] the input must hold at least one symbol; got an empty line. Give a text to look at.");
  inspect::CellRecording recording;
  nn::Context ctx;
  ctx.recorder = &recording;
  nn::LanguageState state;
  network_->forward(ctx, ids, 1, state);
  GateTrace trace;
  trace.input = line;
  const std::vector<std::string> read = parts_.tokenizer->symbols(ids);
  for (const inspect::RecordedRows& r : recording.all())
    trace.series.push_back(
        {r.layer(), r.quantity(), read, r.width, r.values, inspect::saturated_share(r, network_->stack()->cell())});
  return trace;
}

std::vector<std::pair<std::string, std::string>> LanguageModelTask::describe() {
  const nn::LanguageModelConfig& m = parts_.options.model;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"symbols", fmt::format("{}, {} of them", parts_.tokenizer->kind(),
                              parts_.tokenizer->vocabulary().size() - data::Vocabulary::kMarkers)}};
  const std::string widths = fmt::format("{}", fmt::join(m.stack.widths(), ", "));
  if (network_->is_window()) {
    rows.emplace_back("network", fmt::format("tanh layers of {} units over the last {} symbols (Bengio et al. 2003)",
                                             widths, m.window));
  } else {
    rows.emplace_back("network", fmt::format("{}, layers of {} units", m.stack.cell.cell, widths));
    add_lines(rows, "cell", network_->stack()->cell().equations());
    add_parameter_rows(rows, m.stack, m.embedding_size);
  }
  add_stack_rows(rows, m.stack);
  rows.emplace_back("embedding", fmt::format("{}{}", m.embedding_size, m.tie_weights ? ", tied to the output" : ""));
  rows.emplace_back(
      "dropout", fmt::format("{} on embeddings, {} before the output{}", m.input_dropout, m.output_dropout,
                             m.embedding_dropout > 0 ? fmt::format(", {} of whole symbols", m.embedding_dropout) : ""));
  return rows;
}

}  // namespace carousel::tasks
