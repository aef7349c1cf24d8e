#include "carousel/tasks/transcribe_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/batcher.h"
#include "carousel/data/json_object.h"
#include "carousel/data/unicode.h"
#include "carousel/inspect/gradient_flow.h"
#include "carousel/inspect/recording.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/frame_reading.h"
#include "carousel/tasks/language_scorer.h"
#include "carousel/tasks/metadata.h"
#include "carousel/train/metrics.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kTranscribedAtOnce = 32;  ///< sequences read together
constexpr const char* kFramesKey = "transduce.frames";
constexpr const char* kTokenizerKey = "transduce.target_tokenizer";

using Tokens = std::vector<std::string>;

Tokens words_of(std::string_view text) {
  const auto views = data::split_words(text);
  return {views.begin(), views.end()};
}

/// Runs of white space count as one space.
Tokens characters_of(std::string_view text) {
  const std::string joined = fmt::format("{}", fmt::join(data::split_words(text), " "));
  const auto views = data::code_points(joined);
  return {views.begin(), views.end()};
}

}  // namespace

TranscribeModel::TranscribeModel(TranscribeParts parts, uint64_t seed) : parts_(std::move(parts)) {
  network_ = std::make_unique<TranscribeNetwork>(parts_.config, parts_.scaling.width(),
                                                 parts_.target->vocabulary().size(), seed);
}

std::map<std::string, std::string> TranscribeModel::metadata() const {
  const nlohmann::ordered_json json = {{"mean", parts_.scaling.mean},
                                       {"deviation", parts_.scaling.deviation},
                                       {"usual", parts_.usual},
                                       {"usual_count", parts_.usual_count},
                                       {"train_examples", parts_.train_examples}};
  return {{kTokenizerKey, parts_.target->to_json()}, {kFramesKey, json.dump()}};
}

bool transcribes(const std::map<std::string, std::string>& metadata) {
  return metadata.contains(kFramesKey);
}

TranscribeParts load_transcribe_parts(const TransduceConfig& config, const std::map<std::string, std::string>& metadata,
                                      const std::string& file) {
  TranscribeParts parts;
  parts.config = config;
  parts.target = data::Tokenizer::from_json(metadata_entry(metadata, kTokenizerKey, file, "transduce model"), file);
  const data::JsonObject json(metadata_entry(metadata, kFramesKey, file, "transduce model"), file, kFramesKey);
  parts.scaling = load_scaling(json, config.frames);
  parts.usual = json.text("usual");
  parts.train_examples = json.integer("train_examples", 1, int64_t{1} << 48);
  parts.usual_count = json.integer("usual_count", 1, parts.train_examples);
  if (config.decoder == "auto") json.fail("the options must be decided", "decoder = auto");
  if (config.model.copy != "off")
    json.fail("frames hold no symbols that could be copied", "copy = " + config.model.copy);
  return parts;
}

data::FrameSet TranscribeModel::read(const std::vector<std::string>& files, bool labelled,
                                     std::vector<std::string>& notes) const {
  const FrameOptions& frames = parts_.config.frames;
  const data::FramePlan plan =
      labelled ? data::plan_frames(files, frames.format) : plan_unlabelled(files, frames.format);
  if (labelled) require_texts(files.front(), plan);
  return read_like_training(files, plan, frames, parts_.scaling, parts_.config.data.read_options(), task(), notes);
}

decode::Results TranscribeModel::search(const std::vector<const data::FrameExample*>& scaled,
                                        const decode::SearchConfig& config) {
  decode::Results results(scaled.size());
  std::vector<int64_t> lengths;
  for (const data::FrameExample* e : scaled) lengths.push_back(e->length);
  for (const std::vector<int64_t>& places : data::batches_by_length(lengths, kTranscribedAtOnce)) {
    std::vector<std::span<const float>> batch;
    for (const int64_t i : places) batch.emplace_back(scaled[static_cast<size_t>(i)]->values);
    decode::Results part = network_->search(nn::FrameBatch::of(batch, parts_.scaling.width()), config);
    for (size_t k = 0; k < places.size(); ++k) results[static_cast<size_t>(places[k])] = std::move(part[k]);
  }
  return results;
}

decode::Results TranscribeModel::answers_to(data::FrameSet& set, const decode::SearchConfig& config) {
  std::vector<const data::FrameExample*> scaled;
  for (data::FrameExample& e : set.examples) {
    parts_.scaling.apply(e);
    scaled.push_back(&e);
  }
  return search(scaled, config);
}

decode::SearchConfig TranscribeModel::search_config(const PredictOptions& options) const {
  if (!network_->ctc()) return with_options(parts_.config.search, options);
  PredictOptions others = options;
  others.language_model = nullptr;
  decode::SearchConfig config = with_options(parts_.config.search, others);
  others.beam_size = 0;
  others.refuse_search("[predict] decoder = ctc searches with a beam alone", "--beam, --nbest and --lm it knows");
  if (!options.language_model) return config;
  std::vector<std::string> symbols;
  for (const int32_t id : network_->written_ids())
    symbols.push_back(id < 0 ? "" : parts_.target->vocabulary().symbol(id));
  config.fusion = {make_language_scorer(*options.language_model, parts_.target->kind(), symbols), options.lm_weight,
                   options.symbol_bonus};
  return config;
}

std::map<std::string, double> TranscribeModel::score(const std::vector<std::string>& wanted,
                                                     const std::vector<std::string>& answers) const {
  train::ErrorRates words, characters;
  for (size_t i = 0; i < wanted.size(); ++i) {
    words.add(words_of(answers[i]), {words_of(wanted[i])});
    characters.add(characters_of(answers[i]), {characters_of(wanted[i])});
  }
  const train::ErrorRates& tokens = counts_characters() ? characters : words;
  return {{"sequence_error_rate", tokens.sequence_error_rate()},
          {"token_error_rate", tokens.token_error_rate()},
          {"word_error_rate", words.token_error_rate()},
          {"character_error_rate", characters.token_error_rate()}};
}

train::Baseline TranscribeModel::baseline(const std::vector<std::string>& wanted) const {
  return {fmt::format("always the most frequent training text, {}", data::clip_quoted(parts_.usual)),
          score(wanted, std::vector<std::string>(wanted.size(), parts_.usual))};
}

EvalReport TranscribeModel::evaluate(const std::vector<std::string>& files, const PredictOptions& options) {
  const decode::SearchConfig config = search_config(options);
  EvalReport report;
  report.task = task();
  data::FrameSet set = read(files, true, report.notes);
  std::vector<std::string> wanted, answers;
  int64_t unknown = 0, short_of_room = 0;
  for (const data::FrameExample& e : set.examples) {
    wanted.push_back(e.target);
    unknown += !parts_.target->unknown_symbols(e.target).empty();
  }
  const decode::Results results = answers_to(set, config);
  for (size_t i = 0; i < results.size(); ++i) {
    answers.push_back(results[i].empty() ? "" : text_of(results[i].front()));
    short_of_room += network_->steps_needed(parts_.target->encode(wanted[i])) > set.examples[i].length;
  }
  report.examples = static_cast<int64_t>(set.examples.size());
  report.metrics = score(wanted, answers);
  report.set(baseline(wanted));
  report.notes.push_back(
      fmt::format("tokens are {}", counts_characters() ? "characters, spaces among them" : "words between spaces"));
  if (report.metrics.at("token_error_rate") >= report.baseline.at("token_error_rate"))
    report.notes.emplace_back(
        "the model is not better than the baseline: train longer, or check that recordings and texts belong together");
  if (unknown > 0)
    report.notes.push_back(
        fmt::format("{} of {} texts hold symbols that the training data did not have, and that the model cannot write",
                    unknown, report.examples));
  if (short_of_room > 0)
    report.notes.push_back(fmt::format("{} of {} sequences have fewer steps than their texts need and count as wrong",
                                       short_of_room, report.examples));
  return report;
}

std::vector<Prediction> TranscribeModel::predict(const std::vector<std::string>& lines, const PredictOptions& options) {
  const decode::SearchConfig config = search_config(options);
  std::vector<Prediction> predictions(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    Prediction& p = predictions[i];
    p.input = lines[i];
    try {
      data::FrameSet set = read({lines[i]}, false, p.notes);
      if (set.examples.size() != 1)
        throw DataError(lines[i], 0, 0,
                        fmt::format("[predict] each line names a file of one sequence; got {}. Give the file itself: "
                                    "carousel predict MODEL FILE.",
                                    set.examples.size()));
      const decode::Results results = answers_to(set, config);
      for (const decode::Hypothesis& h : results.front()) {
        p.hypotheses.push_back({text_of(h), std::exp(h.log_prob), h.log_prob});
        if (!h.ended) p.notes.emplace_back("an output was cut off at the maximum length");
      }
    } catch (const DataError& e) {
      p.error = e.what();
    }
  }
  return predictions;
}

FileAnswer TranscribeModel::predict_file(const std::string& file, const PredictOptions& options) {
  const decode::SearchConfig config = search_config(options);
  FileAnswer answer;
  answer.columns = {"input", "text", "probability"};
  data::FrameSet set = read({file}, false, answer.notes);
  const decode::Results results = answers_to(set, config);
  for (size_t i = 0; i < results.size(); ++i)
    for (const decode::Hypothesis& h : results[i])
      answer.rows.push_back({set.examples[i].name, text_of(h), std::exp(h.log_prob)});
  return answer;
}

/// One answer with the sequence that it is for.
struct TranscribeModel::Look {
  std::string input;
  decode::Hypothesis best;
  std::vector<std::string> steps, symbols;  ///< "1", "2", ...; those of the answer
  std::vector<float> places;
};

TranscribeModel::Look TranscribeModel::look_at(const std::string& file, const PredictOptions& options,
                                               nn::Recorder* recorder) {
  std::vector<std::string> notes;
  data::FrameSet set = read({file}, false, notes);
  data::FrameExample& first = set.examples.front();
  parts_.scaling.apply(first);
  Look look;
  look.input = first.name;
  for (int64_t t = 1; t <= first.length; ++t) look.steps.push_back(std::to_string(t));
  look.best = search({&first}, search_config(options)).front().front();
  look.symbols = parts_.target->symbols(look.best.tokens);
  look.places =
      network_->places(nn::FrameBatch::of({first.values}, parts_.scaling.width()), look.best.tokens, recorder);
  return look;
}

std::vector<std::string> TranscribeModel::views() const {
  if (!network_->ctc() && parts_.config.model.attention == "none") return {"gates"};
  return {"attention", "gates"};
}

AttentionMap TranscribeModel::inspect(const std::string& file, const PredictOptions& options) {
  if (views().front() != "attention") refuse_map_without_attention();
  Look look = look_at(file, options, nullptr);
  AttentionMap map;
  map.input = look.input;
  map.output = text_of(look.best);
  map.probability = std::exp(look.best.log_prob);
  map.source = std::move(look.steps);
  map.target = std::move(look.symbols);
  map.target.emplace_back(network_->ctc() ? "(none)" : "</s>");
  map.weights = std::move(look.places);
  return map;
}

GateTrace TranscribeModel::gates(const std::string& file, const PredictOptions& options) {
  inspect::CellRecording recording;
  Look look = look_at(file, options, &recording);
  look.symbols.emplace_back("</s>");
  GateTrace trace;
  trace.input = look.input;
  trace.output = text_of(look.best);
  for (const inspect::RecordedRows& r : recording.all())
    trace.series.push_back({r.layer(), r.quantity(), r.layer() == "decoder" ? look.symbols : look.steps, r.width,
                            r.values, inspect::saturated_share(r, network_->stack().cell())});
  return trace;
}

std::vector<std::pair<std::string, std::string>> TranscribeModel::describe() {
  const TransduceConfig& c = parts_.config;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"frames", frames_text(c.frames, parts_.scaling.columns())},
      {"scaling", c.frames.scaling},
      {"frames in a step", std::to_string(c.frames.stack_frames)},
      {"target", fmt::format("{}, {} symbols", parts_.target->kind(),
                             parts_.target->vocabulary().size() - data::Vocabulary::kMarkers)},
      {"encoder", network_text(c.model.stack)},
      {"decoder", network_->ctc() ? "ctc: a symbol or none at each step" : decoder_text(c)},
      {"projection", std::to_string(c.model.embedding_size)},
      {"dropout", fmt::format("{} on projected frames and before the output", c.model.stack.dropout)},
      {"training sequences", std::to_string(parts_.train_examples)},
      {"beam", std::to_string(c.search.beam_size)}};
  add_stack_rows(rows, c.model.stack);
  add_lines(rows, "cell", network_->stack().cell().equations());
  add_parameter_rows(rows, c.model.stack, c.model.embedding_size);
  return rows;
}

}  // namespace carousel::tasks
