#include "carousel/train/trainer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "carousel/base/error.h"
#include "carousel/kernels/table.h"
#include "carousel/train/optimizer.h"
#include "tests/support/temp_dir.h"
#include "tests/train/toy_objective.h"

namespace carousel::train {
namespace trainer_test {

using testing::error_of;

TrainerConfig toy_config() {
  TrainerConfig config;
  config.epochs = 12;
  config.learning_rate = 0.2;
  return config;
}

/// All weights as bytes: two runs are the same when these are.
std::string weights_of(ToyObjective& objective) {
  std::string bytes;
  for (const nn::NamedParameter& p : objective.module().parameters())
    bytes.append(static_cast<const char*>(p.var.value().raw()), static_cast<size_t>(p.var.value().nbytes()));
  return bytes;
}

struct ToyRun {
  std::string weights;
  TrainResult result;
};

ToyRun train_toy(const TrainerConfig& config) {
  ToyObjective objective;
  Trainer trainer(objective, config);
  ToyRun run;
  run.result = trainer.run({});
  run.weights = weights_of(objective);
  return run;
}

/// The state as it comes back from a file.
Archive archive_of(const TrainerState& state) {
  return parse_archive(serialize_archive({{}, state.tensors}), "c.ckpt");
}

/// Trains and gives up without warning after `steps`; then continues from the last checkpoint in a new trainer.
ToyRun train_toy_interrupted(const TrainerConfig& config, int64_t steps) {
  Archive saved;
  std::string json;
  {
    ToyObjective objective;
    Trainer trainer(objective, config);
    TrainerHooks hooks;
    hooks.stop = [&] { return trainer.result().step == steps; };
    hooks.checkpoint = [&] {
      const TrainerState state = trainer.export_state();
      saved = archive_of(state);
      json = state.json;
    };
    EXPECT_EQ(trainer.run(hooks).stop, TrainResult::Stop::requested);
  }
  ToyObjective objective;
  Trainer trainer(objective, config);
  trainer.import_state(saved, json, "c.ckpt");
  ToyRun run;
  run.result = trainer.run({});
  run.weights = weights_of(objective);
  return run;
}

TEST(Trainer, LearnsTheToyProblem) {
  TrainerConfig config = toy_config();
  config.epochs = 60;
  const ToyRun run = train_toy(config);
  EXPECT_LT(run.result.best.evaluation.value, 0.1);
  EXPECT_EQ(run.result.stop, TrainResult::Stop::budget);
  EXPECT_EQ(run.result.step, 330);
  EXPECT_EQ(run.result.epochs, 60);
}

TEST(Trainer, SameSeedSameBitsOtherSeedOtherBits) {
  TrainerConfig config = toy_config();
  const ToyRun first = train_toy(config);
  EXPECT_EQ(first.weights, train_toy(config).weights);
  config.seed = 2;
  EXPECT_NE(first.weights, train_toy(config).weights);
}

TEST(Trainer, EachStepHasItsOwnRandomNumbers) {
  ToyObjective objective;
  const TrainResult result = Trainer(objective, toy_config()).run({});
  EXPECT_EQ(static_cast<int64_t>(objective.seeds_seen.size()), result.step);
}

TEST(Trainer, CountsStepsForTheBiasCorrection) {
  TrainerConfig config = toy_config();
  config.epochs = 0;
  config.max_steps = 3;
  config.clip_norm = 0;
  config.warmup = 0;
  config.decay_start = 1;
  ToyObjective by_hand;
  const std::vector<nn::NamedParameter> parameters = by_hand.module().parameters();
  const auto optimizer = make_optimizer("adam", parameters, {});
  for (int64_t step = 0; step < 3; ++step) {
    Tape tape;
    nn::Context ctx;
    ctx.tape = &tape;
    ctx.seed = mix(1, static_cast<uint64_t>(step));
    tape.backward(by_hand.loss(ctx, 0, step, {}).loss);
    optimizer->step({config.learning_rate, 1, step + 1});
    for (nn::NamedParameter p : parameters) p.var.clear_grad();
  }
  ToyObjective objective;
  TrainerHooks hooks;
  std::string last;
  hooks.progress = [&](const Progress&) { last = weights_of(objective); };
  Trainer(objective, config).run(hooks);
  EXPECT_EQ(last, weights_of(by_hand));
}

TEST(Trainer, EveryOptionChangesTheWeights) {
  const std::string base = train_toy(toy_config()).weights;
  const std::vector<std::pair<const char*, void (*)(TrainerConfig&)>> changes = {
      {"epochs", [](TrainerConfig& c) { c.epochs = 9; }},
      {"max_steps", [](TrainerConfig& c) { c.max_steps = 20; }},
      {"optimizer", [](TrainerConfig& c) { c.optimizer = "sgd"; }},
      {"learning_rate", [](TrainerConfig& c) { c.learning_rate = 0.1; }},
      {"weight_decay", [](TrainerConfig& c) { c.weight_decay = 0.1; }},
      {"beta1", [](TrainerConfig& c) { c.beta1 = 0.8; }},
      {"beta2", [](TrainerConfig& c) { c.beta2 = 0.9; }},
      {"epsilon", [](TrainerConfig& c) { c.epsilon = 1e-2; }},
      {"warmup", [](TrainerConfig& c) { c.warmup = 0.5; }},
      {"decay_start", [](TrainerConfig& c) { c.decay_start = 0.9; }},
      {"final_learning_rate", [](TrainerConfig& c) { c.final_learning_rate = 0.5; }},
      {"clip_norm", [](TrainerConfig& c) { c.clip_norm = 0.5; }},
      {"ema", [](TrainerConfig& c) { c.ema = 0.9; }},
      {"average_from", [](TrainerConfig& c) { c.average_from = 0.5; }},
  };
  for (const auto& [name, change] : changes) {
    TrainerConfig config = toy_config();
    change(config);
    EXPECT_NE(train_toy(config).weights, base) << name;
  }
  TrainerConfig sgd = toy_config();
  sgd.optimizer = "sgd";
  const std::string plain = train_toy(sgd).weights;
  sgd.momentum = 0.5;
  EXPECT_NE(train_toy(sgd).weights, plain);
}

/// Notes in which precision it was asked.
class Listening : public ToyObjective {
 public:
  BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const StepInfo& info) override {
    in_steps.insert(kernels::precision());
    return ToyObjective::loss(ctx, epoch, batch, info);
  }
  Evaluation evaluate() override {
    in_evaluations.insert(kernels::precision());
    return ToyObjective::evaluate();
  }
  std::set<kernels::Precision> in_steps, in_evaluations;
};

TEST(Trainer, StepsRunInThePrecisionAskedForAndScoresInF32) {
  using kernels::Precision;
  for (const auto& [name, wanted] : {std::pair("f32", Precision::f32), std::pair("bf16", Precision::bf16)}) {
    TrainerConfig config = toy_config();
    config.precision = name;
    Listening objective;
    Trainer(objective, config).run({});
    EXPECT_EQ(objective.in_steps, std::set{wanted}) << name;
    EXPECT_EQ(objective.in_evaluations, std::set{Precision::f32}) << name;
    EXPECT_EQ(kernels::precision(), Precision::f32) << name;
  }
}

TEST(Trainer, ResumesToTheSameBitsFromEveryStep) {
  for (const char* optimizer : {"adam", "adamw", "sgd"}) {
    TrainerConfig config = toy_config();
    config.epochs = 4;
    config.optimizer = optimizer;
    config.momentum = 0.5;
    config.learning_rate = 0.05;
    if (std::string(optimizer) == "sgd") {
      config.average_from = 0.4;
    } else {
      config.ema = 0.5;
    }
    const ToyRun whole = train_toy(config);
    for (int64_t step = 0; step < whole.result.step; ++step) {
      const ToyRun parts = train_toy_interrupted(config, step);
      EXPECT_EQ(parts.weights, whole.weights) << optimizer << " stopped at " << step;
      EXPECT_EQ(parts.result.step, whole.result.step);
      ASSERT_EQ(parts.result.history.size(), whole.result.history.size());
      EXPECT_EQ(parts.result.clipped_share, whole.result.clipped_share);
      EXPECT_EQ(parts.result.best.evaluation.value, whole.result.best.evaluation.value);
    }
  }
}

TEST(Trainer, RunBoundedByTimeIsRepeatedByItsSchedule) {
  TrainerConfig config = toy_config();
  config.epochs = 0;
  config.max_seconds = 0.2;
  ToyObjective objective;
  Trainer trainer(objective, config);
  TrainerHooks slow;
  slow.progress = [](const Progress&) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  const TrainResult first = trainer.run(slow);
  ASSERT_TRUE(trainer.trace().complete());
  EXPECT_EQ(trainer.trace().steps(), first.step);
  EXPECT_GT(first.step, 3);
  EXPECT_LT(first.seconds, 2);

  ToyObjective again;
  Trainer repeated(again, config);
  repeated.replay(ProgressTrace::parse(trainer.trace().text(), "m"));
  const TrainResult second = repeated.run({});
  EXPECT_EQ(second.step, first.step);
  EXPECT_EQ(weights_of(again), weights_of(objective));
  EXPECT_EQ(repeated.trace().text(), trainer.trace().text());
  EXPECT_EQ(second.history.size(), first.history.size());

  // The repetition itself may be interrupted; its state knows that it follows a schedule.
  ToyObjective third;
  Trainer interrupted(third, config);
  interrupted.replay(trainer.trace());
  TrainerHooks stop;
  stop.stop = [&] { return interrupted.result().step == first.step / 2; };
  interrupted.run(stop);
  const TrainerState state = interrupted.export_state();
  ToyObjective fourth;
  Trainer resumed(fourth, config);
  resumed.import_state(archive_of(state), state.json, "c.ckpt");
  EXPECT_EQ(resumed.run({}).step, first.step);
  EXPECT_EQ(weights_of(fourth), weights_of(objective));
}

TEST(Trainer, RunBoundedByTimeThatEndsEarlyIsRepeatedToo) {
  TrainerConfig config = toy_config();
  config.epochs = 0;
  config.max_seconds = 60;
  config.patience = 2;
  ToyObjective objective;
  objective.constant_score = true;
  Trainer trainer(objective, config);
  const TrainResult first = trainer.run({});
  EXPECT_EQ(first.stop, TrainResult::Stop::patience);
  ToyObjective again;
  again.constant_score = true;
  Trainer repeated(again, config);
  repeated.replay(trainer.trace());
  EXPECT_EQ(repeated.run({}).step, first.step);
  EXPECT_EQ(weights_of(again), weights_of(objective));
}

TEST(Trainer, RefusesToRepeatAnUnfinishedRun) {
  ToyObjective objective;
  Trainer trainer(objective, toy_config());
  EXPECT_EQ(
      error_of<ConfigError>([&] { trainer.replay(ProgressTrace::parse("1+2048", "m")); }),
      "[train] only a finished run can be repeated; the recorded schedule ends at 50.0 %. Resume that run first.");
}

TEST(Trainer, ProgressReachesTheObjectiveAndEndsAtOne) {
  ToyObjective objective;
  TrainerConfig config = toy_config();
  config.epochs = 2;
  Trainer trainer(objective, config);
  double last = 0;
  TrainerHooks hooks;
  hooks.progress = [&](const Progress& p) {
    EXPECT_GT(p.fraction, last);
    last = p.fraction;
  };
  trainer.run(hooks);
  EXPECT_EQ(last, 1);
  ASSERT_EQ(objective.steps_seen.size(), 11U);
  EXPECT_EQ(objective.steps_seen[0].progress, 0);
  EXPECT_DOUBLE_EQ(objective.steps_seen[1].progress, 0.1);
  EXPECT_DOUBLE_EQ(objective.steps_seen[5].progress, 0.5);
}

TEST(Trainer, ReportsWhatItDoes) {
  ToyObjective objective;
  TrainerConfig config = toy_config();
  config.clip_norm = 1e-6;
  Trainer trainer(objective, config);
  Progress last;
  TrainerHooks hooks;
  hooks.progress = [&](const Progress& p) { last = p; };
  trainer.run(hooks);
  EXPECT_EQ(last.clipped_share, 1);
  EXPECT_EQ(last.epoch, 12);
  EXPECT_GT(last.grad_norm, 0);
  EXPECT_GT(last.loss, 0);
  EXPECT_GT(last.tokens_per_second, 0);
  EXPECT_TRUE(last.new_evaluation && last.has_evaluation);
  EXPECT_DOUBLE_EQ(last.learning_rate, 0.2 * 0.01);
  EXPECT_EQ(last.eta_seconds, 0);
}

TEST(Trainer, EvaluatesEachEpochOrEighthAndAtTheEnd) {
  ToyObjective many;
  TrainerConfig config = toy_config();
  Trainer(many, config).run({});
  EXPECT_EQ(many.evaluations, 12);
  ToyObjective sparse;
  config.eval_every_epochs = 1000;
  Trainer(sparse, config).run({});
  EXPECT_EQ(sparse.evaluations, 8);
}

TEST(Trainer, HandsBackTheBestWeights) {
  ToyObjective objective;
  TrainerConfig config = toy_config();
  config.learning_rate = 3;  // too large: later evaluations are worse than some earlier one
  config.decay_start = 1;
  Trainer trainer(objective, config);
  std::string best;
  TrainerHooks hooks;
  hooks.improved = [&] { best = weights_of(objective); };
  const TrainResult result = trainer.run(hooks);
  ASSERT_NE(result.best.step, result.step);
  EXPECT_EQ(weights_of(objective), best);
  EXPECT_EQ(objective.evaluate().value, result.best.evaluation.value);
}

TEST(Trainer, EvaluatesAndHandsBackAveragedWeights) {
  ToyObjective objective;
  TrainerConfig config = toy_config();
  config.ema = 0.9;
  Trainer trainer(objective, config);
  const TrainResult result = trainer.run({});
  EXPECT_EQ(objective.evaluate().value, result.best.evaluation.value);
}

TEST(Trainer, AveragesEvenlyFromAFractionOfTheRunOn) {
  TrainerConfig config = toy_config();
  config.epochs = 0;
  config.max_steps = 20;
  config.average_from = 0.8;
  ToyObjective objective;
  Trainer trainer(objective, config);
  std::vector<double> sums(4);
  const auto weight = [&](size_t i) {
    return static_cast<double>(dynamic_cast<ToyModule&>(objective.module()).weight.value().data<float>()[i]);
  };
  TrainerHooks hooks;
  hooks.progress = [&](const Progress& p) {
    if (p.step > 16)
      for (size_t i = 0; i < 4; ++i) sums[i] += weight(i) / 4;
  };
  const TrainResult result = trainer.run(hooks);
  ASSERT_EQ(result.best.step, 20);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(weight(i), sums[i], 1e-6);
  EXPECT_EQ(objective.evaluate().value, result.best.evaluation.value);
}

TEST(Trainer, RefusesTwoWaysOfAveraging) {
  TrainerConfig config = toy_config();
  config.ema = 0.9;
  config.average_from = 0.5;
  ToyObjective objective;
  EXPECT_EQ(error_of<ConfigError>([&] { Trainer(objective, config); }),
            "[train] weights are averaged in one way; got ema = 0.9 and average_from = 0.5. Set ema = 0, or "
            "average_from = 1.");
}

TEST(Trainer, StopsWhenPatienceEnds) {
  ToyObjective objective;
  objective.constant_score = true;
  TrainerConfig config = toy_config();
  config.patience = 3;
  Trainer trainer(objective, config);
  const TrainResult result = trainer.run({});
  EXPECT_EQ(result.stop, TrainResult::Stop::patience);
  EXPECT_EQ(objective.evaluations, 4);
  EXPECT_EQ(result.best.step, result.step) << "of equals the latest is kept";
}

TEST(Trainer, OfEqualScoresTheTieMetricDecides) {
  ToyObjective objective;
  objective.scores = {2, 1, 1, 1, 1};
  objective.ties = {0, 5, 3, 4, 3};
  TrainerConfig config = toy_config();
  config.epochs = 5;
  const TrainResult result = Trainer(objective, config).run({});
  EXPECT_EQ(result.best.evaluation.metrics.at("tie"), 3);
  int64_t latest = -1;
  for (const EvaluationPoint& point : result.history)
    if (point.evaluation.value == 1 && point.evaluation.metrics.at("tie") == 3) latest = point.step;
  EXPECT_EQ(result.best.step, latest) << "of equals in both the latest is kept";
}

TEST(Trainer, AnyScoreIsBetterThanNone) {
  for (const bool lower_is_better : {true, false}) {
    ToyObjective objective;
    objective.scores = {std::nan(""), 2, 1, std::nan(""), 3, 2};
    objective.lower_is_better = lower_is_better;
    TrainerConfig config = toy_config();
    config.epochs = 6;
    config.eval_every_epochs = 1;
    const TrainResult result = Trainer(objective, config).run({});
    EXPECT_EQ(result.best.evaluation.value, lower_is_better ? 1 : 3);
  }
}

TEST(Trainer, StopsAtOnceWhenTheLossIsNotFinite) {
  ToyObjective objective;
  objective.bad_step = 8;
  Trainer trainer(objective, toy_config());
  std::string best;
  TrainerHooks hooks;
  hooks.improved = [&] { best = weights_of(objective); };
  const std::string text = error_of<DivergedError>([&] { trainer.run(hooks); });
  EXPECT_NE(text.find("[train] loss must be finite; got nan at step 8 (epoch 1, toy lines 1/3); first layer with a bad "
                      "value: layer.weight. The best weights so far (distance "),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("at step 5) are kept. Lower learning_rate (now 0.2) or clip_norm (now 2)."), std::string::npos);
  EXPECT_EQ(weights_of(objective), best);
}

TEST(Trainer, StopsAtOnceWhenAGradientIsNotFinite) {
  ToyObjective objective;
  objective.bad_gradient_step = 2;
  Trainer trainer(objective, toy_config());
  EXPECT_EQ(
      error_of<DivergedError>([&] { trainer.run({}); }),
      "[train] grad_norm must be finite; got inf at step 2 (epoch 0, toy lines 0/2); first layer with a bad value: "
      "layer.bias. There is no earlier model to fall back on. Lower learning_rate (now 0.2) or clip_norm (now 2).");
}

TEST(Trainer, NeedsABoundAndARate) {
  ToyObjective objective;
  TrainerConfig config;
  config.learning_rate = 0.1;
  EXPECT_EQ(error_of<ConfigError>([&] { Trainer(objective, config); }),
            "[train] a run needs a bound; got none. Set epochs, max_steps or max_seconds.");
  config.epochs = 1;
  config.learning_rate = 0;
  EXPECT_EQ(error_of<ConfigError>([&] { Trainer(objective, config); }),
            "[train] learning_rate must be above 0; got 0. Set learning_rate.");
}

TEST(Trainer, ChecksTheStateItIsGiven) {
  ToyObjective objective;
  Trainer trainer(objective, toy_config());
  trainer.run({});
  const TrainerState state = trainer.export_state();
  const auto import_error = [&](const Archive& archive, const std::string& json) {
    ToyObjective fresh;
    Trainer other(fresh, toy_config());
    return error_of<FormatError>([&] { other.import_state(archive, json, "c.ckpt"); });
  };
  Archive missing = archive_of(state), extra = archive_of(state), shaped = archive_of(state), bad = archive_of(state);
  missing.tensors.pop_back();
  EXPECT_NE(import_error(missing, state.json).find("and finite; got none"), std::string::npos);
  extra.tensors.push_back({"other", Tensor::zeros({1})});
  EXPECT_NE(import_error(extra, state.json).find("tensor other belongs to no part"), std::string::npos);
  shaped.tensors[0].tensor = Tensor::zeros({9});
  EXPECT_NE(import_error(shaped, state.json).find("must be f32 [1] and finite; got f32 [9]"), std::string::npos);
  bad.tensors[0].tensor.fill(std::nan(""));
  EXPECT_NE(import_error(bad, state.json).find("and finite; got f32"), std::string::npos);
  EXPECT_NE(import_error(archive_of(state), "[]").find("must be a JSON object"), std::string::npos);
}

TEST(Trainer, EveryDamagedStateTextIsRefusedOrLoads) {
  ToyObjective objective;
  TrainerConfig config = toy_config();
  config.epochs = 1;
  Trainer trainer(objective, config);
  trainer.run({});
  const TrainerState state = trainer.export_state();
  const Archive archive = archive_of(state);
  for (size_t i = 0; i < state.json.size(); ++i)
    for (const char c : {'"', '9', '-', 'x', '\0'}) {
      std::string json = state.json;
      json[i] = c;
      ToyObjective fresh;
      Trainer other(fresh, config);
      try {
        other.import_state(archive, json, "c.ckpt");
      } catch (const FormatError&) {
        continue;
      }
    }
}

}  // namespace trainer_test
}  // namespace carousel::train
