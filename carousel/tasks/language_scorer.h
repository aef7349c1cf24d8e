// A model of task `lm` as the scorer of another model's outputs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "carousel/decode/fusion.h"
#include "carousel/tasks/task.h"

namespace carousel::tasks {

/// `symbols[k]` is the text of symbol k of the search, "" where it has none; `kind` is the tokenizer's that writes
/// them. A line that the language model read in training is an output. Symbols that it does not know count as its
/// unknown one. The scorer holds what it needs of the model's weights, as they are now. Throws ConfigError for a model
/// of another task, of other symbols than `kind` ("characters" or "words"), one that knows none of the symbols, and
/// UnsupportedError for a window model.
std::shared_ptr<const decode::PrefixScorer> make_language_scorer(TaskModel& language_model, const std::string& kind,
                                                                 const std::vector<std::string>& symbols);

}  // namespace carousel::tasks
