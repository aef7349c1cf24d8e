// The task `transduce` for recordings and other sequences of numeric frames with texts: from files to a training.
#pragma once

#include <string>
#include <vector>

#include "carousel/tasks/task.h"
#include "carousel/tasks/transduce_config.h"

namespace carousel::tasks {

/// Why these files are sequences of frames with texts, or "" when they are not. DataError for names of recordings
/// alone: nobody else shall take them for a text.
std::string recognise_transcripts(const std::vector<std::string>& files, const TransduceConfig& config);

/// Reads, decides what is automatic in `config` and says so, builds the model. Throws DataError, ConfigError.
TrainingJob build_transcribe(const TaskInput& input, TransduceConfig& config, const Say& say);

}  // namespace carousel::tasks
