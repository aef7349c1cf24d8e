#include "carousel/tasks/detect_config.h"

#include <algorithm>

namespace carousel::tasks {

std::vector<std::string> detect_scores() {
  return {"forecast", "reconstruction", "both"};
}

void DetectOptions::options(OptionTable& table) {
  table.section("data");
  format.options(table);
  table
      .add("period", &period,
           "Steps of a season; auto: a day where times say how long a step is, else found by autocorrelation; 1 for "
           "none.")
      .range(1, 1e6)
      .automatic();
  table
      .add("fit_share", &fit_share,
           "Share of each series, its beginning, that is learnt from; auto: all of it, or of labelled series 15 %, at "
           "most 750 rows, which the NAB score leaves out.")
      .range(1e-6, 1)
      .automatic();
  table
      .add("dev_share", &dev_share,
           "Share of what is learnt from, its end, that is held back: it decides which weights are kept, what rows are "
           "scored by, and the threshold.")
      .range(1e-6, 0.9);
  table.add("max_line_bytes", &max_line_bytes, "Longest line or quoted cell that is read, in bytes.").range(16, 1e9);
  table.section("model");
  std::vector<std::string> scores = detect_scores();
  scores.insert(scores.begin(), "auto");
  table
      .add("score", &score,
           "What a row is scored by: how far it lies from the forecast, how badly the rows before it are told again by "
           "an autoencoder (reconstruction), or both; auto: what finds most of the anomalies that are put into "
           "held-out rows.")
      .one_of(scores);
  stack.options(table);
  table.add("window", &window, "Rows that the networks learn from at once; auto: 32, or less for short series.")
      .range(4, 65536)
      .automatic();
  table.add("code_size", &code_size, "Numbers from which the autoencoder tells a window again.").range(1, 65536);
  table.add("memory", &memory, "Rows that the usual size of values and errors is measured over; older ones fade.")
      .range(10, 1e9);
  table
      .add("quiet", &quiet,
           "Rows behind a high score in which only a higher one may be an alarm: one incident, one alarm.")
      .range(0, 1e6);
  table
      .add("habituation", &habituation,
           "How much less unusual is what came before: with c incidents about as high before it, a score is divided by "
           "(1 + c) to this power; 0: not at all.")
      .range(0, 10);
  table.add("warm_up", &warm_up, "First rows of a series, in which nothing is an alarm.").range(2, 1e6);
  table
      .add("false_alarms", &false_alarms,
           "Budget: alarms that the threshold lets through in as many normal rows as budget_per says.")
      .range(1e-6, 1e6);
  table.add("budget_per", &budget_per, "What the budget is for: 1000 rows of each series, a day or a week.")
      .one_of({"1000", "day", "week"});
  trainer.options(table);
  table.add("batch_size", &batch_size, "Windows in one step.").range(1, 65536).automatic();
}

data::ReadOptions DetectOptions::read_options() const {
  data::ReadOptions read;
  read.max_line_bytes = max_line_bytes;
  return read;
}

void decide(DetectOptions& o, int64_t shortest, int64_t rows) {
  if (o.stack.hidden_size.empty()) o.stack.hidden_size = {rows < 2000 ? 16 : 32};
  if (o.stack.num_layers == 0) o.stack.num_layers = static_cast<int64_t>(o.stack.hidden_size.size());
  if (o.window == 0) o.window = std::clamp<int64_t>(shortest / 4, 4, 32);
  if (o.batch_size == 0) o.batch_size = 32;
  if (o.trainer.learning_rate == 0) o.trainer.learning_rate = 3e-3;
  if (o.trainer.epochs > 0 || o.trainer.max_steps > 0) return;
  o.trainer.max_steps = std::clamp<int64_t>(4 * rows / o.batch_size, 300, 1500);
}

}  // namespace carousel::tasks
