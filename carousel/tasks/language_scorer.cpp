#include "carousel/tasks/language_scorer.h"

#include <fmt/format.h>

#include <utility>

#include "carousel/base/error.h"
#include "carousel/data/tokenizer.h"
#include "carousel/kernels/table.h"
#include "carousel/nn/stream.h"

namespace carousel::tasks {

namespace {

class LanguageScorer final : public decode::PrefixScorer {
 public:
  LanguageScorer(const Streaming& streaming, std::vector<int32_t> ids)
      : model_(streaming.model), begin_(streaming.begin), ids_(std::move(ids)) {}

  Handle begin() const override { return std::make_shared<const Read>(*this, nn::Stream(model_), begin_); }
  Handle extend(const Prefix& prefix, int32_t symbol) const override {
    return std::make_shared<const Read>(*this, dynamic_cast<const Read&>(prefix).stream, id(symbol));
  }

 private:
  /// A line read so far, and what its next symbol may be.
  struct Read final : Prefix {
    Read(const LanguageScorer& the_scorer, nn::Stream before, int32_t read)
        : scorer(the_scorer), stream(std::move(before)) {
      const auto logits = stream.step(read);
      log_probs.resize(logits.size());
      kernels::table<float>().log_softmax(static_cast<int64_t>(logits.size()), logits.data(), log_probs.data());
    }
    double of(int32_t id) const { return static_cast<double>(log_probs[static_cast<size_t>(id)]); }
    double log_prob(int32_t symbol) const override { return of(scorer.id(symbol)); }
    double end_log_prob() const override { return of(scorer.begin_); }  // a line begins behind the end of another

    const LanguageScorer& scorer;
    nn::Stream stream;
    std::vector<float> log_probs;
  };
  int32_t id(int32_t symbol) const { return ids_[static_cast<size_t>(symbol)]; }

  std::shared_ptr<const nn::StreamModel> model_;
  int32_t begin_;
  std::vector<int32_t> ids_;  ///< of the language model, by symbol of the search
};

}  // namespace

std::shared_ptr<const decode::PrefixScorer> make_language_scorer(TaskModel& language_model, const std::string& kind,
                                                                 const std::vector<std::string>& symbols) {
  if (language_model.task() != "lm")
    throw ConfigError(fmt::format(
        "[predict] --lm names a language model; got a model of task {}. Train one with: carousel train TEXT "
        "--task lm --set tokens={} -o lm.safetensors.",
        language_model.task(), kind));
  const Streaming streaming = language_model.streaming();
  const std::string own = streaming.tokenizer->kind();
  if (own != kind || (kind != "characters" && kind != "words"))
    throw ConfigError(fmt::format(
        "[predict] a language model and the model that it helps must write the same kind of symbols, "
        "characters or words; got {} and {}. Train the language model with --set tokens={}{}.",
        own, kind, kind == "words" ? kind : "characters",
        kind == "words" || kind == "characters" ? "" : ", the other one with --set target_tokens=characters"));
  std::vector<int32_t> ids;
  int64_t known = 0, all = 0;
  for (const std::string& symbol : symbols) {
    ids.push_back(symbol.empty() ? data::Vocabulary::kUnk : streaming.tokenizer->vocabulary().id(symbol));
    known += ids.back() != data::Vocabulary::kUnk;
    all += !symbol.empty();
  }
  if (known == 0)
    throw ConfigError(
        fmt::format("[predict] the language model must know symbols of the model that it helps; got none of {} in "
                    "common. Train it on texts of the same language.",
                    all));
  return std::make_shared<LanguageScorer>(streaming, std::move(ids));
}

}  // namespace carousel::tasks
