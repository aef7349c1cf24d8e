#include "apps/cli/decode_flags.h"

#include <algorithm>

#include "carousel/base/threads.h"

namespace carousel::cli {

namespace {

void add_rows(OptionTable& table, tasks::PredictOptions& options, int64_t& threads, bool with_nbest) {
  table.section("decode");
  table.add("beam", &options.beam_size, "Beam width; 1 is greedy search. Default: the model's.")
      .range(1, 1024)
      .automatic();
  if (with_nbest)
    table.add("nbest", &options.nbest, "Answers per line, best first, with probabilities.").range(1, 1024);
  table
      .add("length_penalty", &options.length_penalty,
           "Exponent of the length penalty; 0 ranks by probability. Default: the model's.")
      .range(0, 10)
      .automatic();
  table.add("min_length", &options.min_length, "Least symbols of an answer. Default: the model's.")
      .range(0, 1e6)
      .automatic();
  table
      .add("no_repeat_ngram", &options.no_repeat_ngram,
           "No sequence of N symbols comes twice in an answer; 0: any may. Default: the model's.")
      .range(0, 1000)
      .automatic();
  table.add("threads", &threads, "Threads; 0 for all cores.").range(0, 1024);
}

}  // namespace

void DecodeFlags::add_to(CLI::App* command, bool with_nbest) {
  with_nbest_ = with_nbest;
  tasks::PredictOptions options;
  int64_t threads = 0;
  OptionTable table;
  add_rows(table, options, threads, with_nbest);
  flags_.add_to(command, table);
}

tasks::PredictOptions DecodeFlags::read() const {
  tasks::PredictOptions options;
  int64_t threads = 0;
  OptionTable table;
  add_rows(table, options, threads, with_nbest_);
  flags_.set(table);
  // n answers need a beam of n at least.
  if (options.beam_size > 0) options.beam_size = std::max(options.beam_size, options.nbest);
  set_threads(threads);
  return options;
}

}  // namespace carousel::cli
