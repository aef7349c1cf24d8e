#include "apps/cli/decode_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "carousel/base/options.h"
#include "carousel/base/threads.h"

namespace carousel::cli {

void DecodeFlags::add_to(CLI::App* command, bool with_nbest) {
  command->add_option("--beam", beam_, "Beam width; 1 is greedy search. Default: the model's")->type_name("N");
  if (with_nbest) {
    command->add_option("--nbest", nbest_, "Answers per line, best first, with probabilities")->type_name("N");
  }
  command
      ->add_option("--length-penalty", length_penalty_,
                   "Exponent of the length penalty; 0 ranks by probability. Default: the model's")
      ->type_name("X");
  command->add_option("--min-length", min_length_, "Least symbols of an answer. Default: the model's")->type_name("N");
  command
      ->add_option("--no-repeat-ngram", no_repeat_ngram_,
                   "No sequence of N symbols comes twice in an answer; 0: any may. Default: the model's")
      ->type_name("N");
  command->add_option("--threads", threads_, "Threads; 0 for all cores")->type_name("N");
}

tasks::PredictOptions DecodeFlags::read() const {
  tasks::PredictOptions options;
  int64_t threads = 0;
  OptionTable table;
  table.section("decode");
  table.add("beam", &options.beam_size, "The number of partial answers kept.").range(1, 1024).automatic();
  table.add("nbest", &options.nbest, "The number of answers per line.").range(1, 1024);
  table.add("length_penalty", &options.length_penalty, "The exponent of the length.").range(0, 10).automatic();
  table.add("min_length", &options.min_length, "The least symbols of an answer.").range(0, 1e6).automatic();
  table.add("no_repeat_ngram", &options.no_repeat_ngram, "The symbols of a sequence that must not come twice.")
      .range(0, 1000)
      .automatic();
  table.add("threads", &threads, "The number of threads, 0 for all cores.").range(0, 1024);
  const auto set = [&](const char* key, const std::string& text, const char* flag) {
    if (!text.empty()) table.set(key, text, flag);
  };
  set("beam", beam_, "--beam");
  set("nbest", nbest_, "--nbest");
  set("length_penalty", length_penalty_, "--length-penalty");
  set("min_length", min_length_, "--min-length");
  set("no_repeat_ngram", no_repeat_ngram_, "--no-repeat-ngram");
  set("threads", threads_, "--threads");
  // n answers need a beam of n at least.
  if (options.beam_size > 0) options.beam_size = std::max(options.beam_size, options.nbest);
  set_threads(threads);
  return options;
}

}  // namespace carousel::cli
