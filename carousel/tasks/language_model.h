// The task `lm`: language models of running text.
#pragma once

#include <memory>

#include "carousel/tasks/task.h"

namespace carousel::tasks {

std::unique_ptr<Task> make_language_model();

}  // namespace carousel::tasks
