// The task `transduce`: learns a mapping from strings to strings.
#pragma once

#include <memory>

#include "carousel/tasks/task.h"

namespace carousel::tasks {

std::unique_ptr<Task> make_transduce();

}  // namespace carousel::tasks
