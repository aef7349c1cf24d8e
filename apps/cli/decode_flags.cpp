#include "apps/cli/decode_flags.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/base/threads.h"
#include "carousel/engine/engine.h"

namespace carousel::cli {

void DecodeFlags::add_to(CLI::App* command, bool with_nbest) {
  OptionTable& table = flags_.table;
  table.section("decode");
  table.add("beam", &options_.beam_size, "Beam width; 1 is greedy search. Default: the model's.")
      .range(1, 1024)
      .automatic();
  if (with_nbest)
    table.add("nbest", &options_.nbest, "Answers per line, best first, with probabilities.").range(1, 1024);
  table
      .add("length_penalty", &options_.length_penalty,
           "Exponent of the length penalty; 0 ranks by probability. Default: the model's.")
      .range(0, 10)
      .automatic();
  table
      .add("coverage_penalty", &options_.coverage_penalty,
           "Weight with which answers rank lower that do not look at all of the input; 0: off. Default: the model's.")
      .range(0, 100)
      .automatic();
  table.add("max_output", &options_.max_output, "Most symbols of an answer. Default: the model's.")
      .range(1, 1e9)
      .automatic();
  table.add("min_length", &options_.min_length, "Least symbols of an answer. Default: the model's.")
      .range(0, 1e6)
      .automatic();
  table
      .add("no_repeat_ngram", &options_.no_repeat_ngram,
           "No sequence of N symbols comes twice in an answer; 0: any may. Default: the model's.")
      .range(0, 1000)
      .automatic();
  table.add(
      "lm", &language_model_,
      "Model of task lm that helps to rank the texts of a model with decoder = ctc; it must write the same kind of "
      "symbols.");
  table.add("lm_weight", &lm_weight_, "Weight of its log-probability beside the model's own. Default: 0.5.")
      .range(0, 100)
      .automatic();
  table
      .add("symbol_bonus", &symbol_bonus_,
           "What each symbol of a text adds to its score: it makes up for what --lm takes from long ones. Default: 0.")
      .range(0, 100)
      .automatic();
  table.add("threads", &threads_, "Threads; 0 for all cores.").range(0, 1024);
  flags_.add_to(command);
}

tasks::PredictOptions DecodeFlags::read() {
  flags_.apply();
  // n answers need a beam of n at least.
  if (options_.beam_size > 0) options_.beam_size = std::max(options_.beam_size, options_.nbest);
  set_threads(threads_);
  if (language_model_.empty()) {
    const char* flag = lm_weight_ >= 0 ? "--lm-weight" : symbol_bonus_ >= 0 ? "--symbol-bonus" : nullptr;
    if (flag)
      throw ConfigError(
          fmt::format("[predict] {} says how much a language model counts; got no --lm. Name one with --lm.", flag));
    return options_;
  }
  options_.language_model = engine::Engine::load(language_model_).model();
  if (lm_weight_ >= 0) options_.lm_weight = lm_weight_;
  if (symbol_bonus_ >= 0) options_.symbol_bonus = symbol_bonus_;
  return options_;
}

}  // namespace carousel::cli
