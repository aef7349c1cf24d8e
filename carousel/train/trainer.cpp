#include "carousel/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <set>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/base/threads.h"
#include "carousel/kernels/table.h"
#include "carousel/train/gradients.h"
#include "carousel/train/optimizer.h"
#include "carousel/train/run_state.h"
#include "carousel/train/weights.h"

namespace carousel::train {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

kernels::Precision precision_of(const TrainerConfig& config) {
  return config.precision == "bf16" ? kernels::Precision::bf16 : kernels::Precision::f32;
}

bool averages_evenly(const TrainerConfig& config) {
  return config.average_from >= 0 && config.average_from < 1;
}

void check(const TrainerConfig& config) {
  if (config.epochs <= 0 && config.max_steps <= 0 && !(config.max_seconds > 0))
    throw ConfigError("[train] a run needs a bound; got none. Set epochs, max_steps or max_seconds.");
  if (!(config.learning_rate > 0))
    throw ConfigError(
        fmt::format("[train] learning_rate must be above 0; got {}. Set learning_rate.", config.learning_rate));
  if (config.ema > 0 && averages_evenly(config))
    throw ConfigError(
        fmt::format("[train] weights are averaged in one way; got ema = {} and average_from = {}. Set ema = 0, or "
                    "average_from = 1.",
                    config.ema, config.average_from));
}

OptimizerConfig optimizer_config(const TrainerConfig& config) {
  return {config.weight_decay, config.momentum, config.beta1, config.beta2, config.epsilon};
}

/// -1 worse, 0 equal, 1 better; NaN is worse than any number.
int compare(const Evaluation& now, const Evaluation& best) {
  if (std::isnan(now.value) || std::isnan(best.value)) return std::isnan(best.value) - std::isnan(now.value);
  if (now.value == best.value) {
    const auto a = now.metrics.find(now.tie_metric), b = best.metrics.find(now.tie_metric);
    if (a == now.metrics.end() || b == best.metrics.end() || a->second == b->second) return 0;
    return a->second < b->second ? 1 : -1;
  }
  return (now.value < best.value) == now.lower_is_better ? 1 : -1;
}

}  // namespace

/// What a run consists of. `state` and the tensors of live_tensors() are all that changes from step to step; the rest
/// is fixed or, like the clock, only observed.
struct Trainer::Loop {
  Loop(Objective& the_objective, TrainerConfig the_config)
      : objective(the_objective),
        config(std::move(the_config)),
        parameters(objective.module().parameters()),
        optimizer(make_optimizer(config.optimizer, parameters, optimizer_config(config))),
        best(parameters),
        average(parameters),
        rate{config.learning_rate, config.warmup, config.decay_start, config.final_learning_rate} {
    if (averages()) average.capture();
  }

  double seconds() const { return state.seconds + (running ? seconds_since(started) : 0); }
  double position() const {
    return static_cast<double>(state.epoch) + static_cast<double>(state.batch) / static_cast<double>(batches);
  }
  void enter_epoch();
  double measure_progress();
  bool averages() const { return config.ema > 0 || averages_evenly(config); }
  bool average_in_use() const { return config.ema > 0 || state.averaged > 0; }
  void add_to_average();
  void train_step();
  void note_step(const BatchLoss& loss, double taken);
  BatchLoss forward(Tape& tape);
  std::string bad_layer();
  [[noreturn]] void diverged(const char* what, double value, const std::string& layer);
  bool evaluation_due(double position_before) const;
  void evaluate(const TrainerHooks& hooks);
  Progress look(bool new_evaluation) const;
  std::vector<NamedTensor> live_tensors();

  Objective& objective;
  const TrainerConfig config;
  const std::vector<nn::NamedParameter> parameters;
  std::unique_ptr<Optimizer> optimizer;
  WeightCopy best, average;
  const LearningRate rate;
  RunState state;
  int64_t batches = 1;  // of the present epoch

  // Observed, not part of the state.
  bool running = false;
  Clock::time_point started;
  double last_norm = 0, recent_tokens = 0, recent_seconds = 0;
};

void Trainer::Loop::enter_epoch() {
  batches = objective.num_batches(state.epoch);
  if (batches < 1)
    throw ConfigError(fmt::format("[train] an epoch needs at least one batch; got {} in epoch {}. Check the data.",
                                  batches, state.epoch));
}

double Trainer::Loop::measure_progress() {
  constexpr auto kTicks = static_cast<double>(ProgressTrace::kTicks);
  if (state.replaying) return static_cast<double>(state.trace.tick_at(state.step)) / kTicks;
  double progress = 0;
  if (config.epochs > 0) progress = position() / static_cast<double>(config.epochs);
  if (config.max_steps > 0)
    progress = std::max(progress, static_cast<double>(state.step) / static_cast<double>(config.max_steps));
  if (!(config.max_seconds > 0)) return std::min(progress, 1.0);

  // The last evaluation belongs to the budget too. A quarter at most, or slow evaluations would leave no training.
  const double reserve = std::min(state.slowest_evaluation, config.max_seconds / 4);
  progress = std::min(1.0, std::max(progress, seconds() / (config.max_seconds - reserve)));
  const int64_t tick = std::max(static_cast<int64_t>(progress * kTicks), state.trace.last_tick());
  state.trace.note(state.step, tick);
  return static_cast<double>(tick) / kTicks;
}

/// The pass of the present step; the same each time it is called, because draws are functions of seed and step.
BatchLoss Trainer::Loop::forward(Tape& tape) {
  nn::Context ctx;
  ctx.tape = &tape;
  ctx.training = true;
  ctx.seed = mix(static_cast<uint64_t>(config.seed), static_cast<uint64_t>(state.step));
  return objective.loss(ctx, state.epoch, state.batch, {state.step, state.progress});
}

/// The first layer with a bad weight or, when all weights are sound, with a bad output.
std::string Trainer::Loop::bad_layer() {
  std::string weight = first_bad_parameter(parameters);
  if (!weight.empty()) return weight;
  Tape tape(true);
  forward(tape);
  return first_bad_output(tape, parameters);
}

void Trainer::Loop::train_step() {
  const Clock::time_point begin = Clock::now();
  // Scores are those of the f32 weights in the file, so only steps round.
  const kernels::PrecisionScope rounding(precision_of(config));
  Tape tape;
  const BatchLoss loss = forward(tape);
  const double value = loss.loss.value().item();
  if (!std::isfinite(value)) diverged("loss", value, bad_layer());
  tape.backward(loss.loss);

  last_norm = grad_norm(parameters);
  if (!std::isfinite(last_norm)) diverged("grad_norm", last_norm, first_bad_gradient(parameters));
  Update update;
  update.learning_rate = rate.at(state.progress);
  update.step = state.step + 1;
  if (config.clip_norm > 0 && last_norm > config.clip_norm) {
    update.grad_scale = config.clip_norm / last_norm;
    ++state.clipped;
  }
  optimizer->step(update);
  for (const nn::NamedParameter& p : parameters) p.var.clear_grad();
  add_to_average();
  note_step(loss, seconds_since(begin));
}

/// Even means: Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; begun by the progress
/// of the run where Merity et al. 2018 wait for the dev score to stand still.
void Trainer::Loop::add_to_average() {
  if (config.ema > 0) {
    // Early on a long average would mostly hold the initial weights.
    const auto done = static_cast<double>(state.step + 1);
    average.average(std::min(config.ema, done / (done + 9)));
  } else if (averages_evenly(config) && state.progress >= config.average_from) {
    const auto before = static_cast<double>(state.averaged++);
    average.average(before / (before + 1));
  }
}

void Trainer::Loop::note_step(const BatchLoss& loss, double taken) {
  constexpr double kKeep = 0.98;  // about the last 50 steps
  state.running_nll = kKeep * state.running_nll + loss.nll_sum;
  state.running_tokens = kKeep * state.running_tokens + static_cast<double>(loss.tokens);
  recent_tokens = kKeep * recent_tokens + static_cast<double>(loss.tokens);
  recent_seconds = kKeep * recent_seconds + taken;
  ++state.step;
  if (++state.batch == batches) {
    ++state.epoch;
    state.batch = 0;
    enter_epoch();
  }
  state.progress = measure_progress();
}

void Trainer::Loop::diverged(const char* what, double value, const std::string& layer) {
  const std::string batch = objective.describe_batch(state.epoch, state.batch);
  for (const nn::NamedParameter& p : parameters) p.var.clear_grad();
  std::string kept = "There is no earlier model to fall back on.";
  if (state.best >= 0) {
    const EvaluationPoint& point = state.history[static_cast<size_t>(state.best)];
    best.restore();
    kept = fmt::format("The best weights so far ({} {:.6g} at step {}) are kept.", point.evaluation.metric,
                       point.evaluation.value, point.step);
  }
  throw DivergedError(fmt::format(
      "[train] {} must be finite; got {} at step {} (epoch {}, {}); first layer with a bad value: {}. {} Lower "
      "learning_rate (now {:.3g}) or {}.",
      what, value, state.step, state.epoch, batch, layer.empty() ? std::string("none, only the ") + what : layer, kept,
      config.learning_rate,
      config.clip_norm > 0 ? fmt::format("clip_norm (now {:.3g})", config.clip_norm) : "set clip_norm (now off)"));
}

bool Trainer::Loop::evaluation_due(double position_before) const {
  constexpr double kAtLeastEvery = 0.125;
  if (state.progress >= 1 || state.progress - state.evaluated_at >= kAtLeastEvery) return true;
  const double every = config.eval_every_epochs;
  return std::floor(position() / every) > std::floor(position_before / every);
}

void Trainer::Loop::evaluate(const TrainerHooks& hooks) {
  const Clock::time_point begin = Clock::now();
  const auto exchange_average = [&] {
    if (average_in_use()) average.swap();
  };
  exchange_average();
  state.history.push_back({state.step, position(), objective.evaluate()});
  state.evaluated_at = state.progress;
  const int verdict = state.best < 0 ? 1
                                     : compare(state.history.back().evaluation,
                                               state.history[static_cast<size_t>(state.best)].evaluation);
  state.stale = verdict > 0 ? 0 : state.stale + 1;
  if (verdict >= 0) {  // of equals the later one: its learning rate was lower
    state.best = static_cast<int64_t>(state.history.size()) - 1;
    best.capture();
    if (hooks.improved) hooks.improved();
  }
  exchange_average();
  state.slowest_evaluation = std::max(state.slowest_evaluation, seconds_since(begin));
}

Progress Trainer::Loop::look(bool new_evaluation) const {
  Progress p;
  p.fraction = state.progress;
  p.step = state.step;
  p.epoch = position();
  p.tokens_per_second = recent_seconds > 0 ? recent_tokens / recent_seconds : 0;
  p.loss = state.running_tokens > 0 ? state.running_nll / state.running_tokens : 0;
  p.learning_rate = rate.at(state.progress);
  p.grad_norm = last_norm;
  p.clipped_share = state.step > 0 ? static_cast<double>(state.clipped) / static_cast<double>(state.step) : 0;
  p.seconds = seconds();
  p.eta_seconds = p.fraction > 0 ? p.seconds * (1 - p.fraction) / p.fraction : 0;
  p.new_evaluation = new_evaluation;
  if (state.best >= 0) {
    p.has_evaluation = true;
    p.evaluation = state.history.back().evaluation;
    p.best_value = state.history[static_cast<size_t>(state.best)].evaluation.value;
  }
  return p;
}

std::vector<NamedTensor> Trainer::Loop::live_tensors() {
  std::vector<NamedTensor> live;
  const auto add = [&](std::vector<NamedTensor> more) {
    for (NamedTensor& t : more) live.push_back(std::move(t));
  };
  for (const nn::NamedParameter& p : parameters) live.push_back({"weights/" + p.name, p.var.value()});
  add(optimizer->state());
  for (NamedTensor& t : objective.carried()) live.push_back({"carried/" + t.name, std::move(t.tensor)});
  if (averages()) add(average.named("average"));
  if (state.best >= 0) add(best.named("best"));
  return live;
}

Trainer::Trainer(Objective& objective, TrainerConfig config) {
  check(config);
  loop_ = std::make_unique<Loop>(objective, std::move(config));
}

Trainer::~Trainer() = default;

TrainResult Trainer::run(const TrainerHooks& hooks) {
  const FlushDenormals flush;
  Loop& loop = *loop_;
  RunState& state = loop.state;
  loop.enter_epoch();
  loop.started = Clock::now();
  loop.running = true;
  Clock::time_point saved = Clock::now();
  TrainResult::Stop stop = TrainResult::Stop::budget;
  while (state.progress < 1) {
    if (hooks.stop && hooks.stop()) {
      if (hooks.checkpoint) hooks.checkpoint();
      stop = TrainResult::Stop::requested;
      break;
    }
    const double position_before = loop.position();
    loop.train_step();
    const bool due = loop.evaluation_due(position_before);
    if (due) loop.evaluate(hooks);
    if (hooks.progress) hooks.progress(loop.look(due));
    if (loop.config.patience > 0 && state.stale >= loop.config.patience) {
      // A repeated run ends here by its schedule.
      if (!state.replaying && loop.config.max_seconds > 0) state.trace.note(state.step, ProgressTrace::kTicks);
      if (state.progress < 1) stop = TrainResult::Stop::patience;
      break;
    }
    if (hooks.checkpoint && state.progress < 1 && seconds_since(saved) >= loop.config.checkpoint_every_seconds) {
      hooks.checkpoint();
      saved = Clock::now();
    }
  }
  state.seconds = loop.seconds();
  loop.running = false;
  if (stop != TrainResult::Stop::requested) loop.best.restore();
  TrainResult end = result();
  end.stop = stop;
  return end;
}

bool Trainer::has_best() const {
  return loop_->state.best >= 0;
}

TrainResult Trainer::result() const {
  const Loop& loop = *loop_;
  const Progress now = loop.look(false);
  TrainResult result;
  result.step = now.step;
  result.epochs = now.epoch;
  result.seconds = now.seconds;
  result.clipped_share = now.clipped_share;
  result.history = loop.state.history;
  if (loop.state.best >= 0) result.best = loop.state.history[static_cast<size_t>(loop.state.best)];
  return result;
}

TrainerState Trainer::export_state() {
  RunState now = loop_->state;
  now.seconds = loop_->seconds();
  return {loop_->live_tensors(), now.to_json()};
}

void Trainer::import_state(const Archive& archive, const std::string& json, const std::string& file) {
  Loop& loop = *loop_;
  loop.state = RunState::from_json(json, file);
  loop.enter_epoch();
  if (loop.state.batch >= loop.batches)
    throw FormatError(file, -1,
                      fmt::format("[checkpoint] epoch {} has {} batches; got batch {}. Train afresh, without --resume.",
                                  loop.state.epoch, loop.batches, loop.state.batch));
  std::set<std::string> expected;
  for (NamedTensor& live : loop.live_tensors()) {
    expected.insert(live.name);
    const Tensor* saved = archive.find(live.name);
    if (!saved || saved->shape() != live.tensor.shape() || saved->dtype() != live.tensor.dtype() || !all_finite(*saved))
      throw FormatError(
          file, -1,
          fmt::format("[checkpoint] tensor {} must be {} {} and finite; got {}. Train afresh, without "
                      "--resume.",
                      live.name, name_of(live.tensor.dtype()), live.tensor.shape().str(),
                      saved ? fmt::format("{} {}", name_of(saved->dtype()), saved->shape().str()) : "none"));
    std::memcpy(live.tensor.raw(), saved->raw(), static_cast<size_t>(saved->nbytes()));
  }
  for (const NamedTensor& t : archive.tensors)
    if (!expected.contains(t.name))
      throw FormatError(file, -1,
                        fmt::format("[checkpoint] tensor {} belongs to no part of this training. Train afresh, without "
                                    "--resume.",
                                    t.name));
}

const ProgressTrace& Trainer::trace() const {
  return loop_->state.trace;
}

void Trainer::replay(ProgressTrace trace) {
  if (!trace.complete())
    throw ConfigError(
        fmt::format("[train] only a finished run can be repeated; the recorded schedule ends at {:.1f} %. "
                    "Resume that run first.",
                    100.0 * static_cast<double>(trace.last_tick()) / ProgressTrace::kTicks));
  loop_->state.trace = std::move(trace);
  loop_->state.replaying = true;
}

}  // namespace carousel::train
