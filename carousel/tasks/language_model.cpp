#include "carousel/tasks/language_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/registry.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"
#include "carousel/tasks/language_model_model.h"
#include "carousel/tasks/language_model_objective.h"

namespace carousel::tasks {

namespace {

constexpr double kOccurrencesOfAWord = 40;
constexpr int64_t kMostWords = 50000;   ///< more cost more memory and time at the output than they tell
constexpr int64_t kMostUnits = 500000;  ///< different words or pieces of them counted at a time, about 100 MB

class LanguageModelKind final : public Task {
 public:
  std::string name() const override { return "lm"; }
  std::string summary() const override { return "language model: the next character or word of running text"; }

  std::string recognises(const std::vector<std::string>& files) override {
    const data::Detection found = data::detect_format(files, options_.read_options());
    if (found.format->name != "text") return "";
    // No other task has known its columns, and hardly anybody wants its commas learnt.
    for (const char* ending : {".csv", ".tsv", ".jsonl", ".ndjson"})
      if (data::named(files.front(), ending))
        throw DataError(
            files.front(), 0, 0,
            "[task] what the columns of a table hold must be clear; got names and values that do not tell. "
            "Say it with --columns (text,label or source,target or time,value, with _ for each to skip), or "
            "name the task with --task: lm reads a file as running text.");
    return found.reason;
  }

  void options(OptionTable& table) override { options_.options(table); }

  TrainingJob build(const TaskInput& input, const Say& say) override {
    options_.model.check();
    const data::TextFiles text(input.data, options_.read_options());
    const int64_t all = text.lines(), train_lines = input.dev.empty() ? all - dev_lines(all) : all;
    if (train_lines == 0 || (input.dev.empty() && train_lines == all))
      throw DataError(text.file(), 0, 0,
                      "[data] a text must have two lines at least, one of them for evaluation; got one. Break it into "
                      "lines, or give another file with --dev.");
    LanguageModelParts parts;
    parts.tokenizer = make_tokenizer(text, train_lines, say);
    TextSets sets;
    sets.file = text.file();
    sets.train = data::make_stream(*parts.tokenizer, text, 0, train_lines);
    if (sets.train.unknown > 0)
      say(fmt::format("text: {} of {} symbols are too rare for the vocabulary and count as one unknown symbol",
                      sets.train.unknown, sets.train.size()));
    if (input.dev.empty()) {
      sets.dev = data::make_stream(*parts.tokenizer, text, train_lines, all);
      say(fmt::format("dev: the last {} of {}", counted(all - train_lines, "line"), all));
    } else {
      const data::TextFiles dev(input.dev, options_.read_options());
      sets.dev = data::make_stream(*parts.tokenizer, dev);
      say(fmt::format("dev: {} of {}", counted(dev.lines(), "line"), input.dev.front()));
    }
    if (sets.dev.unknown > 0)
      say(fmt::format("dev: {} of {} symbols never occur in training and count as one unknown symbol", sets.dev.unknown,
                      sets.dev.size()));
    parts.counts = sets.train.counts;
    decide(options_, {sets.train.size(), parts.tokenizer->kind() == "characters"});
    parts.options = options_;
    auto model = std::make_unique<LanguageModelTask>(std::move(parts), static_cast<uint64_t>(options_.trainer.seed));
    say_plan(*model, sets, say);
    TrainingJob job;
    job.trainer = options_.trainer;
    job.train_examples = train_lines;
    job.dev_examples = sets.dev.lines;
    job.objective = make_language_model_objective(*model, std::move(sets));
    job.model = std::move(model);
    return job;
  }

  std::unique_ptr<TaskModel> load(const std::map<std::string, std::string>& metadata,
                                  const std::string& file) override {
    return std::make_unique<LanguageModelTask>(load_parts(options_, metadata, file), 0);
  }

 private:
  int64_t dev_lines(int64_t all) const {
    const double share = options_.dev_share > 0 ? options_.dev_share : all > 100000 ? 0.05 : 0.1;
    return std::clamp<int64_t>(static_cast<int64_t>(static_cast<double>(all) * share), 1,
                               std::max<int64_t>(all - 1, 1));
  }

  /// Words when the text shows each often enough to learn what it does, and they are not too many.
  void choose_tokens(const data::SymbolCounts& words, const Say& say) {
    const double times = static_cast<double>(words.total()) / static_cast<double>(std::max<int64_t>(words.size(), 1));
    const bool many = words.size() > kMostWords;
    options_.tokens = times < kOccurrencesOfAWord ? "characters" : many ? "bpe" : "words";
    say(fmt::format("text: {}, because its {} words are {}{} different ones, {:.1f} times each on average",
                    options_.tokens, words.total(), words.missed() > 0 ? "more than " : "", words.size(), times));
  }

  std::unique_ptr<data::Tokenizer> make_tokenizer(const data::TextFiles& text, int64_t train_lines, const Say& say) {
    const bool asked = options_.tokens != "auto";
    if (!asked || (data::learns_subwords(options_.tokens) && options_.bpe_merges == 0)) {
      data::SymbolCounts words(kMostUnits);
      text.each_line(0, train_lines, [&](std::string_view line, int64_t) {
        for (const std::string_view word : data::split_words(line)) words.add(word);
      });
      if (!asked) choose_tokens(words, say);
      if (data::learns_subwords(options_.tokens) && options_.bpe_merges == 0)
        options_.bpe_merges = std::clamp<int64_t>(words.total() / 50, 200, 16000);
    }
    if (asked) say(fmt::format("text: {}, as asked for", options_.tokens));
    const bool is_words = options_.tokens == "words";
    if (options_.vocab_size == 0 && is_words) options_.vocab_size = kMostWords;
    data::TokenizerLearner learner({options_.tokens, {}, options_.min_count, options_.bpe_merges, options_.vocab_size},
                                   kMostUnits);
    text.each_line(0, train_lines, [&](std::string_view line, int64_t) { learner.add(line); });
    if (learner.units().missed() > 0)
      say(
          fmt::format("text: more than {} different {}, so the rarest were forgotten while counting: what is counted "
                      "may be up to {} too low",
                      kMostUnits, is_words ? "words" : "pieces of words", learner.units().missed()));
    return learner.finish();
  }

  static void say_plan(LanguageModelTask& model, const TextSets& sets, const Say& say) {
    const LanguageModelOptions& o = model.parts().options;
    const nn::LanguageModelConfig& m = o.model;
    const std::string widths = fmt::format("{}", fmt::join(m.stack.widths(), ", "));
    say(model.network().is_window()
            ? fmt::format("model: tanh layers of {} units over the last {} symbols, embeddings of {}", widths, m.window,
                          m.embedding_size)
            : fmt::format("model: {}, layers of {} units, embeddings of {}", m.stack.cell.cell, widths,
                          m.embedding_size));
    if (model.network().has_projection())
      say(
          fmt::format("model: a projection to {} stands before the output, because the tied embedding is narrower or "
                      "wider than the last layer",
                      m.embedding_size));
    say(fmt::format("training: {} symbols in {} streams, {} steps at a time", sets.train.size(), o.batch_size, o.bptt));
  }

  LanguageModelOptions options_;
};

}  // namespace

std::unique_ptr<Task> make_language_model() {
  return std::make_unique<LanguageModelKind>();
}

}  // namespace carousel::tasks
