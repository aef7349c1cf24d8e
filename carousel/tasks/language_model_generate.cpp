// How a language model writes a text on, and what it thinks of one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/decode/sampling.h"
#include "carousel/kernels/table.h"
#include "carousel/tasks/language_model_model.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kLongestAnswer = 400;  ///< symbols of a continued line
/// Begin and unknown markers are no text.
constexpr int32_t kBarred[] = {data::Vocabulary::kBos, data::Vocabulary::kUnk};

/// Reads symbols and gives the logits of what follows.
class Reader {
 public:
  explicit Reader(LanguageModelTask& model) : network_(model.network()) {
    if (!network_.is_window()) stream_.emplace(model.streaming().model);
  }

  /// `symbols`: at least one. Valid until the next call.
  std::span<const float> read(std::span<const int32_t> symbols) {
    if (stream_) {
      for (size_t i = 0; i + 1 < symbols.size(); ++i) stream_->read(symbols[i]);
      return stream_->step(symbols.back());
    }
    nn::Context ctx;
    logits_ = network_.forward(ctx, {symbols.begin(), symbols.end()}, 1, window_).value();
    return logits_.span<float>().last(static_cast<size_t>(network_.vocab_size()));
  }

 private:
  nn::LanguageModel& network_;
  std::optional<nn::Stream> stream_;
  nn::LanguageState window_;
  Tensor logits_;
};

/// Ids of a text of several lines: a line end stands between them, none after the last.
std::vector<int32_t> encode_lines(const data::Tokenizer& tokenizer, const std::string& text,
                                  std::vector<std::string>* notes) {
  std::vector<int32_t> ids;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    const std::vector<int32_t> symbols = tokenizer.encode(line);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
    if (end < text.size()) ids.push_back(data::Vocabulary::kEos);
    for (const std::string& symbol : tokenizer.unknown_symbols(line))
      notes->push_back(fmt::format("unknown symbol: {}", symbol));
    begin = end + 1;
  }
  return ids;
}

/// The text of symbols, as it grows.
class GrowingText {
 public:
  explicit GrowingText(const data::Tokenizer& tokenizer)
      : tokenizer_(tokenizer), composes_(tokenizer.form().normal_form == data::NormalForm::nfd) {}

  /// What the symbol adds to the text. Where forms are composed a combining mark may still join what stands there, so
  /// a line comes when it ends; a character of which a part is missing waits for it.
  std::string add(int32_t symbol) {
    if (symbol == data::Vocabulary::kEos) {
      std::string piece = rest() + "\n";
      line_.clear();
      given_ = 0;
      return piece;
    }
    line_.push_back(symbol);
    return composes_ ? "" : rest(tokenizer_.splits_characters());
  }
  /// What is left of a line without an end; `unfinished`: but for what may still become a character.
  std::string rest(bool unfinished = false) {
    constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
    std::string text = tokenizer_.decode(line_);
    while (unfinished && text.ends_with(kReplacement)) text.resize(text.size() - kReplacement.size());
    const size_t from = std::min(given_, text.size());
    given_ = text.size();
    return text.substr(from);
  }

 private:
  const data::Tokenizer& tokenizer_;
  bool composes_;
  std::vector<int32_t> line_;  ///< the last line; a word's text needs those before it
  size_t given_ = 0;           ///< bytes of its text
};

/// Hands a text on as it grows, up to the first of the stop texts.
class StoppedText {
 public:
  StoppedText(const std::vector<std::string>& stop, const TextSink& sink) : stop_(stop), sink_(sink) {
    for (const std::string& s : stop_) hold_ = std::max(hold_, s.size() - 1);
  }

  /// Returns false when the sink wants no more.
  bool add(const std::string& piece) {
    held_ += piece;
    size_t end = std::string::npos;
    for (const std::string& s : stop_) end = std::min(end, held_.find(s));
    stopped_ = end != std::string::npos;
    if (stopped_) return hand(end);
    if (held_.size() <= hold_) return true;
    end = held_.size() - hold_;  // a stop text may have begun there
    while (end > 0 && end < held_.size() && (static_cast<unsigned char>(held_[end]) & 0xC0) == 0x80) --end;
    return hand(end);
  }
  /// Hands on all that is held: no stop text can come any more.
  void finish() { hand(held_.size()); }
  bool stopped() const { return stopped_; }
  const std::string& written() const { return written_; }

 private:
  bool hand(size_t end) {
    if (end == 0) return true;
    const std::string piece = held_.substr(0, end);
    held_.erase(0, end);
    written_ += piece;
    return sink_(piece);
  }

  const std::vector<std::string>& stop_;
  const TextSink& sink_;
  size_t hold_ = 0;  ///< bytes at the end that are kept back
  std::string held_;
  bool stopped_ = false;
  std::string written_;
};

}  // namespace

Generation LanguageModelTask::generate(const std::string& prompt, const GenerateOptions& options,
                                       const TextSink& sink) {
  if (std::any_of(options.stop.begin(), options.stop.end(), [](const std::string& s) { return s.empty(); }))
    throw ConfigError("[generate] a stop text must hold something; got an empty one. Leave it out.");
  data::check_text(prompt, "(prompt)", 1);
  const data::Tokenizer& tokenizer = *parts_.tokenizer;
  Generation generation;
  std::vector<int32_t> ids = encode_lines(tokenizer, prompt, &generation.notes);
  GrowingText growing(tokenizer);
  for (const int32_t id : ids) generation.prompt += growing.add(id);
  generation.prompt += growing.rest();
  ids.insert(ids.begin(), kTextBegin);

  decode::Sampler sampler(options.sampling, options.seed);
  Reader reader(*this);
  StoppedText text(options.stop, sink);
  std::span<const int32_t> unread = ids;
  bool go_on = true;
  while (go_on && !text.stopped() && generation.symbols < options.max_tokens) {
    const decode::Draw draw = sampler.draw(reader.read(unread), std::span<const int32_t>(ids).subspan(1), kBarred);
    ids.push_back(draw.symbol);
    unread = std::span<const int32_t>(ids).last(1);
    generation.log_probability += draw.log_probability;
    ++generation.symbols;
    go_on = text.add(growing.add(draw.symbol));
  }
  if (go_on && !text.stopped()) go_on = text.add(growing.rest());
  if (go_on && !text.stopped()) text.finish();
  generation.finish = text.stopped() ? "stop" : go_on ? "length" : "interrupted";
  generation.text = text.written();
  return generation;
}

Prediction LanguageModelTask::continue_line(const std::string& line) {
  Prediction p;
  p.input = line;
  GenerateOptions greedy;
  greedy.sampling.temperature = 0;
  greedy.max_tokens = kLongestAnswer;
  greedy.stop = {"\n"};
  Generation written = generate(line, greedy, [](std::string_view) { return true; });
  p.notes = std::move(written.notes);
  if (written.finish == "length") p.notes.emplace_back("an output was cut off at the maximum length");
  p.hypotheses.push_back({written.prompt + written.text, std::exp(written.log_probability), written.log_probability});
  return p;
}

std::vector<Prediction> LanguageModelTask::predict(const std::vector<std::string>& lines,
                                                   const PredictOptions& options) {
  options.refuse_search("[predict] a language model writes a line on without a search",
                        "carousel generate knows other ways to choose");
  std::vector<Prediction> predictions;
  for (size_t i = 0; i < lines.size(); ++i) {
    data::check_text(lines[i], "(input)", static_cast<int64_t>(i) + 1);
    predictions.push_back(continue_line(lines[i]));
  }
  return predictions;
}

std::vector<LineScore> LanguageModelTask::score_lines(const std::vector<std::string>& lines) {
  std::vector<LineScore> scores;
  std::vector<float> log_probs(static_cast<size_t>(network_->vocab_size()));
  for (size_t i = 0; i < lines.size(); ++i) {
    data::check_text(lines[i], "(input)", static_cast<int64_t>(i) + 1);
    LineScore score;
    score.input = lines[i];
    std::vector<int32_t> ids = encode_lines(*parts_.tokenizer, lines[i], &score.notes);
    ids.push_back(data::Vocabulary::kEos);
    const std::vector<std::string> texts = parts_.tokenizer->symbols(ids);
    Reader reader(*this);
    int32_t before = kTextBegin;
    for (size_t t = 0; t < ids.size(); ++t) {
      kernels::table<float>().log_softmax(network_->vocab_size(), reader.read({&before, 1}).data(), log_probs.data());
      score.symbols.push_back({texts[t], static_cast<double>(log_probs[static_cast<size_t>(ids[t])])});
      before = ids[t];
    }
    scores.push_back(std::move(score));
  }
  return scores;
}

}  // namespace carousel::tasks
