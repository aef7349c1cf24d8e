// Loss and dev score of a language model under training.
#pragma once

#include <memory>

#include "carousel/data/text_reader.h"
#include "carousel/tasks/language_model_model.h"
#include "carousel/train/objective.h"

namespace carousel::tasks {

struct TextSets {
  data::TokenStream train, dev;
  std::string file;  ///< of the training text
};

/// The model must outlive the objective. Throws ConfigError when the text is too short for its streams.
std::unique_ptr<train::Objective> make_language_model_objective(LanguageModelTask& model, TextSets sets);

}  // namespace carousel::tasks
