#include "carousel/tasks/transduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "carousel/base/error.h"
#include "carousel/data/batcher.h"
#include "carousel/data/choose.h"
#include "carousel/data/lengths.h"
#include "carousel/data/registry.h"
#include "carousel/data/split.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/transcribe.h"
#include "carousel/tasks/transcribe_model.h"
#include "carousel/tasks/transduce_model.h"
#include "carousel/tasks/transduce_objective.h"

namespace carousel::tasks {

namespace {

std::vector<std::string_view> texts_of(const data::PairData& data, const std::vector<int64_t>& indices,
                                       data::Side side) {
  std::vector<std::string_view> texts;
  texts.reserve(indices.size());
  for (const int64_t i : indices) {
    const data::PairExample& e = data.examples[static_cast<size_t>(i)];
    texts.push_back(side == data::Side::source ? e.source : e.target);
  }
  return texts;
}

std::vector<int64_t> all_of(const data::PairData& data) {
  std::vector<int64_t> indices(data.examples.size());
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<int64_t>(i);
  return indices;
}

class Transduce final : public Task {
 public:
  std::string name() const override { return "transduce"; }
  std::string summary() const override {
    return "string to string: pronunciation, transliteration, inflection, translation (two columns or aligned files); "
           "and the text of recordings or other numeric frames";
  }

  std::string recognises(const std::vector<std::string>& files) override {
    if (!data::plan_frames(files, config_.frames.format).format.empty()) return recognise_transcripts(files, config_);
    const std::string& columns = config_.data.format.columns;
    const bool for_pairs = columns.find("source") != std::string::npos || columns.find("target") != std::string::npos;
    if (columns != "auto" && !for_pairs) return "";  // roles of another task
    const data::Detection found = data::detect_format(files, config_.data.read_options(), config_.data.format);
    return found.format->read_pairs ? found.reason : "";
  }

  void options(OptionTable& table) override { config_.options(table); }

  TrainingJob build(const TaskInput& input, const Say& say) override {
    if (!data::plan_frames(input.data, config_.frames.format).format.empty())
      return build_transcribe(input, config_, say);
    if (config_.decoder == "ctc")
      throw ConfigError(
          "[transduce] decoder = ctc writes the text of recordings or other frames; got texts as sources. Use decoder "
          "= "
          "attention.");
    config_.decoder = "attention";
    config_.model.check();
    PairSets sets = read(input, say);
    Sides sides = make_sides(sets);
    // Symbols of pairs that are left out shall not stand in the vocabularies: cut and look again.
    while (cut_long(sets.train_data, sets.train, sides, "data", say)) sides = make_sides(sets);
    cut_long(sets.dev_data, sets.dev, sides, "dev", say);
    say(sides.source_plan.reason);
    if (sides.target_plan.reason != sides.source_plan.reason) say(sides.target_plan.reason);
    config_.data.source_tokens = sides.source_plan.kind;
    config_.data.target_tokens = sides.target_plan.kind;
    TransduceParts parts;
    parts.source = std::move(sides.source);
    parts.target = std::move(sides.target);
    parts.train_examples = static_cast<int64_t>(sets.train.size());
    for (const auto text : texts_of(sets.train_data, sets.train, data::Side::source))
      parts.seen.insert(parts.source->form().apply(text));
    learn_baseline(sets, parts);
    DataSize size = size_of(sets, parts);
    look_at_copies(sets, parts, size, say);
    decide(config_, size);
    // Symbol for symbol is no rule for what takes from all over its source.
    if (config_.model.copy == "on") parts.lead = std::max<int64_t>(1, std::llround(size.mean_target_length));
    say_plan(say);
    parts.config = config_;
    warn_of_strangers(sets, parts, say);
    auto model = std::make_unique<TransduceModel>(std::move(parts), static_cast<uint64_t>(config_.trainer.seed));
    TrainingJob job;
    job.trainer = config_.trainer;
    job.train_examples = static_cast<int64_t>(sets.train.size());
    job.dev_examples = static_cast<int64_t>(sets.dev.size());
    if (sets.train_data.format != "tsv" && sets.train_data.format != "aligned")
      job.example = short_source(sets.train_data, sets.train);
    job.objective = make_transduce_objective(*model, std::move(sets));
    job.model = std::move(model);
    return job;
  }

  std::unique_ptr<TaskModel> load(const std::map<std::string, std::string>& metadata,
                                  const std::string& file) override {
    if (transcribes(metadata))
      return std::make_unique<TranscribeModel>(load_transcribe_parts(config_, metadata, file), 0);
    return std::make_unique<TransduceModel>(load_parts(config_, metadata, file), 0);
  }

 private:
  PairSets read(const TaskInput& input, const Say& say) {
    PairSets sets;
    const data::ReadOptions options = config_.data.read_options();
    const data::Detection format = data::detect_format(input.data, options, config_.data.format);
    say(fmt::format("data: {}", format.reason));
    sets.train_data = data::read_pairs(input.data, options, config_.data.format);
    data::require_learnable(sets.train_data);
    if (input.dev.empty()) {
      const data::Split split =
          data::cut_dev(sets.train_data, config_.data, static_cast<uint64_t>(config_.trainer.seed));
      sets.train = split.train;
      sets.dev = split.dev;
      sets.dev_data = sets.train_data;
      say(fmt::format("dev: {} of {} pairs cut from the data by seed {}, {}", sets.dev.size(),
                      sets.train_data.examples.size(), config_.trainer.seed,
                      config_.data.group == "stem" ? "whole word families on one side" : "equal sources on one side"));
    } else {
      sets.dev_data = data::read_pairs(input.dev, options, config_.data.format);
      data::require_dev(sets.dev_data);
      sets.train = all_of(sets.train_data);
      sets.dev = all_of(sets.dev_data);
      say(fmt::format("dev: {} pairs of {}", sets.dev.size(), input.dev.front()));
    }
    return sets;
  }

  struct Sides {
    data::TokenPlan source_plan, target_plan;
    std::unique_ptr<data::Tokenizer> source, target;
  };

  Sides make_sides(const PairSets& sets) const {
    Sides sides;
    auto sources = texts_of(sets.train_data, sets.train, data::Side::source);
    auto targets = texts_of(sets.train_data, sets.train, data::Side::target);
    sides.source_plan = data::plan_tokens(sources, config_.data, data::Side::source);
    sides.target_plan = data::plan_tokens(targets, config_.data, data::Side::target);
    if (shares_subwords(sets, sides)) {
      targets.insert(targets.end(), sources.begin(), sources.end());
      data::TokenPlan plan = data::plan_tokens(targets, config_.data, data::Side::target);
      plan.reason = fmt::format(
          "both sides: one inventory of subwords, because {}; up to {} of them",
          config_.data.shared_tokens == "on" ? "the options say so" : "targets take words from their sources",
          plan.merges);
      sides.source_plan = sides.target_plan = std::move(plan);
      sources = targets;
    }
    if (config_.data.subword_sampling > 0 && sides.source_plan.kind != "unigram" && sides.target_plan.kind != "unigram")
      throw ConfigError(fmt::format(
          "[data] subword_sampling draws cuts of unigram subwords; got source_tokens = {} and target_tokens "
          "= {}. Set one of them to unigram, or leave subword_sampling out.",
          sides.source_plan.kind, sides.target_plan.kind));
    sides.source = data::make_tokenizer(sources, sides.source_plan, config_.data.min_count);
    sides.target = data::make_tokenizer(targets, sides.target_plan, config_.data.min_count);
    return sides;
  }

  /// Whether both sides are to be cut into the same subwords.
  bool shares_subwords(const PairSets& sets, const Sides& sides) const {
    const std::string& wanted = config_.data.shared_tokens;
    if (wanted == "off" || !data::learns_subwords(sides.source_plan.kind) ||
        sides.target_plan.kind != sides.source_plan.kind)
      return false;
    if (wanted == "on") return true;
    const auto words = data::make_wordpunct_tokenizer({}, sides.target_plan.form, 1);
    return copy_share(sets.train_data, sets.train, *words, *words).excess() >= kCopiedEnough;
  }

  /// Takes the pairs that are too long out of `indices` and says which; true when there were some.
  bool cut_long(const data::PairData& data, std::vector<int64_t>& indices, const Sides& sides, const char* name,
                const Say& say) const {
    const int64_t most = config_.data.max_length;
    data::LengthCut cut = data::cut_long(data, indices, {*sides.source, *sides.target}, most);
    if (cut.dropped.empty()) return false;
    data::require_kept(data, cut, most);
    say(fmt::format("{}: {}", name, data::describe_cut(data, cut, most)));
    indices = std::move(cut.kept);
    return true;
  }

  static void learn_baseline(const PairSets& sets, TransduceParts& parts) {
    std::vector<std::vector<int32_t>> sources, targets;
    // The map looks at 20,000 pairs spread over the data; encoding more would be thrown away.
    const size_t stride = std::max<size_t>(1, sets.train.size() / 20000);
    for (size_t i = 0; i < sets.train.size(); i += stride) {
      const data::PairExample& e = sets.train_data.examples[static_cast<size_t>(sets.train[i])];
      sources.push_back(parts.source->encode(e.source));
      targets.push_back(parts.target->encode(e.target));
    }
    parts.baseline = data::SymbolMap::learn(sources, targets);
  }

  /// Looks at what targets have of their sources, where symbols of both can be compared.
  void look_at_copies(const PairSets& sets, const TransduceParts& parts, DataSize& size, const Say& say) const {
    const std::string kind = parts.target->kind();
    if (parts.source->kind() != kind) {
      if (config_.model.copy == "on")
        throw ConfigError(
            fmt::format("[transduce] copy = on needs the same kind of symbols on both sides; got {} and {}. Set "
                        "source_tokens and target_tokens alike.",
                        parts.source->kind(), kind));
      return;
    }
    size.words = kind == "words";
    if (kind == "characters" || config_.model.copy != "auto") return;
    const CopyShare share = copy_share(sets.train_data, sets.train, *parts.source, *parts.target);
    size.copied = share.excess();
    if (size.copied >= kCopiedEnough && config_.model.attention != "none")
      say(fmt::format(
          "copying: on, because {:.0f} % of the symbols of targets stand in their own source and {:.0f} % in another{}",
          100 * share.in_source, 100 * share.in_other,
          share.only_in_source > 0.001
              ? fmt::format("; {:.1f} % only in the source, unknown to the target", 100 * share.only_in_source)
              : ""));
  }

  DataSize size_of(const PairSets& sets, const TransduceParts& parts) const {
    DataSize size;
    size.examples = static_cast<int64_t>(sets.train.size());
    const size_t looked_at = std::min<size_t>(sets.train.size(), 5000);
    double source = 0, target = 0;
    for (size_t i = 0; i < looked_at; ++i) {
      const data::PairExample& e = sets.train_data.examples[static_cast<size_t>(sets.train[i])];
      const auto read = static_cast<double>(parts.source->encode(e.source).size());
      const auto written = static_cast<double>(parts.target->encode(e.target).size());
      source += read;
      target += written;
      const double beyond = written + 1 - static_cast<double>(config_.search.max_length_extra);  // 1: the end marker
      size.longest_target = std::max(size.longest_target, static_cast<int64_t>(written));
      if (read > 0) size.length_factor = std::max(size.length_factor, beyond / read);
    }
    size.target_vocab = parts.target->vocabulary().size();
    size.mean_source_length = source / static_cast<double>(looked_at);
    size.mean_target_length = target / static_cast<double>(looked_at);
    if (size.mean_source_length <= static_cast<double>(size.longest_target)) {
      size.longest_target = 0;
      return size;
    }
    for (size_t i = looked_at; i < sets.train.size(); ++i) {
      const data::PairExample& e = sets.train_data.examples[static_cast<size_t>(sets.train[i])];
      size.longest_target = std::max(size.longest_target, static_cast<int64_t>(parts.target->encode(e.target).size()));
    }
    return size;
  }

  void say_plan(const Say& say) const {
    const nn::Seq2SeqConfig& m = config_.model;
    say(fmt::format("model: encoder of {}, {} attention, embeddings of {}, dropout {}", network_text(m.stack),
                    m.attention == "none" ? "no" : m.attention, m.embedding_size, m.stack.dropout));
  }

  static void warn_of_strangers(const PairSets& sets, const TransduceParts& parts, const Say& say) {
    std::set<std::string> unknown;
    int64_t inputs = 0;
    for (const int64_t i : sets.dev) {
      const auto strangers = parts.source->unknown_symbols(sets.dev_data.examples[static_cast<size_t>(i)].source);
      inputs += !strangers.empty();
      unknown.insert(strangers.begin(), strangers.end());
    }
    if (unknown.empty()) return;
    std::string some;
    for (const std::string& symbol : unknown) {
      if (some.size() > 60) break;
      some += (some.empty() ? "" : " ") + symbol;
    }
    say(fmt::format("dev: {} source symbols in {} pairs never occur in training ({}); the model cannot know them",
                    unknown.size(), inputs, some));
  }

  TransduceConfig config_;
};

}  // namespace

std::unique_ptr<Task> make_transduce() {
  return std::make_unique<Transduce>();
}

}  // namespace carousel::tasks
