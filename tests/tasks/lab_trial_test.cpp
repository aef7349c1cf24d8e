// One training of the laboratory: what its metrics count, when it ends.
#include "carousel/tasks/lab/trial.h"

#include <gtest/gtest.h>

#include <memory>

namespace carousel::tasks::lab {
namespace lab_trial_test {

/// A model that says the same whatever it reads: the biases of its output.
std::unique_ptr<nn::SequenceModel> constant(const Problem& problem, const std::vector<float>& answers) {
  nn::SequenceModelConfig config = problem.shape;
  config.stack.hidden_size = {2};
  auto model = std::make_unique<nn::SequenceModel>(config, 1);
  for (const nn::NamedParameter& p : model->parameters()) {
    if (p.name == "output.weight") p.var.mutable_value().fill(0);
    if (p.name != "output.bias") continue;
    for (size_t i = 0; i < answers.size(); ++i) p.var.mutable_value().data<float>()[i] = answers[i];
  }
  return model;
}

TEST(Measure, TheErrorOfWhoAlwaysSaysOneIsThatOfGuessing) {
  const Problem adding = adding_problem(6);
  const auto model = constant(adding, {1});
  EXPECT_NEAR(measure(*model, adding, 1000, 1), adding.guessing, 0.02);
}

TEST(Measure, AccuracyCountsWhatIsAsked) {
  const Problem copy = copy_problem({5});
  const auto model = constant(copy, {0, 0, 0, 1, 0, 0, 0, 0});
  EXPECT_NEAR(measure(*model, copy, 300, 1), copy.guessing, 0.03);
}

TEST(Measure, SpikesMissedAndSpikesInExcessCost) {
  const Problem rhythm = rhythm_problem(4, 16);  // after a pulse at 0 to 3 three spikes follow in 16 steps
  const auto always = constant(rhythm, {0, 1}), never = constant(rhythm, {1, 0});
  const double wanted = 3.0 / 16;
  EXPECT_DOUBLE_EQ(measure(*always, rhythm, 100, 1), 2 * wanted / (1 + wanted)) << "all come, most were not wanted";
  EXPECT_DOUBLE_EQ(measure(*never, rhythm, 100, 1), 0);
}

TEST(Measure, OtherSeedsAreOtherData) {
  const Problem adding = adding_problem(6);
  const auto model = constant(adding, {1});
  EXPECT_EQ(measure(*model, adding, 100, 1), measure(*model, adding, 100, 1));
  EXPECT_NE(measure(*model, adding, 100, 1), measure(*model, adding, 100, 2));
}

Trial trial_on(Problem problem, int64_t steps) {
  Trial trial;
  trial.problem = std::move(problem);
  trial.stack.hidden_size = {16};
  trial.steps_per_look = 20;
  trial.trainer.max_steps = steps;
  trial.trainer.learning_rate = 1e-2;
  return trial;
}

TEST(RunTrial, EndsWhenTheMetricIsGoodEnough) {
  for (const bool lower : {true, false}) {
    Trial trial = trial_on(lower ? adding_problem(2) : delay_problem({0}, 5), 2000);
    trial.good_enough = lower ? 0.05 : 0.9;
    const Outcome outcome = run_trial(trial, {});
    EXPECT_TRUE(outcome.solved);
    EXPECT_LT(outcome.steps, 2000);
    EXPECT_EQ(outcome.steps % 20, 0) << "at a look";
    if (lower) {
      EXPECT_LE(outcome.value, 0.05);
    } else {
      EXPECT_GE(outcome.value, 0.9);
    }
    trial.good_enough = 0;
    trial.trainer.max_steps = outcome.steps + 20;
    EXPECT_EQ(run_trial(trial, {}).steps, outcome.steps + 20) << "without a mark it goes on";
  }
}

TEST(RunTrial, KeepsTheModelThatWasMeasured) {
  const Trial trial = trial_on(adding_problem(4), 60);
  const Outcome outcome = run_trial(trial, {});
  EXPECT_NEAR(measure(*outcome.model, trial.problem, 256, 0x7e57), outcome.value, 1e-9);
}

TEST(RunTrial, SaysThatItWasStopped) {
  std::string said;
  const Observer observer{[&](const std::string& line) { said += line; }, [] { return true; }};
  Trial trial = trial_on(adding_problem(4), 60);
  trial.label = "lstm on adding";
  EXPECT_TRUE(run_trial(trial, observer).interrupted);
  EXPECT_EQ(said, "lstm on adding: stopped after 0 steps");
}

}  // namespace lab_trial_test
}  // namespace carousel::tasks::lab
