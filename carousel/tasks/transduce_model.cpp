#include "carousel/tasks/transduce_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/column_roles.h"
#include "carousel/data/inputs.h"
#include "carousel/data/label_names.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/registry.h"
#include "carousel/data/unicode.h"
#include "carousel/inspect/gradient_flow.h"
#include "carousel/inspect/recording.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/nn/guided_attention.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/metadata.h"
#include "carousel/tasks/seq2seq_stepper.h"
#include "carousel/train/metrics.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kDecodeBatch = 128;      ///< sources searched together, of ...
constexpr int64_t kDecodeSymbols = 16384;  ///< ... so many symbols

nn::Seq2Seq::Vocabularies vocabularies_of(const TransduceParts& parts) {
  return {parts.source->vocabulary().size(),
          parts.target->vocabulary().size(),
          data::Vocabulary::kUnk,
          data::Vocabulary::kBos,
          data::Vocabulary::kEos,
          data::Vocabulary::kUnk};
}

const std::string& entry(const std::map<std::string, std::string>& metadata, const std::string& key,
                         const std::string& file) {
  return metadata_entry(metadata, key, file, "transduce model");
}

int64_t count_entry(const std::map<std::string, std::string>& metadata, const std::string& key,
                    const std::string& file) {
  const std::string& count = entry(metadata, key, file);
  if (count.empty() || count.size() > 15 || count.find_first_not_of("0123456789") != std::string::npos)
    throw FormatError(file, 0,
                      fmt::format("[model] {} must be a count; got '{}'. The file is damaged; train again.", key,
                                  count.substr(0, 40)));
  return std::stoll(count);
}

}  // namespace

TransduceModel::TransduceModel(TransduceParts parts, uint64_t seed) : parts_(std::move(parts)) {
  network_ = std::make_unique<nn::Seq2Seq>(parts_.config.model, vocabularies_of(parts_), seed);
}

std::map<std::string, std::string> TransduceModel::metadata() const {
  std::map<std::string, std::string> m = {{"transduce.source_tokenizer", parts_.source->to_json()},
                                          {"transduce.target_tokenizer", parts_.target->to_json()},
                                          {"transduce.baseline", parts_.baseline.to_json()},
                                          {"transduce.train_examples", std::to_string(parts_.train_examples)}};
  if (parts_.lead > 0) m["transduce.lead"] = std::to_string(parts_.lead);
  if (parts_.seen.storable()) m["transduce.seen"] = parts_.seen.to_hex();
  return m;
}

TransduceParts load_parts(const TransduceConfig& config, const std::map<std::string, std::string>& metadata,
                          const std::string& file) {
  TransduceParts parts;
  parts.config = config;
  parts.source = data::Tokenizer::from_json(entry(metadata, "transduce.source_tokenizer", file), file);
  parts.target = data::Tokenizer::from_json(entry(metadata, "transduce.target_tokenizer", file), file);
  parts.baseline =
      data::SymbolMap::from_json(entry(metadata, "transduce.baseline", file), file, parts.target->vocabulary().size());
  parts.train_examples = count_entry(metadata, "transduce.train_examples", file);
  if (metadata.contains("transduce.lead")) parts.lead = count_entry(metadata, "transduce.lead", file);
  const auto seen = metadata.find("transduce.seen");
  if (seen != metadata.end()) parts.seen = data::SeenTexts::from_hex(seen->second, seen->first, file);
  return parts;
}

bool TransduceModel::target_is_text() const {
  // Phones or commands are words of a small inventory: n-grams of them are no text.
  return data::learns_subwords(parts_.target->kind()) ||
         (parts_.target->kind() == "words" && parts_.target->vocabulary().size() > 500);
}

SourceText TransduceModel::encode_source(std::string_view text, const data::SubwordSampling& sampling) const {
  return tasks::encode_source(*parts_.source, *parts_.target, text, uses_copies(), sampling);
}

decode::Results TransduceModel::search(const std::vector<SourceText>& sources, const decode::SearchConfig& config) {
  decode::Results results(sources.size());
  std::vector<size_t> order;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].ids.empty()) {
      results[i] = {{.tokens = {}, .log_prob = 0, .score = 0, .ended = true}};
    } else {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sources[a].ids.size() > sources[b].ids.size(); });
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    // Longest first, so that the first one tells how many there may be.
    const auto longest = static_cast<int64_t>(sources[order[begin]].ids.size());
    end = std::min(order.size(),
                   begin + static_cast<size_t>(std::clamp<int64_t>(kDecodeSymbols / longest, 1, kDecodeBatch)));
    std::vector<std::vector<int32_t>> batch, copies;
    std::vector<int64_t> lengths;
    for (size_t k = begin; k < end; ++k) {
      batch.push_back(sources[order[k]].ids);
      copies.push_back(sources[order[k]].copies);
      lengths.push_back(static_cast<int64_t>(batch.back().size()));
    }
    Seq2SeqStepper stepper(*network_, batch, copies);
    decode::Results part = decode::search(stepper, lengths, config);
    for (size_t k = begin; k < end; ++k) results[order[k]] = std::move(part[k - begin]);
  }
  // Without attention nothing says which word of the source stands behind an unknown one.
  if (parts_.config.replace_unknown == "on" && parts_.config.model.attention != "none")
    for (size_t i = 0; i < sources.size(); ++i)
      for (decode::Hypothesis& answer : results[i]) replace_unknown(sources[i], answer);
  return results;
}

void TransduceModel::replace_unknown(const SourceText& source, decode::Hypothesis& answer) {
  const auto unknown = [](int32_t token) { return token == data::Vocabulary::kUnk; };
  if (std::none_of(answer.tokens.begin(), answer.tokens.end(), unknown)) return;
  const std::vector<float> attention = attention_of(source, answer.tokens);
  const auto length = static_cast<std::ptrdiff_t>(source.ids.size());
  for (size_t t = 0; t < answer.tokens.size(); ++t) {
    if (!unknown(answer.tokens[t])) continue;
    const auto row = attention.begin() + static_cast<std::ptrdiff_t>(t) * length;
    answer.tokens[t] = source.copies[static_cast<size_t>(std::max_element(row, row + length) - row)];
  }
}

std::vector<std::string> TransduceModel::metric_tokens(std::string_view text) const {
  // Texts, not ids: a symbol that the model cannot write must not equal another that it cannot write.
  const auto views =
      parts_.target->kind() == "characters" ? data::code_points(data::trim(text)) : data::split_words(text);
  return {views.begin(), views.end()};
}

std::map<std::string, double> TransduceModel::score(const data::PairData& data,
                                                    const std::vector<data::Question>& questions,
                                                    const std::vector<std::string>& outputs) const {
  train::ErrorRates rates;
  train::Bleu bleu;
  train::Chrf chrf;
  train::Rouge rouge;
  const bool text = target_is_text();
  for (size_t q = 0; q < questions.size(); ++q) {
    std::vector<std::vector<std::string>> references;
    std::vector<std::string> texts;
    for (const int64_t e : questions[q].examples) {
      texts.push_back(data.examples[static_cast<size_t>(e)].target);
      references.push_back(metric_tokens(texts.back()));
    }
    rates.add(metric_tokens(outputs[q]), references);
    if (!text) continue;
    bleu.add(outputs[q], texts);
    chrf.add(outputs[q], texts);
    rouge.add(outputs[q], texts);
  }
  std::map<std::string, double> metrics = {{"sequence_error_rate", rates.sequence_error_rate()},
                                           {"token_error_rate", rates.token_error_rate()}};
  if (text) {
    metrics["bleu"] = bleu.score();
    metrics["chrf"] = chrf.score();
    metrics["rouge_1"] = rouge.score_1();
    metrics["rouge_2"] = rouge.score_2();
    metrics["rouge_l"] = rouge.score_l();
  }
  return metrics;
}

EvalReport TransduceModel::evaluate(const std::vector<std::string>& files, const PredictOptions& options) {
  const data::PairData data = data::read_pairs(files, parts_.config.data.read_options(), parts_.config.data.format);
  const std::vector<data::Question> questions = data::group_by_source(data);
  if (questions.empty())
    throw DataError(files.front(), 0, 0, "[eval] at least one pair is needed; got none. Check the file.");
  std::vector<std::string> lines;
  for (const data::Question& q : questions) lines.emplace_back(q.source);
  const std::vector<Prediction> predictions = predict(lines, options);
  EvalReport report;
  report.task = task();
  report.examples = static_cast<int64_t>(questions.size());
  std::vector<std::string> outputs;
  int64_t too_long = 0, unknown = 0, seen = 0;
  for (const Prediction& p : predictions) {
    outputs.push_back(p.hypotheses.empty() ? "" : p.hypotheses.front().text);
    too_long += !p.error.empty();
    unknown += std::any_of(p.notes.begin(), p.notes.end(),
                           [](const std::string& note) { return note.starts_with("unknown symbol"); });
    seen += p.in_training.value_or(false);
  }
  report.metrics = score(data, questions, outputs);
  report.set(baseline(data, questions));
  // By what chose the weights.
  const bool worse = target_is_text() ? report.metrics.at("bleu") <= report.baseline.at("bleu")
                                      : report.metrics.at("token_error_rate") >= report.baseline.at("token_error_rate");
  if (worse)
    report.notes.emplace_back(
        "the model is not better than the baseline: train longer, or check that the data has a pattern");
  if (too_long > 0)
    report.notes.push_back(fmt::format("{} of {} inputs have more than max_length = {} symbols and count as wrong",
                                       too_long, report.examples, parts_.config.data.max_length));
  if (unknown > 0)
    report.notes.push_back(
        fmt::format("{} of {} inputs hold symbols that the training data did not have", unknown, report.examples));
  if (seen > 0)
    report.notes.push_back(fmt::format("{} of {} inputs stood in the training data: the score is partly one of memory",
                                       seen, report.examples));
  return report;
}

train::Baseline TransduceModel::baseline(const data::PairData& data,
                                         const std::vector<data::Question>& questions) const {
  std::vector<std::string> outputs;
  for (const data::Question& question : questions) outputs.push_back(baseline_of(question.source));
  return {parts_.lead > 0 ? fmt::format("the first {} of the input", counted(parts_.lead, "symbol"))
                          : "most probable symbol for symbol (IBM model 1)",
          score(data, questions, outputs)};
}

std::string TransduceModel::baseline_of(std::string_view source) const {
  if (parts_.lead == 0) return parts_.target->decode(parts_.baseline.apply(parts_.source->encode(source)));
  const SourceText text = encode_source(source);
  const size_t length = std::min(text.copies.size(), static_cast<size_t>(parts_.lead));
  return parts_.target->decode({text.copies.data(), length}, text.extras);
}

decode::SearchConfig TransduceModel::search_config(const PredictOptions& options) const {
  return with_options(parts_.config.search, options);
}

std::string TransduceModel::length_error(int64_t length) const {
  const int64_t most = parts_.config.data.max_length;
  if (length <= most) return "";
  return fmt::format(
      "[predict] an input may have at most {} symbols (max_length); got {}. Cut it into shorter ones, or train with a "
      "larger max_length.",
      most, length);
}

std::optional<std::vector<std::string>> TransduceModel::inputs_of(const std::string& file) {
  const data::ReadOptions options = parts_.config.data.read_options();
  data::InputColumn column{data::kSourceNames, {}, "source", false};
  const std::string& columns = parts_.config.data.format.columns;
  if (columns != "auto") {
    column.roles = data::split_roles(columns);
    column.header = parts_.config.data.format.header == "yes";
  }
  return data::read_inputs(file, column, options);
}

std::vector<Prediction> TransduceModel::predict(const std::vector<std::string>& lines, const PredictOptions& options) {
  const decode::SearchConfig config = search_config(options);
  std::vector<SourceText> sources;
  sources.reserve(lines.size());
  std::vector<Prediction> predictions(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    data::check_text(lines[i], "(input)", static_cast<int64_t>(i) + 1);
    predictions[i].input = lines[i];
    sources.push_back(encode_source(lines[i]));
    predictions[i].error = length_error(static_cast<int64_t>(sources.back().ids.size()));
    if (!predictions[i].error.empty()) sources.back() = {};
  }
  const decode::Results results = search(sources, config);
  for (size_t i = 0; i < lines.size(); ++i) {
    Prediction& p = predictions[i];
    if (!p.error.empty()) continue;
    for (const decode::Hypothesis& h : results[i]) {
      p.hypotheses.push_back({text_of(sources[i], h), std::exp(h.log_prob), h.log_prob});
      if (!h.ended) p.notes.emplace_back("an output was cut off at the maximum length");
    }
    p.in_training = parts_.seen.contains(parts_.source->form().apply(lines[i]));
    for (const std::string& symbol : parts_.source->unknown_symbols(lines[i]))
      p.notes.push_back(fmt::format("unknown symbol: {}", symbol));
  }
  return predictions;
}

std::vector<float> TransduceModel::attention_of(const SourceText& source, const std::vector<int32_t>& target,
                                                nn::Recorder* recorder) {
  Seq2SeqStepper stepper(*network_, {source.ids}, {source.copies}, recorder);
  return tasks::attention_of(stepper, target);
}

SourceText TransduceModel::encode_one(const std::string& line) const {
  data::check_text(line, "(input)", 1);
  SourceText source = encode_source(line);
  if (source.ids.empty())
    throw ConfigError("[inspect] the input must hold at least one symbol; got an empty line. Give a text to look at.");
  const std::string too_long = length_error(static_cast<int64_t>(source.ids.size()));
  if (!too_long.empty()) throw DataError("(input)", 1, 0, too_long);
  return source;
}

GateTrace TransduceModel::gates(const std::string& line, const PredictOptions& options) {
  const SourceText source = encode_one(line);
  const decode::Hypothesis best = search({source}, search_config(options)).front().front();
  inspect::CellRecording recording;
  attention_of(source, best.tokens, &recording);
  const std::vector<std::string> read = parts_.source->symbols(source.ids);
  std::vector<std::string> written = parts_.target->symbols(best.tokens, source.extras);
  written.emplace_back("</s>");
  GateTrace trace;
  trace.input = line;
  trace.output = text_of(source, best);
  const auto cell = nn::make_cell(parts_.config.model.stack.cell);
  for (const inspect::RecordedRows& r : recording.all())
    trace.series.push_back({r.layer(), r.quantity(), r.layer() == "decoder" ? written : read, r.width, r.values,
                            inspect::saturated_share(r, *cell)});
  return trace;
}

AttentionMap TransduceModel::inspect(const std::string& line, const PredictOptions& options) {
  const SourceText source = encode_one(line);
  if (parts_.config.model.attention == "none") refuse_map_without_attention();
  const decode::Hypothesis best = search({source}, search_config(options)).front().front();
  AttentionMap map;
  map.input = line;
  map.output = text_of(source, best);
  map.probability = std::exp(best.log_prob);
  map.source = parts_.source->symbols(source.ids);
  map.target = parts_.target->symbols(best.tokens, source.extras);
  map.target.emplace_back("</s>");
  map.weights = attention_of(source, best.tokens);
  return map;
}

std::vector<std::pair<std::string, std::string>> TransduceModel::describe() {
  const TransduceConfig& c = parts_.config;
  const auto side = [](const data::Tokenizer& t) {
    return fmt::format("{}, {} symbols", t.kind(), t.vocabulary().size() - data::Vocabulary::kMarkers);
  };
  std::vector<std::pair<std::string, std::string>> rows = {
      {"source", side(*parts_.source)},
      {"target", side(*parts_.target)},
      {"encoder", network_text(c.model.stack)},
      {"decoder", decoder_text(c)},
      {"embedding", std::to_string(c.model.embedding_size)},
      {"dropout", fmt::format("{} on embeddings, encoder states and readout", c.model.stack.dropout)},
      {"copying", c.model.copy == "on"        ? "symbols of the source (pointer-generator)"
                  : c.replace_unknown == "on" ? "in the place of unknown symbols"
                                              : "none"},
      {"training pairs", std::to_string(parts_.train_examples)},
      {"beam", std::to_string(c.search.beam_size)}};
  add_stack_rows(rows, c.model.stack);
  add_lines(rows, "cell", nn::make_cell(c.model.stack.cell)->equations());
  add_parameter_rows(rows, c.model.stack, c.model.embedding_size);
  return rows;
}

}  // namespace carousel::tasks
