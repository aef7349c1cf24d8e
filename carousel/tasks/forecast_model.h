// A trained (or trainable) forecaster: a recurrent network, a linear one and naive rules, one of which is chosen.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "carousel/data/series.h"
#include "carousel/nn/dlinear.h"
#include "carousel/nn/forecaster.h"
#include "carousel/tasks/forecast_config.h"
#include "carousel/tasks/forecast_windows.h"
#include "carousel/tasks/task.h"
#include "carousel/train/forecasting.h"

namespace carousel::tasks {

/// Everything that the task's files say besides the weights.
struct ForecastParts {
  ForecastOptions options;  ///< decided
  std::vector<SeriesMemory> memories;
};

/// Forecasts of some windows with intervals, in the units of the windows: [B, horizon] each.
struct Forecasts {
  Tensor point, low, high;  ///< low and high are the point where a model knows no interval
};

class ForecastModel final : public TaskModel {
 public:
  ForecastModel(ForecastParts parts, uint64_t seed);

  std::string task() const override { return "forecast"; }
  nn::Module& module() override;
  std::map<std::string, std::string> metadata() const override;
  EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) override;
  std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) override;
  bool answers_files() const override { return true; }
  FileAnswer predict_file(const std::string& file, const PredictOptions& options) override;
  AttentionMap inspect(const std::string& line, const PredictOptions& options) override;
  std::vector<std::pair<std::string, std::string>> describe() override;

  const ForecastOptions& options() const { return parts_.options; }
  const std::vector<SeriesMemory>& memories() const { return parts_.memories; }
  nn::Forecaster* lstm() { return network_->lstm.get(); }
  nn::DLinear* dlinear() { return network_->dlinear.get(); }

  /// The models that this one can forecast with, see forecast_models().
  const std::vector<std::string>& candidates() const { return candidates_; }
  /// The rule that scores are compared with: seasonal_naive where there is a season, else naive.
  std::string baseline() const;
  /// Windows [B, window] of standardised series, see StandardSeries.
  Forecasts forecasts(const std::string& model, const Tensor& windows);

  /// The model that answers, and by how much the intervals of each step are widened so that they cover what they shall:
  /// parameters that no gradient reaches, kept with the weights that they belong to.
  const std::string& chosen() const;
  void choose(const std::string& model, const std::vector<float>& margin) const;
  void set_baseline_margin(const std::vector<float>& margin) const;
  /// Margins of a model on windows with known continuation (Romano et al. 2019, "Conformalized quantile regression").
  std::vector<float> fit_margin(const std::string& model, const std::vector<StandardSeries>& series,
                                const std::vector<WindowPlace>& places);

 private:
  struct Network final : nn::Module {
    Network(const ForecastOptions& options, uint64_t seed);
    std::unique_ptr<nn::Forecaster> lstm;
    std::unique_ptr<nn::DLinear> dlinear;
    Var choice, margin, baseline_margin;
  };
  struct File;

  Forecasts of_lstm(const Tensor& windows);
  Tensor of_dlinear(const Tensor& windows) const;
  Tensor of_rule(const std::string& rule, const Tensor& windows) const;
  File open(const std::string& file, int64_t least) const;
  SeriesMemory memory_of(const data::Series& series, size_t series_in_file, std::vector<std::string>& strangers) const;
  bool continues(const data::Series& series, const SeriesMemory& memory, int64_t least) const;
  static void widen(Forecasts& forecasts, const Var& margin);
  train::ForecastScores score(const File& file, const std::vector<WindowPlace>& places, const std::string& model,
                              const Var& margin);
  void note_each(const File& file, const std::vector<WindowPlace>& places, EvalReport& report);

  ForecastParts parts_;
  std::vector<std::string> candidates_;
  std::unique_ptr<Network> network_;
};

/// Rebuilds the parts from a file's metadata; FormatError naming `file`.
ForecastParts load_forecast_parts(const ForecastOptions& options, const std::map<std::string, std::string>& metadata,
                                  const std::string& file);

}  // namespace carousel::tasks
