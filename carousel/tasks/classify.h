// The task `classify`: one label for a text.
#pragma once

#include <memory>

#include "carousel/tasks/task.h"

namespace carousel::tasks {

std::unique_ptr<Task> make_classify();

}  // namespace carousel::tasks
