// A trained (or trainable) classifier of sequences of numeric frames: networks, labels and how frames are read.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "carousel/data/frames/frames.h"
#include "carousel/data/frames/scaling.h"
#include "carousel/nn/classifier_ensemble.h"
#include "carousel/tasks/class_answers.h"
#include "carousel/tasks/classify_config.h"
#include "carousel/tasks/labels.h"
#include "carousel/tasks/task.h"

namespace carousel::tasks {

/// The label whose mean of the means and deviations of its training sequences' columns is nearest: what a classifier
/// knows that does not look at time.
struct Centroids {
  std::vector<double> values;  ///< [labels, 2 * columns]

  static Centroids learn(const std::vector<data::FrameExample>& scaled, const std::vector<int64_t>& classes,
                         int64_t num_classes, int64_t width);
  int64_t nearest(const data::FrameExample& scaled, int64_t width) const;
};

/// Everything that the task's files say besides the weights.
struct FrameParts {
  ClassifyOptions options;  ///< decided
  Labels labels;            ///< and how many training sequences had each
  data::FrameScaling scaling;
  Centroids centroids;
};

class FrameModel final : public TaskModel {
 public:
  /// Throws ConfigError.
  FrameModel(FrameParts parts, uint64_t seed);

  std::string task() const override { return "classify"; }
  nn::Module& module() override { return networks_.module(); }
  std::map<std::string, std::string> metadata() const override;
  EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) override;
  /// Lines name files of one sequence each.
  std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) override;
  bool answers_files() const override { return true; }
  bool reads_names() const override { return true; }
  FileAnswer predict_file(const std::string& file, const PredictOptions& options) override;
  /// Of the first sequence of a file, through the first member.
  AttentionMap inspect(const std::string& file, const PredictOptions& options) override;
  GateTrace gates(const std::string& file, const PredictOptions& options) override;
  std::vector<std::string> views() const override;
  std::vector<std::pair<std::string, std::string>> describe() override;

  const FrameParts& parts() const { return parts_; }
  int64_t members() const { return networks_.size(); }
  nn::Classifier& member(int64_t index) { return networks_[index]; }
  double temperature() { return networks_.first().temperature(); }
  void set_temperature(double temperature) { networks_.first().set_temperature(temperature); }

  /// Logits [examples.size(), num_classes] of one member, and the mean of all.
  std::vector<float> member_logits(nn::Classifier& member, const std::vector<const data::FrameExample*>& scaled);
  std::vector<float> logits(const std::vector<const data::FrameExample*>& scaled);

 private:
  data::FrameSet read(const std::vector<std::string>& files, bool labelled, std::vector<std::string>& notes) const;
  std::vector<float> logits_of(data::FrameSet& set);
  struct Look;
  Look look_at(const std::string& file);

  FrameParts parts_;
  nn::ClassifierEnsemble networks_;
};

/// Whether the metadata is of a classifier of frames.
bool holds_frames(const std::map<std::string, std::string>& metadata);
/// Rebuilds the parts from a file's metadata; FormatError naming `file`.
FrameParts load_frame_parts(const ClassifyOptions& options, const std::map<std::string, std::string>& metadata,
                            const std::string& file);

}  // namespace carousel::tasks
