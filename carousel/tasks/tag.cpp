#include "carousel/tasks/tag.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/split.h"
#include "carousel/data/unicode.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/tag_config.h"
#include "carousel/tasks/tag_model.h"
#include "carousel/tasks/tag_objective.h"

namespace carousel::tasks {

namespace {

std::vector<int64_t> all_sentences(const data::TagData& data) {
  std::vector<int64_t> indices(data.sentences.size());
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return indices;
}

/// The shortest of the first training sentences, with blanks between its words.
std::string short_sentence(const TagSets& sets) {
  constexpr size_t kLookedAt = 100;
  const data::TaggedSentence* best = nullptr;
  for (size_t k = 0; k < std::min(kLookedAt, sets.train.size()); ++k) {
    const data::TaggedSentence& sentence = sets.train_data.sentences[static_cast<size_t>(sets.train[k])];
    if (sentence.tokens.size() > 2 && (!best || sentence.tokens.size() < best->tokens.size())) best = &sentence;
  }
  if (!best) best = &sets.train_data.sentences[static_cast<size_t>(sets.train.front())];
  std::string text;
  for (const std::string& token : best->tokens) text += (text.empty() ? "" : " ") + token;
  return text;
}

class Tag final : public Task {
 public:
  std::string name() const override { return "tag"; }
  std::string summary() const override {
    return "a tag for each word: parts of speech, names, slots (CoNLL-U, columns, or a folder with seq.in and seq.out)";
  }

  std::string recognises(const std::vector<std::string>& files) override {
    const std::string& columns = options_.format.columns;
    const bool for_tags = columns.find("token") != std::string::npos || columns.find("tag") != std::string::npos;
    if (columns != "auto" && !for_tags) return "";  // roles of another task
    try {
      const data::TagPlan plan = data::plan_tags(files, options_.format, options_.read_options());
      return plan.evident ? plan.reason : "";
    } catch (const DataError&) {
      if (options_.format.format != "auto" || columns != "auto") throw;
      return "";  // it may be for another task; whoever reads it will say what is wrong
    }
  }

  void options(OptionTable& table) override { options_.options(table); }

  TrainingJob build(const TaskInput& input, const Say& say) override {
    TagSets sets = read(input, say);
    TaggerParts parts;
    count(sets, parts);
    parts.scheme = data::detect_scheme(training_tags(sets));
    say_labels(parts, say);
    decide(options_, {parts.tags.total(), parts.scheme});
    const nn::TaggerConfig& model = options_.model;
    say(fmt::format("model: {}, embeddings of {}, {}, {}, dropout {}", network_text(model.stack), model.embedding_size,
                    model.character_hidden_size > 0
                        ? fmt::format("{} units in each direction over characters", model.character_hidden_size)
                        : "no characters",
                    model.crf == "yes" ? "conditional random field" : "softmax", model.stack.dropout));
    warn_of_strangers(sets, parts, say);
    parts.options = options_;
    parts.baseline = WordTags::learn(sets.train_data, sets.train, parts.tags);
    auto tagger = std::make_unique<TagModel>(std::move(parts), static_cast<uint64_t>(options_.trainer.seed));
    TrainingJob job;
    job.trainer = options_.trainer;
    job.train_examples = static_cast<int64_t>(sets.train.size());
    job.dev_examples = static_cast<int64_t>(sets.dev.size());
    job.example = short_sentence(sets);
    job.objective = make_tag_objective(*tagger, std::move(sets));
    job.model = std::move(tagger);
    return job;
  }

  std::unique_ptr<TaskModel> load(const std::map<std::string, std::string>& metadata,
                                  const std::string& file) override {
    return std::make_unique<TagModel>(load_tagger_parts(options_, metadata, file), 0);
  }

 private:
  TagSets read(const TaskInput& input, const Say& say) {
    TagSets sets;
    const data::ReadOptions options = options_.read_options();
    const data::TagPlan plan = data::plan_tags(input.data, options_.format, options);
    say(fmt::format("data: {}", plan.reason));
    sets.train_data = data::read_tags(input.data, plan, options);
    data::require_taggable(sets.train_data);
    options_.format.format = plan.format;
    options_.format.columns = plan.columns_text();
    if (!plan.target.empty()) options_.format.target = plan.target;
    if (input.dev.empty()) {
      data::DataConfig cut;
      cut.dev_share = options_.dev_share;
      const data::Split split =
          data::cut_dev(sets.train_data.pairs(), cut, static_cast<uint64_t>(options_.trainer.seed));
      sets.train = split.train;
      sets.dev = split.dev;
      sets.dev_data = sets.train_data;
      say(fmt::format("dev: {} of {} sentences cut from the data by seed {}, equal sentences on one side",
                      sets.dev.size(), sets.train_data.sentences.size(), options_.trainer.seed));
    } else {
      data::TagFormat format = options_.format;
      format.format = "auto";
      sets.dev_data =
          data::read_tags(input.dev, data::plan_tags(input.dev, format, options, options_.format.format), options);
      require_like(sets.dev_data, sets.train_data, input.dev.front());
      sets.train = all_sentences(sets.train_data);
      sets.dev = all_sentences(sets.dev_data);
      say(fmt::format("dev: {} of {}", counted(static_cast<int64_t>(sets.dev.size()), "sentence"), input.dev.front()));
    }
    return sets;
  }

  static void require_like(const data::TagData& dev, const data::TagData& train, const std::string& file) {
    if (dev.sentences.empty())
      throw DataError(file, 0, 0, "[dev] at least one tagged sentence is needed; got none. Check the file.");
    if (dev.has_intents() != train.has_intents())
      throw DataError(file, 0, 0,
                      fmt::format("[dev] training and dev data must both name intents, or both none; got {}. Give a "
                                  "file named label to both, or to none.",
                                  train.has_intents() ? "them in training only" : "them in dev only"));
  }

  static std::vector<std::vector<std::string>> training_tags(const TagSets& sets) {
    std::vector<std::vector<std::string>> tags;
    for (const int64_t i : sets.train) tags.push_back(sets.train_data.sentences[static_cast<size_t>(i)].tags);
    return tags;
  }

  /// Vocabularies and labels of the training sentences.
  void count(const TagSets& sets, TaggerParts& parts) const {
    constexpr int64_t kLeastCharacter = 2;  // seen once, a character is all that training knows of unknown ones
    data::SymbolCounts words, characters;
    std::map<std::string, int64_t> tags, intents;
    for (const int64_t i : sets.train) {
      const data::TaggedSentence& sentence = sets.train_data.sentences[static_cast<size_t>(i)];
      for (const std::string& token : sentence.tokens) {
        words.add(word_form(token));
        for (const std::string_view letter : spelling(token)) characters.add(letter);
      }
      for (const std::string& tag : sentence.tags) ++tags[tag];
      if (!sentence.intent.empty()) ++intents[sentence.intent];
    }
    parts.words = data::Vocabulary(words, options_.min_count);
    parts.characters = data::Vocabulary(characters, kLeastCharacter);
    parts.tags = Labels::of(tags);
    parts.intents = Labels::of(intents);
  }

  static void say_labels(const TaggerParts& parts, const Say& say) {
    constexpr size_t kShown = 10;
    say(fmt::format(
        "tags: {}{}: {}", parts.tags.size(),
        parts.scheme == data::TagScheme::none ? "" : fmt::format(" that mark spans ({})", name_of(parts.scheme)),
        parts.tags.list(kShown)));
    if (parts.intents.size() > 0) say(fmt::format("intents: {}: {}", parts.intents.size(), parts.intents.list(kShown)));
    say(fmt::format("words: {}, of which {} different ones", parts.tags.total(),
                    parts.words.size() - data::Vocabulary::kMarkers));
  }

  static void warn_of_strangers(const TagSets& sets, const TaggerParts& parts, const Say& say) {
    std::map<std::string, int64_t> strangers;
    for (const int64_t i : sets.dev)
      for (const std::string& tag : sets.dev_data.sentences[static_cast<size_t>(i)].tags)
        if (parts.tags.find(tag) < 0) ++strangers[tag];
    if (strangers.empty()) return;
    int64_t tokens = 0;
    for (const auto& [tag, times] : strangers) tokens += times;
    say(fmt::format("dev: {} of {} never occur in training, such as {}; the model cannot give them",
                    counted(static_cast<int64_t>(strangers.size()), "tag"), counted(tokens, "word"),
                    strangers.begin()->first));
  }

  TagOptions options_;
};

}  // namespace

std::unique_ptr<Task> make_tag() {
  return std::make_unique<Tag>();
}

}  // namespace carousel::tasks
