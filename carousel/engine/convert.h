// Model files under other conventions, and weights that PyTorch trained.
#pragma once

#include <string>
#include <vector>

#include "carousel/engine/engine.h"

namespace carousel::engine {

struct ConvertRequest {
  std::string model;
  std::string output;             ///< may be `model`
  std::vector<Setting> settings;  ///< of the cell: update, biases, reset, activation
};

/// Rewrites the recurrent layers of a model file for other conventions (nn::convert_layer) and its options with them.
/// Answers stay the same up to rounding. Returns what was done, in sentences. Throws ConfigError with the reason where
/// no exact conversion exists, FormatError for the file.
std::vector<std::string> convert_model(const ConvertRequest& request);

struct TorchRequest {
  std::string weights;  ///< a PyTorch state_dict saved as safetensors
  std::string like;     ///< model file that says what the tensors mean: task, sizes, vocabulary, conventions
  std::string prefix;   ///< stands before each name of `weights`: "encoder." for the state_dict of a bare nn.LSTM
  std::string output;
};

/// A model file like `like` with the weights of a state_dict, by name; tensors of `like` that do not begin with the
/// prefix stay. Layers are converted from PyTorch's conventions (GRU: reset = after, update = keep; as many biases as
/// the file has) to those of `like`. Returns what was done. Throws FormatError naming the tensor for one that is
/// missing, superfluous or of another shape, ConfigError where the conventions cannot be converted.
std::vector<std::string> import_torch(const TorchRequest& request);

}  // namespace carousel::engine
