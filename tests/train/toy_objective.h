// A linear model y = x W + b on made-up data, with batches, dropout-like noise and a dev score: the smallest objective
// that has everything a trainer can get wrong.
#pragma once

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "carousel/base/rng.h"
#include "carousel/train/objective.h"

namespace carousel::train {

class ToyModule : public nn::Module {
 public:
  ToyModule() {
    weight = parameter("layer.weight", Tensor::full({4, 1}, 0.5));
    bias = parameter("layer.bias", Tensor::zeros({1}));
  }
  Var weight, bias;
};

/// Squared error of the linear model, differentiated by hand.
class ToyObjective : public Objective {
 public:
  nn::Module& module() override { return module_; }
  int64_t num_batches(int64_t epoch) override { return 5 + epoch % 2; }
  BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const StepInfo& info) override {
    steps_seen.push_back(info);
    seeds_seen.insert(ctx.seed);
    if (info.step == bad_step)
      module_.weight.mutable_value().data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
    Rng rng(mix(static_cast<uint64_t>(epoch), static_cast<uint64_t>(batch)), 1), noise(ctx.seed, ctx.next_stream());
    constexpr int kRows = 8;
    std::vector<float> x(kRows * 4), error(kRows);
    double sum = 0;
    for (size_t row = 0; row < kRows; ++row) {
      double target = 0.25, y = module_.bias.value().data<float>()[0];
      for (size_t i = 0; i < 4; ++i) {
        x[row * 4 + i] = rng.normal() + 0.1F * noise.normal();
        target += kTruth[i] * static_cast<double>(x[row * 4 + i]);
        y += static_cast<double>(x[row * 4 + i]) * static_cast<double>(module_.weight.value().data<float>()[i]);
      }
      error[row] = static_cast<float>(y - target);
      sum += (y - target) * (y - target) / kRows;
    }
    BatchLoss result;
    result.loss = Var(Tensor::full({1}, sum), true);
    result.nll_sum = sum * kRows;
    result.tokens = kRows;
    const bool spoil = info.step == bad_gradient_step;
    Var weight = module_.weight, bias = module_.bias;
    ctx.tape->record({result.loss}, {weight, bias}, [weight, bias, x, error, spoil]() mutable {
      Tensor dw = Tensor::zeros({4, 1}), db = Tensor::zeros({1});
      for (size_t row = 0; row < kRows; ++row) {
        db.data<float>()[0] += 2.0F / kRows * error[row];
        for (size_t i = 0; i < 4; ++i) dw.data<float>()[i] += 2.0F / kRows * error[row] * x[row * 4 + i];
      }
      if (spoil) db.data<float>()[0] = std::numeric_limits<float>::infinity();
      weight.add_grad(dw);
      bias.add_grad(db);
    });
    return result;
  }
  Evaluation evaluate() override {
    ++evaluations;
    double distance = std::abs(static_cast<double>(module_.bias.value().data<float>()[0]) - 0.25);
    for (size_t i = 0; i < 4; ++i)
      distance += std::abs(static_cast<double>(module_.weight.value().data<float>()[i]) - kTruth[i]);
    Evaluation e;
    e.metric = "distance";
    e.value = constant_score ? 1 : distance;
    e.lower_is_better = lower_is_better;
    if (!scores.empty()) e.value = scores[static_cast<size_t>(evaluations - 1) % scores.size()];
    if (!ties.empty()) {
      e.tie_metric = "tie";
      e.metrics["tie"] = ties[static_cast<size_t>(evaluations - 1) % ties.size()];
    }
    e.metrics.insert({{"distance", e.value}, {"odd", std::numeric_limits<double>::infinity()}});
    return e;
  }
  std::string describe_batch(int64_t epoch, int64_t batch) override {
    return "toy lines " + std::to_string(epoch) + "/" + std::to_string(batch);
  }
  ToyModule& toy() { return module_; }

  static constexpr double kTruth[4] = {1, -2, 3, -4};
  int64_t bad_step = -1, bad_gradient_step = -1;
  bool constant_score = false, lower_is_better = true;
  std::vector<double> scores, ties;  // given out in turn when there are some
  int64_t evaluations = 0;
  std::vector<StepInfo> steps_seen;
  std::set<uint64_t> seeds_seen;

 private:
  ToyModule module_;
};

}  // namespace carousel::train
