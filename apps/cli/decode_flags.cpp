#include "apps/cli/decode_flags.h"

#include <algorithm>

#include "carousel/base/threads.h"

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
  table.add("min_length", &options_.min_length, "Least symbols of an answer. Default: the model's.")
      .range(0, 1e6)
      .automatic();
  table
      .add("no_repeat_ngram", &options_.no_repeat_ngram,
           "No sequence of N symbols comes twice in an answer; 0: any may. Default: the model's.")
      .range(0, 1000)
      .automatic();
  table.add("threads", &threads_, "Threads; 0 for all cores.").range(0, 1024);
  flags_.add_to(command);
}

tasks::PredictOptions DecodeFlags::read() {
  flags_.apply();
  // n answers need a beam of n at least.
  if (options_.beam_size > 0) options_.beam_size = std::max(options_.beam_size, options_.nbest);
  set_threads(threads_);
  return options_;
}

}  // namespace carousel::cli
