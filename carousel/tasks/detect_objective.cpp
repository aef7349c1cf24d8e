#include "carousel/tasks/detect_objective.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/regression.h"
#include "carousel/base/profile.h"
#include "carousel/tasks/detect_calibration.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kDevWindows = 512;

/// Rows of some windows: frames step after step, what comes next, and levels.
struct DetectBatch {
  Packing packing;
  Tensor frames, targets, levels;
};

DetectBatch take(const std::vector<DetectSeries>& series, const std::vector<WindowPlace>& places, int64_t window) {
  constexpr int64_t kCount = SeriesFeatures::kCount;
  const auto count = static_cast<int64_t>(places.size());
  DetectBatch batch;
  batch.packing = Packing::make(std::vector<int64_t>(places.size(), window));
  batch.frames = Tensor::empty({window * count, kCount});
  batch.targets = Tensor::empty({window * count, 1});
  batch.levels = Tensor::empty({count, window});
  for (int64_t b = 0; b < count; ++b) {
    const WindowPlace& place = places[static_cast<size_t>(b)];
    const DetectSeries& s = series[place.series];
    for (int64_t t = 0; t < window; ++t) {
      const int64_t row = place.origin - window + t;
      std::copy_n(s.features.data() + row * kCount, kCount, batch.frames.data<float>() + (t * count + b) * kCount);
      batch.targets.data<float>()[t * count + b] = s.targets[static_cast<size_t>(row)];
      batch.levels.data<float>()[b * window + t] = s.levels[static_cast<size_t>(row)];
    }
  }
  return batch;
}

class DetectObjective final : public train::Objective {
 public:
  DetectObjective(DetectModel& model, DetectSets sets)
      : model_(model), sets_(std::move(sets)), dev_(sets_.dev.sample(kDevWindows)) {}

  nn::Module& module() override { return model_.module(); }

  int64_t num_batches(int64_t) override {
    const int64_t batch_size = model_.options().batch_size;
    return (sets_.train.size() + batch_size - 1) / batch_size;
  }

  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo&) override {
    const std::vector<WindowPlace> places = places_of(epoch, batch);
    DetectBatch rows;
    {
      const profile::Scope scope(profile::Part::data);
      rows = take(sets_.series, places, model_.options().window);
    }
    const Var loss = loss_of(ctx, rows);
    const int64_t values = rows.targets.numel();
    return {loss, loss.value().item() * static_cast<double>(values), values};
  }

  train::Evaluation evaluate() override {
    train::Evaluation e;
    nn::Context ctx;
    e.metric = "error";
    e.value = loss_of(ctx, take(sets_.series, dev_, model_.options().window)).value().item();
    e.metrics["error"] = e.value;
    const Calibration calibration = calibrate(model_, sets_.groups, sets_.train_rows);
    model_.choose(calibration.best, calibration.threshold, calibration.found);
    e.metrics["threshold"] = calibration.threshold;
    for (const auto& [name, share] : calibration.found) e.metrics[name + "_found"] = share;
    return e;
  }

  std::string describe_batch(int64_t epoch, int64_t batch) override {
    const std::vector<WindowPlace> places = places_of(epoch, batch);
    const WindowPlace& first = places.front();
    return fmt::format("{} windows, the first before row {} of {}", places.size(), first.origin + 1,
                       sets_.series[first.series].name);
  }

 private:
  std::vector<WindowPlace> places_of(int64_t epoch, int64_t batch) const {
    return sets_.train.of_batch(model_.options().batch_size, static_cast<uint64_t>(model_.options().trainer.seed),
                                epoch, batch);
  }

  Var loss_of(nn::Context& ctx, const DetectBatch& rows) {
    Var sum;
    if (model_.next())
      sum = ops::absolute_error(ctx.tape, model_.next()->forward(ctx, rows.packing, Var(rows.frames)), rows.targets);
    if (model_.again()) {
      const Var told = ops::squared_error(ctx.tape, model_.again()->forward(ctx, rows.levels), rows.levels);
      sum = sum.defined() ? ops::add(ctx.tape, sum, told) : told;
    }
    return sum;
  }

  DetectModel& model_;
  DetectSets sets_;
  std::vector<WindowPlace> dev_;
};

}  // namespace

DetectSeries detect_series(const data::Series& series, int64_t rows, int64_t memory, int64_t period) {
  DetectSeries out;
  out.name = series.name;
  SeriesFeatures features(memory, period);
  for (int64_t i = 0; i < rows; ++i) {
    const double value = series.values[static_cast<size_t>(i)];
    features.read(value);
    const auto frame = features.values();
    out.features.insert(out.features.end(), frame.begin(), frame.end());
    out.levels.push_back(frame[0]);
    const double next = i + 1 < rows ? series.values[static_cast<size_t>(i) + 1] - value : 0;
    constexpr double kClip = 4;
    out.targets.push_back(
        static_cast<float>(std::clamp(std::copysign(ratio_of(next, features.unit()), next), -kClip, kClip)));
  }
  return out;
}

std::unique_ptr<train::Objective> make_detect_objective(DetectModel& model, DetectSets sets) {
  return std::make_unique<DetectObjective>(model, std::move(sets));
}

}  // namespace carousel::tasks
