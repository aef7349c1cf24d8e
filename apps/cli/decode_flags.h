// The search options that eval, predict and inspect share.
#pragma once

#include <string>

#include "apps/cli/table_flags.h"
#include "carousel/tasks/task.h"

namespace carousel::cli {

class DecodeFlags {
 public:
  /// Adds --beam, --length-penalty, --coverage-penalty, --min-length, --no-repeat-ngram, --lm, --lm-weight,
  /// --symbol-bonus, --threads and, when asked, --nbest.
  void add_to(CLI::App* command, bool with_nbest);
  /// Checks the values by an option table, sets the threads and loads the language model. Throws ConfigError naming
  /// the flag, and what Engine::load() throws.
  tasks::PredictOptions read();

 private:
  tasks::PredictOptions options_;
  int64_t threads_ = 0;
  std::string language_model_;
  double lm_weight_ = -1, symbol_bonus_ = -1;  // negative: not given
  TableFlags flags_;
};

}  // namespace carousel::cli
