// The task `tag`: a tag for each word of a sentence, and if the data has them an intent for the sentence.
#pragma once

#include <memory>

#include "carousel/tasks/task.h"

namespace carousel::tasks {

std::unique_ptr<Task> make_tag();

}  // namespace carousel::tasks
