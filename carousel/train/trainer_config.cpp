#include "carousel/train/optimizer.h"
#include "carousel/train/trainer.h"

namespace carousel::train {

void TrainerConfig::options(OptionTable& table) {
  constexpr double kMany = 1e12;
  table.section("train");
  table.add("seed", &seed, "Number that names all random draws: same seed, same model.").range(0, 0x1p53);
  table.add("threads", &threads, "Worker threads; auto: all cores.").range(0, 1024).automatic();
  table.add("epochs", &epochs, "Passes over the data; auto: from the size of the data, or as max_seconds allows.")
      .range(1, kMany)
      .automatic();
  table.add("max_seconds", &max_seconds, "Training ends after this many seconds, its schedule with it; 0: no bound.")
      .range(0, kMany);
  table.add("max_steps", &max_steps, "Training ends after this many steps, its schedule with it; 0: no bound.")
      .range(0, kMany);
  table
      .add("precision", &precision,
           "What training rounds the operands of matrix products to; bf16 takes half the time where the processor has "
           "it, auto takes it there. Weights, states and scores stay f32.")
      .one_of({"f32", "bf16", "auto"});
  table.add("optimizer", &optimizer, "Rule that changes the weights.").one_of(optimizer_names());
  table.add("learning_rate", &learning_rate, "Peak step size; auto: the task's own.").range(1e-9, 100).automatic();
  table.add("weight_decay", &weight_decay, "Pull of matrices towards zero; 0: off.").range(0, 10);
  table.add("momentum", &momentum, "Share of the last change that sgd keeps; 0: off.").range(0, 0.9999);
  table.add("beta1", &beta1, "Decay of Adam's mean of gradients.").range(0, 0.9999999);
  table.add("beta2", &beta2, "Decay of Adam's mean of squared gradients.").range(0, 0.9999999);
  table.add("epsilon", &epsilon, "Added to Adam's denominator.").range(1e-16, 1);
  table.add("warmup", &warmup, "Fraction of the run in which the learning rate rises to its peak; 0: none.")
      .range(0, 1);
  table.add("decay_start", &decay_start, "Fraction of the run at which the learning rate begins to fall; 1: never.")
      .range(0, 1);
  table.add("final_learning_rate", &final_learning_rate, "Learning rate at the end, as a share of the peak.")
      .range(0, 1);
  table.add("clip_norm", &clip_norm, "Largest Euclidean norm of all gradients together; 0: no clipping.")
      .range(0, kMany);
  table.add("ema", &ema, "Decay of a running mean of the weights that is used in their place; 0: off.")
      .range(0, 0.9999999);
  table
      .add(
          "average_from", &average_from,
          "Fraction of the run from which the mean of the weights of all steps since is used in their place; 1: never; "
          "auto: never, unless a recipe says so.")
      .range(0, 1)
      .automatic();
  table.add("patience", &patience, "Evaluations without improvement after which training ends; 0: never.")
      .range(0, kMany);
  table
      .add("eval_every_epochs", &eval_every_epochs,
           "Epochs between evaluations; besides there is one at least every eighth of the run.")
      .range(1e-6, kMany);
  table
      .add("checkpoint_every_seconds", &checkpoint_every_seconds,
           "Seconds between checkpoints of the running training; 0: after each step.")
      .range(0, kMany);
  table.add("replay", &replay, "Model file whose run is repeated exactly: its options and its recorded schedule.");
}

}  // namespace carousel::train
