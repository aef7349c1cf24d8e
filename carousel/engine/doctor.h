// What is wrong with a model or with data: checks that each end in a sentence.
#pragma once

#include <string>
#include <vector>

#include "carousel/engine/engine.h"

namespace carousel::engine {

struct Finding {
  enum class Verdict { healthy, suspicious, ill, skipped };
  std::string check;  ///< "padding", "one batch", ...
  Verdict verdict = Verdict::healthy;
  std::string text;                ///< what was seen and, where something is wrong, what to do
  std::vector<std::string> lines;  ///< the offending inputs or parts, at most a few
};

/// "healthy", "suspicious", "ill", "skipped".
std::string verdict_name(Finding::Verdict verdict);

/// Looks at how a model answers lines, as predict() takes them; at least one (ConfigError).
std::vector<Finding> examine_model(Engine& model, const std::vector<std::string>& lines);

/// Looks at training data: its size, and whether the model that would be trained on it can learn one batch by heart
/// when nothing is random and nothing decays. `request` names data, task and options as for train(); nothing is
/// written. Throws what train() throws about data and options.
std::vector<Finding> examine_data(const TrainRequest& request, Observer& observer);

}  // namespace carousel::engine
