// The task `forecast`: what comes next in series of numbers.
#pragma once

#include <memory>

#include "carousel/tasks/task.h"

namespace carousel::tasks {

std::unique_ptr<Task> make_forecast();

}  // namespace carousel::tasks
