#include "carousel/tasks/tag_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <unordered_map>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/batcher.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"
#include "carousel/inspect/gradient_flow.h"
#include "carousel/inspect/recording.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/metadata.h"
#include "carousel/train/classification.h"
#include "carousel/train/tagging.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kSentencesAtOnce = 64;  ///< sentences read together
constexpr size_t kLongestSpelling = 40;   ///< code points
constexpr size_t kTagsListed = 20;

void refuse_steering(const PredictOptions& options) {
  options.refuse_search("[tag] a tagger finds the best of all sequences of tags without a search to steer",
                        "--json shows how sure each tag is");
}

/// For each of `n` equally spaced logits its softmax.
std::vector<double> softmax(const double* logits, int64_t n) {
  const std::vector<float> row(logits, logits + n);
  return train::probabilities_of(row, 1);
}

std::vector<const data::TaggedSentence*> pointers(const data::TagData& data) {
  std::vector<const data::TaggedSentence*> all;
  for (const data::TaggedSentence& sentence : data.sentences) all.push_back(&sentence);
  return all;
}

}  // namespace

std::string word_form(std::string_view token) {
  std::string form = data::fold_case(token, data::LetterCase::lower);
  std::replace_if(
      form.begin(), form.end(), [](char c) { return c >= '0' && c <= '9'; }, '0');
  return form;
}

std::vector<std::string_view> spelling(std::string_view token) {
  std::vector<std::string_view> letters = data::code_points(token);
  if (letters.size() > kLongestSpelling)
    letters.erase(letters.begin() + kLongestSpelling / 2, letters.end() - kLongestSpelling / 2);
  return letters;
}

int64_t TagAnswer::intent() const {
  return std::max_element(intents.begin(), intents.end()) - intents.begin();
}

std::vector<SentencePiece> EncodedSentences::pieces() const {
  std::vector<SentencePiece> all;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto length = static_cast<int64_t>(tokens[i].size());
    for (int64_t begin = 0; begin < length; begin += kLongestPiece)
      all.push_back({static_cast<int64_t>(i), begin, std::min(length, begin + kLongestPiece)});
  }
  return all;
}

nn::TaggerInput EncodedSentences::input(const std::vector<SentencePiece>& pieces) const {
  nn::TaggerInput in;
  std::unordered_map<int32_t, int32_t> places;
  for (const SentencePiece& piece : pieces) {
    in.words.emplace_back();
    in.spelled_by.emplace_back();
    for (int64_t k = piece.begin; k < piece.end; ++k) {
      const int32_t token = tokens[static_cast<size_t>(piece.sentence)][static_cast<size_t>(k)];
      const auto [at, fresh] = places.try_emplace(token, static_cast<int32_t>(in.spellings.size()));
      if (fresh) in.spellings.push_back(spellings[static_cast<size_t>(token)]);
      in.words.back().push_back(words[static_cast<size_t>(token)]);
      in.spelled_by.back().push_back(at->second);
    }
  }
  return in;
}

TagModel::TagModel(TaggerParts parts, uint64_t seed) : parts_(std::move(parts)) {
  const nn::Tagger::Sizes sizes{parts_.words.size(), parts_.characters.size(), parts_.tags.size(),
                                parts_.intents.size()};
  network_ = std::make_unique<nn::Tagger>(parts_.options.model, sizes, seed);
}

std::map<std::string, std::string> TagModel::metadata() const {
  std::map<std::string, std::string> texts = {{"tag.words", parts_.words.to_json()},
                                              {"tag.characters", parts_.characters.to_json()},
                                              {"tag.tags", parts_.tags.to_json()},
                                              {"tag.scheme", name_of(parts_.scheme)},
                                              {"tag.baseline", parts_.baseline.to_json()}};
  if (parts_.intents.size() > 0) texts["tag.intents"] = parts_.intents.to_json();
  return texts;
}

TaggerParts load_tagger_parts(const TagOptions& options, const std::map<std::string, std::string>& metadata,
                              const std::string& file) {
  const auto entry = [&](const char* key) -> const std::string& {
    return metadata_entry(metadata, key, file, "tagger");
  };
  TaggerParts parts;
  parts.options = options;
  parts.words = data::Vocabulary::from_json(entry("tag.words"), file);
  parts.characters = data::Vocabulary::from_json(entry("tag.characters"), file);
  parts.tags = Labels::from_json(entry("tag.tags"), file, "tag.tags");
  if (!data::parse_scheme(entry("tag.scheme"), parts.scheme))
    throw FormatError(file, 0,
                      fmt::format("[model] tag.scheme must be none, iob1, iob2 or bioes; got {}. The file is damaged; "
                                  "train again.",
                                  data::clip_quoted(entry("tag.scheme"))));
  parts.baseline = WordTags::from_json(entry("tag.baseline"), file, parts.tags);
  if (metadata.contains("tag.intents")) parts.intents = Labels::from_json(entry("tag.intents"), file, "tag.intents");
  return parts;
}

EncodedSentences TagModel::encode(const std::vector<std::vector<std::string>>& sentences) const {
  EncodedSentences encoded;
  std::unordered_map<std::string_view, int32_t> places;
  for (const auto& sentence : sentences) {
    encoded.tokens.emplace_back();
    for (const std::string& token : sentence) {
      const auto [at, fresh] = places.try_emplace(token, static_cast<int32_t>(encoded.words.size()));
      encoded.tokens.back().push_back(at->second);
      if (!fresh) continue;
      encoded.words.push_back(parts_.words.id(word_form(token)));
      encoded.spellings.emplace_back();
      for (const std::string_view letter : spelling(token))
        encoded.spellings.back().push_back(parts_.characters.id(letter));
    }
  }
  return encoded;
}

LinearChain TagModel::chain() const {
  const std::vector<std::string>& names = parts_.tags.names;
  const auto name = [&](int64_t tag) { return tag < parts_.tags.size() ? names[static_cast<size_t>(tag)] : ""; };
  const auto may_follow = [&](int64_t from, int64_t to) {
    return data::may_follow(parts_.scheme, name(from), name(to));
  };
  // Without a tag that a sentence of any length may consist of, there may be no sequence that is allowed.
  bool possible = false;
  for (int64_t i = 0; i < parts_.tags.size(); ++i)
    possible = possible || (may_follow(parts_.tags.size(), i) && may_follow(i, i) && may_follow(i, parts_.tags.size()));
  return network_->chain([&](int64_t from, int64_t to) { return !possible || may_follow(from, to); });
}

TagAnswer TagModel::answer(const LinearChain* chain, int64_t steps, const std::vector<double>& emissions,
                           bool probabilities) const {
  const int64_t n = parts_.tags.size();
  TagAnswer answer;
  std::vector<int32_t> path;
  if (chain) {
    path = chain->best_path(steps, emissions.data());
    if (probabilities) {
      std::vector<double> marginals(emissions.size());
      const double sum = chain->log_partition(steps, emissions.data(), marginals.data());
      if (!std::isfinite(sum))
        throw DivergedError("[tag] the scores of tags must give probabilities; got none. The weights are damaged.");
      answer.log_probability = std::min(0.0, chain->score(steps, emissions.data(), path.data()) - sum);
      for (int64_t t = 0; t < steps; ++t)
        answer.probabilities.push_back(marginals[static_cast<size_t>(t * n + path[static_cast<size_t>(t)])]);
    }
  } else {
    for (int64_t t = 0; t < steps; ++t) {
      const double* const row = emissions.data() + t * n;
      path.push_back(static_cast<int32_t>(std::max_element(row, row + n) - row));
      if (!probabilities) continue;
      answer.probabilities.push_back(softmax(row, n)[static_cast<size_t>(path.back())]);
      answer.log_probability += std::log(answer.probabilities.back());
    }
  }
  for (const int32_t tag : path) answer.tags.push_back(parts_.tags.names[static_cast<size_t>(tag)]);
  return answer;
}

std::vector<TagAnswer> TagModel::answers(const EncodedSentences& sentences, bool probabilities) {
  const std::vector<SentencePiece> pieces = sentences.pieces();
  std::vector<TagAnswer> answered(pieces.size());
  std::vector<int64_t> lengths;
  for (const SentencePiece& piece : pieces) lengths.push_back(piece.size());
  std::unique_ptr<const LinearChain> links;
  if (needs_chain()) links = std::make_unique<const LinearChain>(chain());
  const int64_t n = parts_.tags.size(), intents = parts_.intents.size();
  for (const std::vector<int64_t>& batch : data::batches_by_length(lengths, kSentencesAtOnce)) {
    std::vector<SentencePiece> some;
    for (const int64_t i : batch) some.push_back(pieces[static_cast<size_t>(i)]);
    nn::Context ctx;
    const nn::Tagger::Output out = network_->forward(ctx, sentences.input(some));
    const float* const scores = out.emissions.value().data<float>();
    for (size_t k = 0; k < batch.size(); ++k) {
      const int64_t j = out.packing.position[k], steps = some[k].size();
      std::vector<double> emissions;
      for (int64_t t = 0; t < steps; ++t) {
        const float* const row = scores + out.packing.row(t, j) * n;
        emissions.insert(emissions.end(), row, row + n);
      }
      TagAnswer& to = answered[static_cast<size_t>(batch[k])];
      to = answer(links.get(), steps, emissions, probabilities);
      if (intents == 0 || some[k].begin > 0) continue;
      const float* const row = out.intents.value().data<float>() + static_cast<int64_t>(k) * intents;
      to.intents = train::probabilities_of({row, static_cast<size_t>(intents)}, 1);
      to.log_probability += std::log(to.intents[static_cast<size_t>(to.intent())]);
    }
  }
  std::vector<TagAnswer> all(sentences.tokens.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    TagAnswer &whole = all[static_cast<size_t>(pieces[i].sentence)], &part = answered[i];
    whole.tags.insert(whole.tags.end(), part.tags.begin(), part.tags.end());
    whole.probabilities.insert(whole.probabilities.end(), part.probabilities.begin(), part.probabilities.end());
    whole.log_probability += part.log_probability;
    if (pieces[i].begin == 0) whole.intents = std::move(part.intents);
  }
  return all;
}

std::map<std::string, double> TagModel::score(const std::vector<TagAnswer>& answers,
                                              const std::vector<const data::TaggedSentence*>& wanted) const {
  train::TagScores scores;
  const bool intents = parts_.intents.size() > 0 && !wanted.empty() && !wanted.front()->intent.empty();
  int64_t right_intents = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool right = !intents || parts_.intents.find(wanted[i]->intent) == answers[i].intent();
    right_intents += right;
    scores.add(answers[i].tags, wanted[i]->tags, right);
  }
  std::map<std::string, double> metrics = {{"accuracy", scores.accuracy()},
                                           {"sentence_accuracy", scores.sentence_accuracy()}};
  if (parts_.scheme != data::TagScheme::none) {
    metrics["span_precision"] = scores.span_precision();
    metrics["span_recall"] = scores.span_recall();
    metrics["span_f1"] = scores.span_f1();
  }
  if (intents) metrics["intent_accuracy"] = static_cast<double>(right_intents) / static_cast<double>(wanted.size());
  return metrics;
}

train::Baseline TagModel::baseline(const std::vector<const data::TaggedSentence*>& wanted) const {
  std::vector<TagAnswer> answers;
  for (const data::TaggedSentence* sentence : wanted) {
    answers.emplace_back();
    for (const std::string& token : sentence->tokens)
      answers.back().tags.push_back(parts_.tags.names[static_cast<size_t>(parts_.baseline.tag(token))]);
    if (parts_.intents.size() > 0) answers.back().intents = parts_.intents.shares();
  }
  train::Baseline baseline{
      fmt::format("the most frequent tag of each word, {} for unknown words", parts_.tags.most_frequent_name()),
      score(answers, wanted)};
  if (parts_.intents.size() > 0)
    baseline.name += fmt::format("; the most frequent intent, {}", parts_.intents.most_frequent_name());
  return baseline;
}

/// How well words go that training did not have, and tags that no answer can be.
void TagModel::note_strangers(const std::vector<TagAnswer>& answers,
                              const std::vector<const data::TaggedSentence*>& wanted, EvalReport& report) const {
  int64_t unknown = 0, right = 0, tokens = 0, with_stranger = 0;
  std::set<std::string> strangers;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const data::TaggedSentence& sentence = *wanted[i];
    for (size_t k = 0; k < sentence.tokens.size(); ++k) {
      ++tokens;
      if (parts_.tags.find(sentence.tags[k]) < 0) {
        ++with_stranger;
        strangers.insert(data::clip_quoted(sentence.tags[k]));
      }
      if (parts_.words.contains(word_form(sentence.tokens[k]))) continue;
      ++unknown;
      right += answers[i].tags[k] == sentence.tags[k];
    }
  }
  if (unknown > 0)
    report.notes.push_back(
        fmt::format("{} of {} words stood in no training sentence; {:.2f} % of them got the right tag", unknown, tokens,
                    100 * static_cast<double>(right) / static_cast<double>(unknown)));
  if (strangers.empty()) return;
  constexpr size_t kShown = 3;
  std::vector<std::string> some(strangers.begin(), strangers.end());
  some.resize(std::min(some.size(), kShown));
  report.notes.push_back(fmt::format("{} of {} words have a tag that training did not have ({}) and count as wrong",
                                     with_stranger, tokens, fmt::join(some, ", ")));
}

std::optional<std::vector<std::string>> TagModel::inputs_of(const std::string& file) {
  const bool tagged = data::named(file, ".conllu") || data::named(file, ".conll");
  if (!tagged && !std::filesystem::is_directory(file)) return std::nullopt;
  data::TagFormat format = parts_.options.format;
  format.format = "auto";
  const data::ReadOptions options = parts_.options.read_options();
  std::vector<std::string> inputs;
  for (const data::TaggedSentence& sentence :
       data::read_tags({file}, data::plan_tags({file}, format, options, parts_.options.format.format), options)
           .sentences)
    inputs.push_back(fmt::format("{}", fmt::join(sentence.tokens, " ")));
  return inputs;
}

EvalReport TagModel::evaluate(const std::vector<std::string>& files, const PredictOptions& search) {
  refuse_steering(search);
  const data::ReadOptions options = parts_.options.read_options();
  data::TagFormat format = parts_.options.format;
  format.format = "auto";  // a file of another format may be scored too
  const data::TagData data =
      data::read_tags(files, data::plan_tags(files, format, options, parts_.options.format.format), options);
  if (data.sentences.empty())
    throw DataError(files.front(), 0, 0, "[eval] at least one tagged sentence is needed; got none. Check the file.");
  std::vector<std::vector<std::string>> sentences;
  for (const data::TaggedSentence& sentence : data.sentences) sentences.push_back(sentence.tokens);
  const std::vector<const data::TaggedSentence*> wanted = pointers(data);
  const std::vector<TagAnswer> given = answers(encode(sentences), false);
  EvalReport report;
  report.task = task();
  report.examples = static_cast<int64_t>(data.sentences.size());
  report.metrics = score(given, wanted);
  report.set(baseline(wanted));
  const char* const deciding = parts_.scheme == data::TagScheme::none ? "accuracy" : "span_f1";
  if (report.metrics.at(deciding) <= report.baseline.at(deciding))
    report.notes.emplace_back(
        "the model is not better than the baseline: train longer, or on more sentences; or words say all there is to "
        "say");
  note_strangers(given, wanted, report);
  return report;
}

Prediction TagModel::prediction(const TagAnswer& answer, std::vector<std::string> tokens) const {
  Prediction p;
  Tagging tagging;
  std::string text = fmt::format("{}", fmt::join(answer.tags, " "));
  if (!answer.intents.empty()) {
    tagging.intent = parts_.intents.names[static_cast<size_t>(answer.intent())];
    text = tagging.intent + "\t" + text;
    for (size_t k = 0; k < answer.intents.size(); ++k) p.probabilities[parts_.intents.names[k]] = answer.intents[k];
  }
  tagging.tokens = std::move(tokens);
  tagging.tags = answer.tags;
  tagging.probabilities = answer.probabilities;
  if (parts_.scheme != data::TagScheme::none)
    for (const data::Span& span : data::spans_of(answer.tags))
      tagging.spans.push_back({std::string(span.type), span.begin, span.end});
  p.tagging = std::move(tagging);
  p.hypotheses.push_back({text, std::exp(answer.log_probability), answer.log_probability});
  return p;
}

std::vector<Prediction> TagModel::predict(const std::vector<std::string>& lines, const PredictOptions& options) {
  refuse_steering(options);
  std::vector<Prediction> predictions(lines.size());
  std::vector<std::vector<std::string>> sentences;
  std::vector<size_t> places;
  for (size_t i = 0; i < lines.size(); ++i) {
    data::check_text(lines[i], "(input)", static_cast<int64_t>(i) + 1);
    const auto words = data::split_words(lines[i]);
    if (words.empty()) {  // nothing to tag: an empty line for an empty line
      predictions[i].tagging.emplace();
      predictions[i].hypotheses.push_back({"", 1, 0});
    } else {
      sentences.emplace_back(words.begin(), words.end());
      places.push_back(i);
    }
  }
  const std::vector<TagAnswer> given = answers(encode(sentences), true);
  for (size_t k = 0; k < given.size(); ++k) {
    Prediction& p = predictions[places[k]];
    p = prediction(given[k], std::move(sentences[k]));
    std::set<std::string_view> noted;
    for (const std::string& token : p.tagging->tokens)
      if (!parts_.words.contains(word_form(token)) && noted.insert(token).second)
        p.notes.push_back("unknown word: " + token);
  }
  for (size_t i = 0; i < lines.size(); ++i) predictions[i].input = lines[i];
  return predictions;
}

AttentionMap TagModel::inspect(const std::string&, const PredictOptions&) {
  throw UnsupportedError(
      "[inspect] attention is shown by models that have it; got a tagger, which reads its words in order. Look at its "
      "gates with --gates.");
}

GateTrace TagModel::gates(const std::string& line, const PredictOptions& options) {
  refuse_steering(options);
  data::check_text(line, "(input)", 1);
  const auto words = data::split_words(line);
  if (words.empty())
    throw ConfigError("[inspect] the input must hold at least one word; got an empty line. Give a sentence.");
  const std::vector<std::string> tokens(words.begin(), words.end());
  const EncodedSentences encoded = encode({tokens});
  inspect::CellRecording recording;
  nn::Context ctx;
  ctx.recorder = &recording;
  network_->forward(ctx, encoded.input({{0, 0, static_cast<int64_t>(tokens.size())}}));
  GateTrace trace;
  trace.input = line;
  trace.output = fmt::format("{}", fmt::join(answers(encoded, false).front().tags, " "));
  for (const inspect::RecordedRows& r : recording.all()) {
    if (r.name.starts_with("characters.")) continue;  // of all different words at once, a row for each letter
    trace.series.push_back(
        {r.layer(), r.quantity(), tokens, r.width, r.values, inspect::saturated_share(r, network_->stack().cell())});
  }
  return trace;
}

std::vector<std::pair<std::string, std::string>> TagModel::describe() {
  const TagOptions& o = parts_.options;
  const std::string spelled = o.model.character_hidden_size > 0
                                  ? fmt::format("{} of them, embeddings of {}, {} units in each direction",
                                                parts_.characters.size() - data::Vocabulary::kMarkers,
                                                o.model.character_embedding_size, o.model.character_hidden_size)
                                  : "not looked at";
  std::vector<std::pair<std::string, std::string>> rows = {
      {"tags", fmt::format("{}: {}", parts_.tags.size(), parts_.tags.list(kTagsListed))},
      {"spans", parts_.scheme == data::TagScheme::none ? "none" : name_of(parts_.scheme)}};
  if (parts_.intents.size() > 0)
    rows.emplace_back("intents", fmt::format("{}: {}", parts_.intents.size(), parts_.intents.list(kTagsListed)));
  const std::vector<std::pair<std::string, std::string>> more = {
      {"columns", o.format.columns},
      {"words", fmt::format("{} of them, embeddings of {}", parts_.words.size() - data::Vocabulary::kMarkers,
                            o.model.embedding_size)},
      {"characters", spelled},
      {"network", network_text(o.model.stack)},
      {"output", network_->has_crf() ? "conditional random field" : "softmax"},
      {"dropout", fmt::format("{} on embeddings and before the output; a word seen once is read as unknown with "
                              "probability {:.2g}",
                              o.model.stack.dropout, o.word_dropout / (o.word_dropout + 1))},
      {"training words", std::to_string(parts_.tags.total())}};
  rows.insert(rows.end(), more.begin(), more.end());
  add_stack_rows(rows, o.model.stack);
  add_lines(rows, "cell", network_->stack().cell().equations());
  return rows;
}

}  // namespace carousel::tasks
