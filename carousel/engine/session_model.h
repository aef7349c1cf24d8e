// What the sessions of one loaded model share.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "carousel/engine/session.h"
#include "carousel/tasks/task.h"

namespace carousel::engine {

class Session::Model {
 public:
  /// `config`: the options in force, as the model file has them. Throws UnsupportedError where the model cannot stream.
  Model(std::shared_ptr<tasks::TaskModel> model, std::string config);

  const tasks::Streaming& streaming() const { return streaming_; }
  /// Of task, options, vocabulary and weights, 64 hex digits. Computed when first asked for.
  const std::string& digest() const;

 private:
  std::shared_ptr<tasks::TaskModel> model_;
  std::string config_;
  tasks::Streaming streaming_;
  mutable std::once_flag once_;
  mutable std::string digest_;
};

}  // namespace carousel::engine
