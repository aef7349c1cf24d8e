// The search options that eval, predict and inspect share.
#pragma once

#include "apps/cli/table_flags.h"
#include "carousel/tasks/task.h"

namespace carousel::cli {

class DecodeFlags {
 public:
  /// Adds --beam, --length-penalty, --coverage-penalty, --min-length, --no-repeat-ngram, --threads and, when
  /// asked, --nbest.
  void add_to(CLI::App* command, bool with_nbest);
  /// Checks the values by an option table and sets the threads. Throws ConfigError naming the flag.
  tasks::PredictOptions read();

 private:
  tasks::PredictOptions options_;
  int64_t threads_ = 0;
  TableFlags flags_;
};

}  // namespace carousel::cli
