// A trained (or trainable) forecaster: a recurrent network, a linear one and naive rules, one of which is chosen.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "carousel/data/series.h"
#include "carousel/nn/dlinear.h"
#include "carousel/nn/forecaster.h"
#include "carousel/tasks/forecast_file.h"
#include "carousel/tasks/forecast_windows.h"
#include "carousel/tasks/task.h"
#include "carousel/train/forecasting.h"

namespace carousel::tasks {

/// Forecasts of some windows, in the units of the windows: [B, horizon] each.
struct Forecasts {
  Tensor point;
  std::vector<Tensor> quantiles;  ///< of ForecastModel::levels(); the point where a model knows none

  void each(const std::function<void(Tensor&)>& use);
};

class ForecastModel final : public TaskModel {
 public:
  ForecastModel(ForecastParts parts, uint64_t seed);

  std::string task() const override { return "forecast"; }
  nn::Module& module() override;
  std::map<std::string, std::string> metadata() const override;
  EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) override;
  EvalReport backtest(const std::vector<std::string>& files, int64_t origins) override;
  std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) override;
  bool answers_files() const override { return true; }
  FileAnswer predict_file(const std::string& file, const PredictOptions& options) override;
  AttentionMap inspect(const std::string& line, const PredictOptions& options) override;
  std::vector<std::pair<std::string, std::string>> describe() override;

  const ForecastOptions& options() const { return parts_.options; }
  const std::vector<SeriesMemory>& memories() const { return parts_.memories; }
  /// The members of the recurrent network; empty where it is no candidate.
  const std::vector<std::unique_ptr<nn::Forecaster>>& lstm() { return network_->lstm; }
  nn::DLinear* dlinear() { return network_->dlinear.get(); }

  /// The models that this one can forecast with, see forecast_models().
  const std::vector<std::string>& candidates() const { return candidates_; }
  /// The rule that scores are compared with: seasonal_naive where there is a season, else naive.
  std::string baseline() const;
  /// "seasonal naive: the last 24 values again".
  std::string baseline_text() const;
  /// Windows of standardised series, see StandardSeries, and what is known of their steps.
  Forecasts forecasts(const std::string& model, const WindowBatch& batch);

  /// Levels in (0, 1) of the quantiles that are forecast: the ends of the interval first, then those of the option.
  const std::vector<double>& levels() const { return levels_; }
  /// The model that answers, and what is added to its quantiles so that they are those of their levels: parameters that
  /// no gradient reaches, kept with the weights that they belong to. Margins are [levels, horizon].
  const std::string& chosen() const;
  void choose(const std::string& model, const std::vector<float>& margins) const;
  void set_baseline_margins(const std::vector<float>& margins) const;
  /// Margins of a model on windows with known continuation: conformalised quantiles, each end of an interval by itself
  /// (Romano et al. 2019, "Conformalized quantile regression", theorem 2).
  std::vector<float> fit_margins(const std::string& model, const std::vector<StandardSeries>& series,
                                 const std::vector<WindowPlace>& places);

 private:
  struct Network final : nn::Module {
    Network(const ForecastOptions& options, uint64_t seed);
    std::vector<std::unique_ptr<nn::Forecaster>> lstm;
    std::unique_ptr<nn::DLinear> dlinear;
    Var choice, margin, baseline_margin;
  };
  /// Hears of a window what was forecast and what came.
  using WindowSink = std::function<void(const WindowPlace& place, const train::ForecastWindow& window)>;

  Forecasts of_lstm(const WindowBatch& batch);
  Tensor of_dlinear(const WindowBatch& batch) const;
  Tensor of_rule(const std::string& rule, const Tensor& windows) const;
  void uncross(std::vector<Tensor>& quantiles) const;
  void widen(Forecasts& forecasts, const Var& margin) const;
  void each_window(const ForecastFile& file, const std::vector<WindowPlace>& places, const std::string& model,
                   const Var& margin, const WindowSink& sink);
  train::ForecastScores score(const ForecastFile& file, const std::vector<WindowPlace>& places,
                              const std::string& model, const Var& margin);
  /// A file to score, and places with a window before and a horizon behind them: of each series the last `most`, `step`
  /// apart.
  struct Places {
    ForecastFile file;
    std::vector<WindowPlace> places;
    std::vector<std::string> notes;
  };
  Places open_places(const std::vector<std::string>& files, int64_t step, int64_t most) const;
  EvalReport report_on(const Places& scored);
  int64_t seen_in_training(const Places& scored) const;
  void note_each(const ForecastFile& file, const std::vector<WindowPlace>& places, EvalReport& report);

  ForecastParts parts_;
  std::vector<std::string> candidates_;
  std::vector<double> levels_;
  std::unique_ptr<Network> network_;
};

}  // namespace carousel::tasks
