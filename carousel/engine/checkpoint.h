// What lies on disk: the model file and, beside it, the checkpoint of a running training. Both are archives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/tasks/task.h"
#include "carousel/tensor/archive.h"
#include "carousel/train/trainer.h"

namespace carousel::engine {

/// Raised when a reader of the old format could misread the new one.
constexpr int64_t kFormatVersion = 1;
/// Metadata of a file whose weights are in a number format: which, and what it cost, for people.
constexpr const char* kQuantizedKey = "carousel.quantized";

/// Which run a file belongs to. Two runs of the same identity give the same bits. Nothing here depends on the clock or
/// on where files lie, so that equal runs write equal files.
struct RunIdentity {
  std::string task;
  std::string options;      ///< JSON of the option table as the user set it: what is automatic stays "auto"
  std::string options_set;  ///< names of the options that were set, with commas between
  std::string config;       ///< JSON of the option table with the values in force
  std::string data_hash;    ///< over the bytes of the training data
  int64_t threads = 1;      ///< in use; other numbers may change the last bits
};

/// How far the run had come when the file was written, and how to repeat it.
struct RunRecord {
  bool finished = false;
  std::string schedule;  ///< ProgressTrace of a run bounded by time, "" otherwise
  std::string command;   ///< repeats the run; "MODEL" stands for this file
  train::TrainResult result;
};

/// The checkpoint's name: the model's with ".ckpt" behind it.
std::string checkpoint_file(const std::string& model_file);

/// A model file: weights under their names, everything else in its metadata.
Archive model_archive(tasks::TaskModel& model, const RunIdentity& identity, const RunRecord& record);
/// A checkpoint file.
Archive checkpoint_archive(const RunIdentity& identity, const train::TrainerState& state);

/// Writes an identity over the one in a file's metadata.
void store_identity(std::map<std::string, std::string>& metadata, const RunIdentity& identity);

/// The state text of a checkpoint; FormatError when the file is none.
const std::string& trainer_state_of(const Archive& archive, const std::string& file);
/// The identity in a model or checkpoint file; FormatError when it is of another program or of a newer format.
RunIdentity identity_of(const Archive& archive, const std::string& file);
/// The record in a model file, as far as a later run needs it: all but history and epochs.
RunRecord record_of(const Archive& archive, const std::string& file);

/// Rebuilds the model of a file through its task. Throws FormatError for a checkpoint, another program's file, a newer
/// format, metadata the task cannot use, and weights that load_weights refuses.
std::unique_ptr<tasks::TaskModel> load_model(tasks::Task& task, const Archive& archive, const std::string& file);
/// Copies weights into a module. Every parameter must be there with its shape and dtype, finite, or a matrix in a
/// number format (engine/number_format.h), and nothing else (FormatError naming the tensor and both shapes).
void load_weights(nn::Module& module, const Archive& archive, const std::string& file);

}  // namespace carousel::engine
