// The task `detect`: what is unusual in series of numbers.
#pragma once

#include <memory>

#include "carousel/tasks/task.h"

namespace carousel::tasks {

std::unique_ptr<Task> make_detect();

}  // namespace carousel::tasks
