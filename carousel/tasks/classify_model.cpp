#include "carousel/tasks/classify_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/batcher.h"
#include "carousel/data/column_roles.h"
#include "carousel/data/inputs.h"
#include "carousel/data/label_names.h"
#include "carousel/inspect/gradient_flow.h"
#include "carousel/inspect/recording.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/metadata.h"
#include "carousel/train/classification.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kTextsAtOnce = 64;  ///< texts read together
constexpr size_t kLabelsListed = 20;

}  // namespace

ClassifyModel::ClassifyModel(ClassifyParts parts, uint64_t seed)
    : parts_(std::move(parts)),
      networks_(parts_.options.model,
                {parts_.tokenizer->vocabulary().size(), parts_.labels.size(), data::Vocabulary::kUnk},
                parts_.options.members, seed, true) {}

std::map<std::string, std::string> ClassifyModel::metadata() const {
  std::map<std::string, std::string> m = {{"classify.tokenizer", parts_.tokenizer->to_json()},
                                          {"classify.labels", parts_.labels.to_json()},
                                          {"classify.naive_bayes", parts_.bayes.to_json()}};
  if (parts_.seen.storable()) m["classify.seen"] = parts_.seen.to_hex();
  return m;
}

ClassifyParts load_parts(const ClassifyOptions& options, const std::map<std::string, std::string>& metadata,
                         const std::string& file) {
  const auto entry = [&](const char* key) -> const std::string& {
    return metadata_entry(metadata, key, file, "classifier");
  };
  ClassifyParts parts;
  parts.options = options;
  if (parts.options.members == 0) parts.options.members = 1;  // files of before there were several
  parts.tokenizer = data::Tokenizer::from_json(entry("classify.tokenizer"), file);
  parts.labels = Labels::from_json(entry("classify.labels"), file, "classify.labels");
  parts.bayes = data::NaiveBayes::from_json(entry("classify.naive_bayes"), file, parts.labels.size(),
                                            parts.tokenizer->vocabulary().size());
  const auto seen = metadata.find("classify.seen");
  if (seen != metadata.end()) parts.seen = data::SeenTexts::from_hex(seen->second, seen->first, file);
  return parts;
}

std::vector<int32_t> ClassifyModel::cut(std::vector<int32_t> ids) const {
  const int64_t most = parts_.options.max_length;
  if (static_cast<int64_t>(ids.size()) > most) {
    const int64_t begin = most / 4, end = most - begin;
    ids.erase(ids.begin() + begin, ids.end() - end);
  }
  if (ids.empty()) ids.push_back(data::Vocabulary::kUnk);
  return ids;
}

std::vector<float> ClassifyModel::opinions(const std::vector<std::vector<int32_t>>& texts) const {
  std::vector<float> all;
  if (parts_.options.ngrams <= 0) return all;
  for (const auto& text : texts) {
    const std::vector<float> opinion = parts_.bayes.opinion(text);
    all.insert(all.end(), opinion.begin(), opinion.end());
  }
  return all;
}

std::vector<float> ClassifyModel::logits(const std::vector<std::vector<int32_t>>& texts) {
  std::vector<float> all = network_logits(texts);
  train::add_opinions(all, opinions(texts), networks_.first().trust());
  return all;
}

std::vector<float> ClassifyModel::network_logits(const std::vector<std::vector<int32_t>>& texts) {
  return networks_.mean([&](nn::Classifier& member) { return member_logits(member, texts); });
}

std::vector<float> ClassifyModel::member_logits(nn::Classifier& member,
                                                const std::vector<std::vector<int32_t>>& texts) const {
  const auto width = static_cast<size_t>(parts_.labels.size());
  std::vector<float> all(texts.size() * width);
  std::vector<int64_t> lengths;
  for (const auto& text : texts) lengths.push_back(static_cast<int64_t>(text.size()));
  for (const std::vector<int64_t>& places : data::batches_by_length(lengths, kTextsAtOnce)) {
    std::vector<std::vector<int32_t>> batch;
    for (const int64_t i : places) batch.push_back(cut(texts[static_cast<size_t>(i)]));
    nn::Context ctx;
    const Tensor part = member.forward(ctx, batch).value();
    for (size_t k = 0; k < places.size(); ++k)
      std::copy_n(part.data<float>() + k * width, width, all.data() + static_cast<size_t>(places[k]) * width);
  }
  return all;
}

data::LabelFormat ClassifyModel::stored_format() const {
  data::LabelFormat format = parts_.options.format;
  format.format = "auto";  // a file of another format may be scored too
  format.elsewhere = true;
  return format;
}

/// How far the simple classifier goes alone.
void ClassifyModel::note_bayes(const data::PairData& data, const std::vector<int64_t>& wanted,
                               EvalReport& report) const {
  if (parts_.bayes.empty()) return;
  train::ClassScores scores;
  for (size_t i = 0; i < wanted.size(); ++i)
    scores.add(parts_.bayes.probabilities(parts_.tokenizer->encode(data.examples[i].source)), wanted[i]);
  report.notes.push_back(fmt::format(
      "naive Bayes on {} reaches accuracy {:.4f} and macro F1 {:.4f}{}",
      parts_.bayes.order() > 1 ? fmt::format("runs of up to {} symbols", parts_.bayes.order()) : "the same symbols",
      scores.accuracy(), scores.macro_f1(),
      report.metrics.at("accuracy") < scores.accuracy()
          ? ": more than the model, which needs more data, more time or less dropout"
          : ""));
}

std::optional<std::vector<std::string>> ClassifyModel::inputs_of(const std::string& file) {
  const data::LabelFormat& format = parts_.options.format;
  data::InputColumn column{data::kTextNames, {}, "text", format.header == "yes"};
  if (format.columns != "auto") column.roles = data::split_roles(format.columns);
  return data::read_inputs(file, column, parts_.options.read_options());
}

EvalReport ClassifyModel::evaluate(const std::vector<std::string>& files, const PredictOptions& search) {
  refuse_class_search(search);
  const data::ReadOptions options = parts_.options.read_options();
  data::LabelFormat format = stored_format();
  if (files.size() == 2 && parts_.options.format.format != "aligned")
    format.columns = "auto";  // the model's are those of a table
  const data::PairData data =
      data::read_labels(files, data::plan_labels(files, format, options, parts_.options.format.format), options);
  if (data.examples.empty())
    throw DataError(files.front(), 0, 0, "[eval] at least one labelled text is needed; got none. Check the file.");
  std::vector<std::string_view> names;
  for (const data::PairExample& e : data.examples) names.emplace_back(e.target);
  std::vector<std::vector<int32_t>> texts;
  int64_t unread = 0, seen = 0;
  for (const data::PairExample& e : data.examples) {
    texts.push_back(parts_.tokenizer->encode(e.source));
    seen += parts_.seen.contains(parts_.tokenizer->form().apply(e.source)).value_or(false);
    const auto unknown = std::count(texts.back().begin(), texts.back().end(), data::Vocabulary::kUnk);
    unread += unknown == static_cast<int64_t>(texts.back().size());
  }
  const ClassAnswers answers{logits(texts), numbers_of(parts_.labels, names)};
  EvalReport report;
  report.task = task();
  report.examples = static_cast<int64_t>(data.examples.size());
  report.metrics = score_of(answers, parts_.labels.size(), networks_.first().temperature());
  report.set(class_baseline(parts_.labels, answers.wanted));
  if (report.metrics.at("accuracy") <= report.baseline.at("accuracy"))
    report.notes.emplace_back(
        "the model is not better than the baseline: train longer, or check that the texts say something about their "
        "labels");
  note_bayes(data, answers.wanted, report);
  note_strangers(parts_.labels, names, answers.wanted, "texts", report);
  if (seen > 0)
    report.notes.push_back(fmt::format("{} of {} texts stood in the training data: the score is partly one of memory",
                                       seen, report.examples));
  if (unread > 0)
    report.notes.push_back(fmt::format("{} of {} texts hold no symbol that training had", unread, report.examples));
  return report;
}

std::vector<Prediction> ClassifyModel::predict(const std::vector<std::string>& lines, const PredictOptions& options) {
  refuse_class_search(options);
  std::vector<Prediction> predictions(lines.size());
  std::vector<std::vector<int32_t>> texts;
  for (size_t i = 0; i < lines.size(); ++i) {
    data::check_text(lines[i], "(input)", static_cast<int64_t>(i) + 1);
    predictions[i].input = lines[i];
    predictions[i].in_training = parts_.seen.contains(parts_.tokenizer->form().apply(lines[i]));
    texts.push_back(parts_.tokenizer->encode(lines[i]));
    const auto unknown = parts_.tokenizer->unknown_symbols(lines[i]);
    for (const std::string& symbol : unknown) predictions[i].notes.push_back("unknown symbol: " + symbol);
    const auto symbols = static_cast<int64_t>(texts.back().size());
    if (symbols > parts_.options.max_length)
      predictions[i].notes.push_back(
          fmt::format("of {} symbols only {} were read (max_length): the beginning and the end", symbols,
                      parts_.options.max_length));
  }
  const std::vector<float> all = logits(texts);
  const auto width = static_cast<size_t>(parts_.labels.size());
  for (size_t i = 0; i < lines.size(); ++i)
    add_answers(parts_.labels, {all.data() + i * width, width}, networks_.first().temperature(), options.nbest,
                predictions[i]);
  return predictions;
}

std::vector<std::string> ClassifyModel::views() const {
  if (parts_.options.model.pooling == "attention") return {"attention", "gates"};
  return {"gates"};
}

std::vector<int32_t> ClassifyModel::encode_one(const std::string& line) const {
  data::check_text(line, "(input)", 1);
  std::vector<int32_t> ids = parts_.tokenizer->encode(line);
  if (ids.empty())
    throw ConfigError("[inspect] the input must hold at least one symbol; got an empty line. Give a text to look at.");
  return ids;
}

/// Probabilities of the labels of one text, for who has put a recorder into the context.
std::vector<double> ClassifyModel::answer(nn::Context& ctx, const std::vector<int32_t>& text) {
  const Tensor logits = networks_.first().forward(ctx, {cut(text)}).value();
  std::vector<float> all(logits.span<float>().begin(), logits.span<float>().end());
  train::add_opinions(all, opinions({text}), networks_.first().trust());
  return train::probabilities_of(all, networks_.first().temperature());
}

AttentionMap ClassifyModel::inspect(const std::string& line, const PredictOptions& options) {
  refuse_class_search(options);
  require_attention(parts_.options.model.pooling);
  const std::vector<int32_t> ids = encode_one(line);
  inspect::CellRecording recording;
  nn::Context ctx;
  ctx.recorder = &recording;
  const std::vector<double> p = answer(ctx, ids);
  const auto best = std::max_element(p.begin(), p.end());
  AttentionMap map;
  map.input = line;
  map.output = parts_.labels.names[static_cast<size_t>(best - p.begin())];
  map.probability = *best;
  map.source = parts_.tokenizer->symbols(cut(ids));
  map.target = {map.output};
  map.weights = recording.find("pooling/attention")->values;
  return map;
}

GateTrace ClassifyModel::gates(const std::string& line, const PredictOptions& options) {
  refuse_class_search(options);
  const std::vector<int32_t> ids = encode_one(line);
  inspect::CellRecording recording;
  nn::Context ctx;
  ctx.recorder = &recording;
  const std::vector<double> p = answer(ctx, ids);
  GateTrace trace;
  trace.input = line;
  trace.output = parts_.labels.names[static_cast<size_t>(std::max_element(p.begin(), p.end()) - p.begin())];
  add_gates(recording, parts_.tokenizer->symbols(cut(ids)), networks_.first().stack().cell(), trace);
  return trace;
}

std::vector<std::pair<std::string, std::string>> ClassifyModel::describe() {
  const ClassifyOptions& o = parts_.options;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"labels", fmt::format("{}: {}", parts_.labels.size(), parts_.labels.list(kLabelsListed))},
      {"symbols", fmt::format("{}, {} of them", parts_.tokenizer->kind(),
                              parts_.tokenizer->vocabulary().size() - data::Vocabulary::kMarkers)},
      {"columns", o.format.columns},
      {"longest text", counted(o.max_length, "symbol")},
      {"network", network_text(o.model.stack)},
      {"members", std::to_string(members())},
      {"pooling", o.model.pooling},
      {"beside it", o.ngrams > 0 ? fmt::format("naive Bayes over runs of up to {} symbols, times {:.3g}", o.ngrams,
                                               networks_.first().trust())
                                 : "nothing"},
      {"embedding", std::to_string(o.model.embedding_size)},
      {"dropout", fmt::format("{} on embeddings and before the output, {} on whole symbols", o.model.stack.dropout,
                              o.model.symbol_dropout)},
      {"temperature", fmt::format("{:.3g}", networks_.first().temperature())},
      {"training texts", std::to_string(parts_.labels.total())}};
  add_stack_rows(rows, o.model.stack);
  add_lines(rows, "cell", networks_.first().stack().cell().equations());
  return rows;
}

}  // namespace carousel::tasks
