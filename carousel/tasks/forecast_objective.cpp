#include "carousel/tasks/forecast_objective.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "carousel/base/error.h"
#include "carousel/base/profile.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kMostDevWindows = 4000;   ///< looked at in each evaluation
constexpr int64_t kMostFitWindows = 40000;  ///< that DLinear is solved for
constexpr size_t kBatch = 256;              ///< windows read together

/// Calls `use` with batches of the windows.
template <class Use>
void for_batches(const ForecastOptions& o, const std::vector<StandardSeries>& series,
                 const std::vector<WindowPlace>& places, Use use) {
  for (size_t begin = 0; begin < places.size(); begin += kBatch) {
    const std::vector<WindowPlace> some(places.begin() + static_cast<int64_t>(begin),
                                        places.begin() + static_cast<int64_t>(std::min(places.size(), begin + kBatch)));
    use(take_windows(series, some, o.network.window, o.network.horizon));
  }
}

/// Mean error of the loss's kind over the windows, in units of the training deviation.
double error_of(ForecastModel& model, const std::string& name, const std::vector<StandardSeries>& series,
                const std::vector<WindowPlace>& places) {
  const bool squared = model.options().network.loss == "mse";
  double sum = 0, values = 0;
  for_batches(model.options(), series, places, [&](const WindowBatch& batch) {
    const Tensor point = model.forecasts(name, batch.windows).point;
    for (int64_t i = 0; i < point.numel(); ++i) {
      const double e =
          static_cast<double>(point.data<float>()[i]) - static_cast<double>(batch.targets.data<float>()[i]);
      sum += squared ? e * e : std::abs(e);
    }
    values += static_cast<double>(point.numel());
  });
  return sum / values;
}

class ForecastObjective final : public train::Objective {
 public:
  ForecastObjective(ForecastModel& model, ForecastSets sets)
      : model_(model), sets_(std::move(sets)), dev_(sets_.dev.sample(kMostDevWindows)) {
    for (const std::string& name : model_.candidates())
      if (name != "lstm" && name != "both") fixed_[name] = error_of(model_, name, sets_.of_dev(), dev_);
    model_.set_baseline_margin(model_.fit_margin(model_.baseline(), sets_.of_dev(), dev_));
  }

  nn::Module& module() override { return model_.module(); }

  int64_t num_batches(int64_t) override {
    const int64_t batch_size = model_.options().batch_size;
    return (sets_.train.size() + batch_size - 1) / batch_size;
  }

  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo&) override {
    const std::vector<WindowPlace> places = places_of(epoch, batch);
    const int64_t values = static_cast<int64_t>(places.size()) * model_.options().network.horizon;
    if (!model_.lstm()) return {Var(Tensor::zeros({})), 0, values};  // nothing that gradients could teach
    WindowBatch windows;
    {
      const profile::Scope scope(profile::Part::data);
      windows =
          take_windows(sets_.train_series, places, model_.options().network.window, model_.options().network.horizon);
      const WindowNorm norm(model_.options().normalize, windows.windows);
      norm.apply(windows.targets);
    }
    const Var loss = model_.lstm()->loss(ctx, windows.windows, windows.targets);
    return {loss, loss.value().item() * static_cast<double>(values), values};
  }

  train::Evaluation evaluate() override {
    std::map<std::string, double> errors = fixed_;
    for (const std::string& name : model_.candidates())
      if (!errors.contains(name)) errors[name] = error_of(model_, name, sets_.of_dev(), dev_);
    std::string best = model_.candidates().front();
    for (const std::string& name : model_.candidates())
      if (errors.at(name) < errors.at(best)) best = name;
    model_.choose(best, model_.fit_margin(best, sets_.of_dev(), dev_));
    train::Evaluation e;
    e.metric = model_.options().network.loss;
    e.value = errors.at(best);
    for (const auto& [name, error] : errors) e.metrics[name + "_" + e.metric] = error;
    e.metrics[e.metric] = e.value;
    if (best != "lstm" && errors.contains("lstm")) {
      std::vector<std::string> all;
      for (const std::string& name : model_.candidates())
        all.push_back(fmt::format("{} {:.4g}", name, errors.at(name)));
      e.warning = fmt::format("{} forecasts better than the recurrent network alone and is kept (dev {}: {})", best,
                              e.metric, fmt::join(all, ", "));
    }
    return e;
  }

  std::string describe_batch(int64_t epoch, int64_t batch) override {
    const std::vector<WindowPlace> places = places_of(epoch, batch);
    const WindowPlace& first = places.front();
    return fmt::format("{} windows, the first before value {} of {}", places.size(), first.origin + 1,
                       sets_.train_series[first.series].name);
  }

 private:
  std::vector<WindowPlace> places_of(int64_t epoch, int64_t batch) const {
    return sets_.train.of_batch(model_.options().batch_size, static_cast<uint64_t>(model_.options().trainer.seed),
                                epoch, batch);
  }

  ForecastModel& model_;
  ForecastSets sets_;
  std::vector<WindowPlace> dev_;
  std::map<std::string, double> fixed_;  ///< dev errors of what training does not change
};

}  // namespace

double fit_dlinear(ForecastModel& model, const ForecastSets& sets) {
  const ForecastOptions& o = model.options();
  nn::RidgeFit fit(2 * o.network.window + 1, o.network.horizon);
  for_batches(o, sets.train_series, sets.train.sample(kMostFitWindows), [&](WindowBatch batch) {
    const WindowNorm norm(o.normalize, batch.windows);
    norm.apply(batch.targets);
    fit.add(model.dlinear()->features(batch.windows), batch.targets);
  });
  const std::vector<WindowPlace> dev = sets.dev.sample(kMostDevWindows);
  std::vector<double> tried = {1e-5, 1e-3, 1e-1, 10}, best_maps;
  if (o.ridge > 0) tried = {o.ridge};
  double best = 0, least = 0;
  for (const double ridge : tried) {
    std::vector<double> maps = fit.solve(ridge);
    if (maps.empty()) continue;
    model.dlinear()->set_maps(maps);
    const double error = error_of(model, "dlinear", sets.of_dev(), dev);
    if (!best_maps.empty() && !(error < least)) continue;
    best = ridge;
    least = error;
    best_maps = std::move(maps);
  }
  if (best_maps.empty())
    throw ConfigError(
        fmt::format("[dlinear] least squares must have a solution; got none with ridge = {}. Set a larger ridge.",
                    fmt::join(tried, ", ")));
  model.dlinear()->set_maps(best_maps);
  return best;
}

std::unique_ptr<train::Objective> make_forecast_objective(ForecastModel& model, ForecastSets sets) {
  return std::make_unique<ForecastObjective>(model, std::move(sets));
}

}  // namespace carousel::tasks
