// A trained (or trainable) detector of anomalies.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "carousel/nn/next_value.h"
#include "carousel/tasks/detect_data.h"
#include "carousel/tasks/detect_stream.h"
#include "carousel/tasks/task.h"

namespace carousel::tasks {

/// What a model remembers of a series it was trained on.
struct DetectMemory {
  std::string name;
  int64_t last_time = 0;  ///< 0 where the data has no times
  data::TimeStep step;
  int64_t period = 1;
  std::vector<double> end;  ///< its last values: read before those of a file that goes on where training ended
};
inline constexpr int64_t kKeptRows = 512;

/// Everything that the task's files say besides the weights.
struct DetectParts {
  DetectOptions options;  ///< decided
  data::SeriesPlan plan;  ///< of rows that come one by one
  data::TimeStyle style = data::TimeStyle::integer;
  int64_t period = 1;  ///< of series that are not known
  std::vector<DetectMemory> memories;
};
/// Of the series learnt from: "24 steps", "12 to 288 steps", "none".
std::string seasons_text(const DetectParts& parts);

/// One group under way: a score for each row.
class GroupDetector {
 public:
  struct Answer {
    double score = 0;
    bool peak = false;           ///< higher than those of the rows before it, see PeakTracker; never in the warm-up
    size_t because = 0;          ///< the series with the highest score
    double expected = 0;         ///< of the first series
    double error = 0, step = 0;  ///< means over the series, see Signals
  };
  GroupDetector(const DetectOptions& options, std::vector<SeriesDetector> series, std::string score);
  Answer read(const std::vector<double>& values);

 private:
  std::vector<SeriesDetector> series_;
  AlarmScore alarm_;
  std::string score_;
  int64_t warm_up_;
};

class DetectModel final : public TaskModel {
 public:
  DetectModel(DetectParts parts, uint64_t seed);

  std::string task() const override { return "detect"; }
  nn::Module& module() override;
  std::map<std::string, std::string> metadata() const override;
  EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) override;
  std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) override;
  bool answers_files() const override { return true; }
  FileAnswer predict_file(const std::string& file, const PredictOptions& options) override;
  std::unique_ptr<RowAnswers> open_rows(const std::string& name) override;
  AttentionMap inspect(const std::string& line, const PredictOptions& options) override;
  std::vector<std::pair<std::string, std::string>> describe() override;

  const DetectParts& parts() const { return parts_; }
  const DetectOptions& options() const { return parts_.options; }
  nn::NextValue* next() { return network_->next.get(); }
  nn::SequenceAutoencoder* again() { return network_->again.get(); }

  /// Scores that may be chosen from, see detect_scores().
  std::vector<std::string> candidates() const;
  /// What rows are scored by, and the score from which on one is an alarm: parameters that no gradient reaches, kept
  /// with the weights that they belong to.
  std::string chosen() const;
  double threshold() const;
  /// `found`: for each candidate the share of the anomalies put into held-out rows that it finds, see calibrate().
  void choose(const std::string& score, double threshold, const std::map<std::string, double>& found) const;

  /// The networks with their present weights.
  DetectNetworks networks();
  /// Whether the model remembers all of these series; only_one: the file holds no other.
  bool knows(const std::vector<std::string>& names, bool only_one) const;
  /// Detectors of series whose values stand in the same rows, by their names, before the first value: behind what is
  /// remembered of them where they go on where training ended. `times` are the first two times, or fewer; only_one: the
  /// file holds no other series. `going_on` (may be null) counts those that go on.
  GroupDetector detector(const std::vector<std::string>& names, std::span<const int64_t> times, data::TimeStyle style,
                         bool only_one, int64_t* going_on);
  /// Answers to all rows of a group of a file with `groups` of them.
  std::vector<GroupDetector::Answer> answers(const DetectGroup& group, size_t groups);

 private:
  const DetectMemory* memory_of(const std::string& name, bool only_one) const;
  SeriesDetector one_detector(int64_t period);

  struct Network final : nn::Module {
    Network(const DetectOptions& options, uint64_t seed);
    std::unique_ptr<nn::NextValue> next;
    std::unique_ptr<nn::SequenceAutoencoder> again;
    Var choice, threshold, found;
  };

  DetectParts parts_;
  std::unique_ptr<Network> network_;
  std::shared_ptr<const nn::StreamModel> stream_;
  uint64_t stream_version_ = 0;
};

/// Rebuilds the parts from a file's metadata; FormatError naming `file`.
DetectParts load_detect_parts(const DetectOptions& options, const std::map<std::string, std::string>& metadata,
                              const std::string& file);

}  // namespace carousel::tasks
