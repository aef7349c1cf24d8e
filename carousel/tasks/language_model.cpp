#include "carousel/tasks/language_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/registry.h"
#include "carousel/data/unicode.h"
#include "carousel/tasks/language_model_model.h"
#include "carousel/tasks/language_model_objective.h"

namespace carousel::tasks {

namespace {

constexpr double kOccurrencesOfAWord = 40;

class LanguageModelKind final : public Task {
 public:
  std::string name() const override { return "lm"; }
  std::string summary() const override { return "language model: the next character or word of running text"; }

  std::string recognises(const std::vector<std::string>& files) override {
    const data::Detection found = data::detect_format(files, options_.read_options());
    return found.format->name == "text" ? found.reason : "";
  }

  void options(OptionTable& table) override { options_.options(table); }

  TrainingJob build(const TaskInput& input, const Say& say) override {
    options_.model.check();
    const data::TextData text = data::read_text(input.data, options_.read_options());
    const size_t all = text.lines.size(), train_lines = input.dev.empty() ? all - dev_lines(all) : all;
    if (train_lines == 0 || (input.dev.empty() && train_lines == all))
      throw DataError(text.file, 0, 0,
                      "[data] a text must have two lines at least, one of them for evaluation; got one. Break it into "
                      "lines, or give another file with --dev.");
    LanguageModelParts parts;
    parts.tokenizer = make_tokenizer(text, train_lines, say);
    TextSets sets;
    sets.file = text.file;
    sets.train = data::make_stream(*parts.tokenizer, text, 0, train_lines);
    if (input.dev.empty()) {
      sets.dev = data::make_stream(*parts.tokenizer, text, train_lines, all);
      say(fmt::format("dev: the last {} of {}", counted(static_cast<int64_t>(all - train_lines), "line"), all));
    } else {
      const data::TextData dev = data::read_text(input.dev, options_.read_options());
      sets.dev = data::make_stream(*parts.tokenizer, dev, 0, dev.lines.size());
      say(fmt::format("dev: {} of {}", counted(static_cast<int64_t>(dev.lines.size()), "line"), input.dev.front()));
    }
    if (sets.dev.unknown > 0)
      say(fmt::format("dev: {} of {} symbols never occur in training and count as one unknown symbol", sets.dev.unknown,
                      sets.dev.size()));
    parts.counts.assign(static_cast<size_t>(parts.tokenizer->vocabulary().size()), 0);
    for (const int32_t id : sets.train.ids) ++parts.counts[static_cast<size_t>(id)];
    decide(options_, {sets.train.size(), parts.tokenizer->kind() == "characters"});
    parts.options = options_;
    auto model = std::make_unique<LanguageModelTask>(std::move(parts), static_cast<uint64_t>(options_.trainer.seed));
    say_plan(*model, sets, say);
    TrainingJob job;
    job.trainer = options_.trainer;
    job.train_examples = static_cast<int64_t>(train_lines);
    job.dev_examples = static_cast<int64_t>(sets.dev.starts.size());
    job.objective = make_language_model_objective(*model, std::move(sets));
    job.model = std::move(model);
    return job;
  }

  std::unique_ptr<TaskModel> load(const std::map<std::string, std::string>& metadata,
                                  const std::string& file) override {
    return std::make_unique<LanguageModelTask>(load_parts(options_, metadata, file), 0);
  }

 private:
  size_t dev_lines(size_t all) const {
    const double share = options_.dev_share > 0 ? options_.dev_share : all > 100000 ? 0.05 : 0.1;
    return std::clamp<size_t>(static_cast<size_t>(static_cast<double>(all) * share), 1, all - 1 > 0 ? all - 1 : 1);
  }

  /// Words when the text shows each often enough to learn what it does.
  std::unique_ptr<data::Tokenizer> make_tokenizer(const data::TextData& text, size_t train_lines, const Say& say) {
    std::unordered_set<std::string_view> distinct;
    int64_t words = 0;
    std::vector<std::string_view> lines;
    for (size_t i = 0; i < train_lines; ++i) {
      lines.emplace_back(text.lines[i].text);
      for (const auto word : data::split_words(lines.back())) {
        ++words;
        distinct.insert(word);
      }
    }
    const double times = static_cast<double>(words) / static_cast<double>(std::max<size_t>(distinct.size(), 1));
    if (options_.tokens == "auto") {
      options_.tokens = times >= kOccurrencesOfAWord ? "words" : "characters";
      say(fmt::format("text: {}, because its {} words are {} different ones, {:.1f} times each on average",
                      options_.tokens, words, distinct.size(), times));
    } else {
      say(fmt::format("text: {}, as asked for", options_.tokens));
    }
    const data::TextForm form;
    if (options_.tokens == "words") return data::make_word_tokenizer(lines, form, options_.min_count);
    if (options_.tokens == "characters") return data::make_character_tokenizer(lines, form, options_.min_count);
    if (options_.bpe_merges == 0) options_.bpe_merges = std::clamp<int64_t>(words / 50, 200, 16000);
    return data::make_bpe_tokenizer(lines, form, options_.min_count, options_.bpe_merges);
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
