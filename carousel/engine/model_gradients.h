// How far an error flows back through a trained model.
#pragma once

#include <string>

#include "carousel/tasks/lab/report.h"
#include "carousel/tasks/task.h"

namespace carousel::engine {

/// For one line: the norms of dL/dh and dL/dc of each recurrent layer at each symbol, counted back from the last. The
/// loss of a language model is that of the line's last symbol; that of an encoder-decoder is of its own answer, and the
/// encoder is shown. Throws FormatError for the file, ConfigError for a line of fewer than 3 symbols, and
/// UnsupportedError for models of other tasks.
tasks::lab::Report model_gradients(const std::string& model_file, const std::string& line);
/// The same for a model in memory.
tasks::lab::Report model_gradients(tasks::TaskModel& model, const std::string& line);

}  // namespace carousel::engine
