#include "carousel/tasks/forecast_objective.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "carousel/autograd/ops/elementwise.h"
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
    use(take_windows(series, some, o.shape()));
  }
}

/// Mean error of the loss's kind over the windows, in units of the training deviation, of what `forecast` makes of a
/// batch.
double error_of(const ForecastOptions& o, const std::vector<StandardSeries>& series,
                const std::vector<WindowPlace>& places, const std::function<Tensor(const WindowBatch&)>& forecast) {
  const bool squared = o.network.loss == "mse";
  double sum = 0, values = 0;
  for_batches(o, series, places, [&](const WindowBatch& batch) {
    const Tensor point = forecast(batch);
    for (int64_t i = 0; i < point.numel(); ++i) {
      const double e =
          static_cast<double>(point.data<float>()[i]) - static_cast<double>(batch.targets.data<float>()[i]);
      sum += squared ? e * e : std::abs(e);
    }
    values += static_cast<double>(point.numel());
  });
  return sum / values;
}

double error_of(ForecastModel& model, const std::string& name, const std::vector<StandardSeries>& series,
                const std::vector<WindowPlace>& places) {
  return error_of(model.options(), series, places,
                  [&](const WindowBatch& batch) { return model.forecasts(name, batch).point; });
}

class ForecastObjective final : public train::Objective {
 public:
  ForecastObjective(ForecastModel& model, ForecastSets sets)
      : model_(model), sets_(std::move(sets)), dev_(sets_.dev.sample(kMostDevWindows)) {
    for (const std::string& name : model_.candidates())
      if (name != "lstm" && name != "both") fixed_[name] = error_of(model_, name, sets_.of_dev(), dev_);
    model_.set_baseline_margins(model_.fit_margins(model_.baseline(), sets_.of_dev(), dev_));
  }

  nn::Module& module() override { return model_.module(); }

  int64_t num_batches(int64_t) override {
    const int64_t batch_size = model_.options().batch_size;
    return (sets_.train.size() + batch_size - 1) / batch_size;
  }

  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo&) override {
    const auto& members = model_.lstm();
    const int64_t values = std::min(model_.options().batch_size, sets_.train.size()) * model_.options().network.horizon;
    if (members.empty()) return {Var(Tensor::zeros({})), 0, values};  // nothing that gradients could teach
    Var loss;
    for (size_t m = 0; m < members.size(); ++m) {
      WindowBatch windows;
      {
        const profile::Scope scope(profile::Part::data);
        windows = take_windows(sets_.train_series, places_of(epoch, batch, m), model_.options().shape());
        const WindowNorm norm(model_.options().normalize, windows.windows);
        norm.apply(windows.targets);
      }
      const Var own = ops::scale(ctx.tape, members[m]->loss(ctx, windows.windows, windows.targets, windows.known),
                                 1 / static_cast<double>(members.size()));
      loss = loss.defined() ? ops::add(ctx.tape, loss, own) : own;
    }
    return {loss, loss.value().item() * static_cast<double>(values), values};
  }

  train::Evaluation evaluate() override {
    std::map<std::string, double> errors = fixed_;
    for (const std::string& name : model_.candidates())
      if (!errors.contains(name)) errors[name] = error_of(model_, name, sets_.of_dev(), dev_);
    std::string best = model_.candidates().front();
    for (const std::string& name : model_.candidates())
      if (errors.at(name) < errors.at(best)) best = name;
    model_.choose(best, model_.fit_margins(best, sets_.of_dev(), dev_));
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

  train::Baseline baseline() override {
    const std::string rule = model_.baseline();
    const double error = fixed_.contains(rule) ? fixed_.at(rule) : error_of(model_, rule, sets_.of_dev(), dev_);
    return {model_.baseline_text(), {{model_.options().network.loss, error}}};
  }

  std::string describe_batch(int64_t epoch, int64_t batch) override {
    const std::vector<WindowPlace> places = places_of(epoch, batch, 0);
    const WindowPlace& first = places.front();
    return fmt::format("{} windows, the first before value {} of {}", places.size(), first.origin + 1,
                       sets_.train_series[first.series].name);
  }

 private:
  std::vector<WindowPlace> places_of(int64_t epoch, int64_t batch, size_t member) const {
    const auto seed = static_cast<uint64_t>(model_.options().trainer.seed);
    return sets_.train.of_batch(model_.options().batch_size, member == 0 ? seed : mix(seed, member), epoch, batch);
  }

  ForecastModel& model_;
  ForecastSets sets_;
  std::vector<WindowPlace> dev_;
  std::map<std::string, double> fixed_;  ///< dev errors of what training does not change
};

}  // namespace

LinearFit fit_linear(const ForecastOptions& o, const ForecastSets& sets) {
  const WindowShape shape = o.shape();
  const nn::DLinear linear(shape.window, shape.horizon, o.moving_average, shape.channels);
  nn::RidgeFit fit(linear.inputs(), shape.horizon, shape.channels);
  for_batches(o, sets.train_series, sets.train.sample(kMostFitWindows), [&](WindowBatch batch) {
    const WindowNorm norm(o.normalize, batch.windows);
    norm.apply(batch.targets);
    fit.add(linear.features(batch.windows, batch.known), batch.targets,
            shape.channels > 0 ? linear.own_features(batch.known) : Tensor());
  });
  const std::vector<WindowPlace> dev = sets.dev.sample(kMostDevWindows);
  std::vector<double> tried = {1e-5, 1e-3, 1e-1, 10};
  if (o.ridge > 0) tried = {o.ridge};
  LinearFit best;
  for (const double ridge : tried) {
    nn::RidgeMaps maps = fit.solve(ridge);
    if (maps.shared.empty()) continue;
    linear.set_maps(maps);
    const double error = error_of(o, sets.of_dev(), dev, [&](const WindowBatch& batch) {
      Tensor x = batch.windows.clone();
      const WindowNorm norm(o.normalize, x);
      Tensor y = linear.forward(x, batch.known);
      norm.undo(y);
      return y;
    });
    if (best.maps.shared.empty() || error < best.error) best = {ridge, error, std::move(maps)};
  }
  if (best.maps.shared.empty())
    throw ConfigError(
        fmt::format("[dlinear] least squares must have a solution; got none with ridge = {}. Set a larger ridge.",
                    fmt::join(tried, ", ")));
  return best;
}

std::unique_ptr<train::Objective> make_forecast_objective(ForecastModel& model, ForecastSets sets) {
  return std::make_unique<ForecastObjective>(model, std::move(sets));
}

}  // namespace carousel::tasks
