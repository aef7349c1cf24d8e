#include "carousel/tasks/classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/split.h"
#include "carousel/data/unicode.h"
#include "carousel/tasks/classify_config.h"
#include "carousel/tasks/classify_frames.h"
#include "carousel/tasks/classify_model.h"
#include "carousel/tasks/classify_objective.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/frames_model.h"

namespace carousel::tasks {

namespace {

std::vector<int64_t> all_texts(const data::PairData& data) {
  std::vector<int64_t> indices(data.examples.size());
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return indices;
}

std::vector<std::vector<int32_t>> encode(const data::Tokenizer& tokenizer, const data::PairData& data,
                                         const std::vector<int64_t>& indices) {
  std::vector<std::vector<int32_t>> texts;
  texts.reserve(indices.size());
  for (const int64_t i : indices) texts.push_back(tokenizer.encode(data.examples[static_cast<size_t>(i)].source));
  return texts;
}

class Classify final : public Task {
 public:
  std::string name() const override { return "classify"; }
  std::string summary() const override {
    return "a label for a text (lines `__label__X text`, or a table), a recording or a series of numeric frames";
  }

  std::string recognises(const std::vector<std::string>& files) override {
    if (!data::plan_frames(files, options_.frames.format).format.empty()) return recognise_frames(files, options_);
    const std::string& columns = options_.format.columns;
    const bool for_labels = columns.find("text") != std::string::npos || columns.find("label") != std::string::npos;
    if (columns != "auto" && !for_labels) return "";  // roles of another task
    try {
      const data::LabelPlan plan = data::plan_labels(files, options_.format, options_.read_options());
      return plan.evident ? plan.reason : "";
    } catch (const DataError&) {
      const bool said = options_.format.format != "auto" || columns != "auto";
      if (said) throw;
      return "";  // it may be for another task; whoever reads it will say what is wrong
    }
  }

  void options(OptionTable& table) override { options_.options(table); }

  TrainingJob build(const TaskInput& input, const Say& say) override {
    if (!data::plan_frames(input.data, options_.frames.format).format.empty())
      return build_frames(input, options_, say);
    LabelSets sets = read(input, say);
    ClassifyParts parts;
    parts.labels = labels_of(sets);
    say(fmt::format("labels: {}: {}", parts.labels.size(), parts.labels.list(10)));
    parts.tokenizer = make_tokenizer(sets, say);
    sets.train_ids = encode(*parts.tokenizer, sets.train_data, sets.train);
    sets.dev_ids = encode(*parts.tokenizer, sets.dev_data, sets.dev);
    if (options_.max_length == 0) options_.max_length = data::default_max_length(*parts.tokenizer);
    ClassifySize size = measure(sets, say);
    size.characters = parts.tokenizer->kind() == "characters";
    decide(options_, size);
    say(fmt::format(
        "model: {}{}, {} pooling, embeddings of {}, dropout {}{}",
        options_.members > 1 ? fmt::format("the mean of {} networks: ", options_.members) : "",
        network_text(options_.model.stack), options_.model.pooling, options_.model.embedding_size,
        options_.model.stack.dropout,
        options_.ngrams > 0 ? fmt::format(", beside naive Bayes over runs of up to {} symbols", options_.ngrams) : ""));
    warn_of_strangers(sets, parts.labels, say);
    parts.options = options_;
    parts.bayes = learn_bayes(sets, parts);
    for (const int64_t i : sets.train)
      parts.seen.insert(parts.tokenizer->form().apply(sets.train_data.examples[static_cast<size_t>(i)].source));
    auto model = std::make_unique<ClassifyModel>(std::move(parts), static_cast<uint64_t>(options_.trainer.seed));
    TrainingJob job;
    job.trainer = options_.trainer;
    job.train_examples = static_cast<int64_t>(sets.train.size());
    job.dev_examples = static_cast<int64_t>(sets.dev.size());
    job.example = short_source(sets.train_data, sets.train);
    job.objective = make_classify_objective(*model, std::move(sets));
    job.model = std::move(model);
    return job;
  }

  std::unique_ptr<TaskModel> load(const std::map<std::string, std::string>& metadata,
                                  const std::string& file) override {
    if (holds_frames(metadata)) return std::make_unique<FrameModel>(load_frame_parts(options_, metadata, file), 0);
    return std::make_unique<ClassifyModel>(load_parts(options_, metadata, file), 0);
  }

 private:
  LabelSets read(const TaskInput& input, const Say& say) {
    LabelSets sets;
    const data::ReadOptions options = options_.read_options();
    const data::LabelPlan plan = data::plan_labels(input.data, options_.format, options);
    say(fmt::format("data: {}", plan.reason));
    sets.train_data = data::read_labels(input.data, plan, options);
    data::require_learnable(sets.train_data);
    if (!plan.header && (plan.format == "csv" || plan.format == "tsv")) ask_about_names(sets.train_data, say);
    options_.format.format = plan.format;
    options_.format.columns = plan.columns_text();
    if (input.dev.empty()) {
      data::DataConfig cut;
      cut.dev_share = options_.dev_share;
      const data::Split split = data::cut_dev(sets.train_data, cut, static_cast<uint64_t>(options_.trainer.seed));
      sets.train = split.train;
      sets.dev = split.dev;
      sets.dev_data = sets.train_data;
      say(fmt::format("dev: {} of {} texts cut from the data by seed {}, equal texts on one side", sets.dev.size(),
                      sets.train_data.examples.size(), options_.trainer.seed));
    } else {
      data::LabelFormat format = options_.format;
      format.format = "auto";
      format.elsewhere = true;
      sets.dev_data =
          data::read_labels(input.dev, data::plan_labels(input.dev, format, options, options_.format.format), options);
      data::require_dev(sets.dev_data);
      sets.train = all_texts(sets.train_data);
      sets.dev = all_texts(sets.dev_data);
      say(fmt::format("dev: {} of {}", counted(static_cast<int64_t>(sets.dev.size()), "text"), input.dev.front()));
    }
    return sets;
  }

  /// A first row whose label comes nowhere else may hold names that are not usual ones.
  static void ask_about_names(const data::PairData& data, const Say& say) {
    const data::PairExample& first = data.examples.front();
    const auto same = [&](const data::PairExample& e) { return e.target == first.target; };
    if (data.examples.size() < 10 || std::count_if(data.examples.begin(), data.examples.end(), same) > 1) return;
    say(
        fmt::format("warning: the label {} of line {} comes nowhere else: if that row holds names, leave it out with "
                    "--set header=yes",
                    data::clip_quoted(first.target), first.line));
  }

  static Labels labels_of(const LabelSets& sets) {
    std::map<std::string, int64_t> counts;
    for (const int64_t i : sets.train) ++counts[sets.train_data.examples[static_cast<size_t>(i)].target];
    return Labels::of(counts);
  }

  std::unique_ptr<data::Tokenizer> make_tokenizer(const LabelSets& sets, const Say& say) {
    std::vector<std::string_view> texts;
    for (const int64_t i : sets.train) texts.emplace_back(sets.train_data.examples[static_cast<size_t>(i)].source);
    const data::TokenPlan plan = options_.symbols.plan(texts);
    say(plan.reason);
    return data::make_tokenizer(texts, plan, options_.symbols.min_count);
  }

  ClassifySize measure(const LabelSets& sets, const Say& say) const {
    ClassifySize size;
    size.examples = static_cast<int64_t>(sets.train_ids.size());
    const int64_t most = options_.max_length;
    int64_t cut = 0;
    double symbols = 0;
    for (const auto& ids : sets.train_ids) {
      const auto length = static_cast<int64_t>(ids.size());
      symbols += static_cast<double>(std::min(length, most));
      cut += length > most;
    }
    size.mean_length = symbols / static_cast<double>(size.examples);
    if (cut > 0)
      say(fmt::format("text: {} more than max_length = {} symbols; the first {} and the last {} are read",
                      counted(cut, "text has", "texts have"), most, most / 4, most - most / 4));
    return size;
  }

  data::NaiveBayes learn_bayes(const LabelSets& sets, const ClassifyParts& parts) const {
    std::vector<int64_t> classes;
    for (const int64_t i : sets.train)
      classes.push_back(parts.labels.find(sets.train_data.examples[static_cast<size_t>(i)].target));
    return data::NaiveBayes::learn(sets.train_ids, classes, parts.labels.size(), parts.tokenizer->vocabulary().size(),
                                   std::max<int64_t>(options_.ngrams, 1));
  }

  static void warn_of_strangers(const LabelSets& sets, const Labels& labels, const Say& say) {
    std::map<std::string, int64_t> strangers;
    for (const int64_t i : sets.dev) {
      const std::string& label = sets.dev_data.examples[static_cast<size_t>(i)].target;
      if (labels.find(label) < 0) ++strangers[label];
    }
    if (strangers.empty()) return;
    int64_t texts = 0;
    for (const auto& [label, count] : strangers) texts += count;
    say(fmt::format("dev: {} labels of {} texts never occur in training, such as {}; the model cannot give them",
                    strangers.size(), texts, strangers.begin()->first));
  }

  ClassifyOptions options_;
};

}  // namespace

std::unique_ptr<Task> make_classify() {
  return std::make_unique<Classify>();
}

}  // namespace carousel::tasks
