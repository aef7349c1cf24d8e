// One training from request to model file: options, resume, replay, the trainer's hooks and the files it leaves.
#pragma once

#include <string>
#include <vector>

#include "carousel/engine/engine.h"

namespace carousel::engine {

/// SHA-256 of the bytes of all files behind these names (a folder, a list of recordings), in order.
std::string hash_of_data(const std::vector<std::string>& names);

/// The task of the run whose checkpoint or model stands at `output`, or "" when there is none. Throws FormatError.
std::string task_of_earlier_run(const std::string& output);

/// Engine::train for a task that is already chosen.
TrainReport run_training(tasks::Task& task, const TrainRequest& request, Observer& observer);

}  // namespace carousel::engine
