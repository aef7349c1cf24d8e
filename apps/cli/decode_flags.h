// The search options that eval, predict and inspect share.
#pragma once

#include <string>

#include "carousel/tasks/task.h"

namespace CLI {
class App;
}

namespace carousel::cli {

class DecodeFlags {
 public:
  /// Adds --beam, --length-penalty, --min-length, --no-repeat-ngram, --threads and, when asked, --nbest.
  void add_to(CLI::App* command, bool with_nbest);
  /// Checks the values by an option table and sets the threads. Throws ConfigError naming the flag.
  tasks::PredictOptions read() const;

 private:
  std::string beam_, nbest_, length_penalty_, min_length_, no_repeat_ngram_, threads_;
};

}  // namespace carousel::cli
