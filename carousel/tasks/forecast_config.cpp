#include "carousel/tasks/forecast_config.h"

#include <algorithm>
#include <cmath>

namespace carousel::tasks {

namespace {

constexpr int64_t kSeasonsSeen = 14;      ///< a window of so many seasons: two weeks of hours
constexpr int64_t kLongestWindow = 1024;  ///< that is chosen
constexpr int64_t kLongestPatch = 24;     ///< that is chosen
constexpr int64_t kFewestPieces = 4;      ///< of a window
constexpr int64_t kMembersForMany = 3;    ///< networks: what one makes of unlike series depends on chance
constexpr size_t kManySeries = 10;        ///< whose windows add up, and which differ in kind

/// The largest number up to `most` that divides all of `numbers` (0: any).
int64_t common_divisor(int64_t most, std::initializer_list<int64_t> numbers) {
  for (int64_t d = most; d > 1; --d)
    if (std::all_of(numbers.begin(), numbers.end(), [d](int64_t n) { return n % d == 0; })) return d;
  return 1;
}

}  // namespace

std::vector<std::string> forecast_models() {
  return {"lstm", "dlinear", "both", "naive", "seasonal_naive", "drift"};
}

void ForecastOptions::options(OptionTable& table) {
  table.section("data");
  format.options(table);
  table.add("period", &period, "Steps of a season; auto: found by autocorrelation, 1 for none.")
      .range(1, 1e6)
      .automatic();
  table
      .add("dev_share", &dev_share,
           "Share of each series, its end, that is held back for evaluation when there is no dev file; auto takes a "
           "quarter, and at least one horizon.")
      .range(1e-6, 0.9)
      .automatic();
  table.add("max_line_bytes", &max_line_bytes, "Longest line or quoted cell that is read, in bytes.").range(16, 1e9);
  table.section("model");
  std::vector<std::string> models = forecast_models();
  models.insert(models.begin(), "auto");
  table
      .add("model", &model,
           "What forecasts: lstm (the recurrent network, whichever its cell), dlinear, both (their mean), naive, "
           "seasonal_naive or drift; auto: the one with the least error on held-out data.")
      .one_of(models);
  table
      .add("calendar", &calendar,
           "Whether hour of the day, day of the week and time of the year are told to the model; auto: where the "
           "linear model then errs less on held-out data.")
      .one_of({"auto", "yes", "no"});
  table
      .add("members", &members,
           "Recurrent networks, learning from different weights and windows on, whose mean is the forecast; auto: one, "
           "and three for ten series or more.")
      .range(1, 100)
      .automatic();
  table
      .add("normalize", &normalize,
           "What is subtracted from each window, and added to its forecast: its last value, its mean, its mean with "
           "its deviation as the unit (standard), or none; auto: last, and standard for ten series or more.")
      .one_of({"auto", "last", "mean", "standard", "none"});
  table.add("moving_average", &moving_average, "Values that DLinear's trend is averaged over.").range(1, 65536);
  table.add("ridge", &ridge, "Penalty on DLinear's weights, relative to their inputs; auto: by held-out data.")
      .range(1e-9, 1e9)
      .automatic();
  network.options(table);
  trainer.options(table);
  table.add("batch_size", &batch_size, "Windows in one step.").range(1, 65536).automatic();
}

data::ReadOptions ForecastOptions::read_options() const {
  data::ReadOptions read;
  read.max_line_bytes = max_line_bytes;
  return read;
}

int64_t ForecastOptions::dev_length(int64_t length) const {
  const double share = dev_share > 0 ? dev_share : 0.25;
  return std::max(network.horizon, static_cast<int64_t>(std::llround(share * static_cast<double>(length))));
}

void decide_window(ForecastOptions& o, const std::vector<int64_t>& lengths, int64_t found) {
  nn::ForecasterConfig& n = o.network;
  std::vector<int64_t> sorted = lengths;
  std::sort(sorted.begin(), sorted.end());
  const int64_t length = sorted[sorted.size() / 4];  // a few short series shall not decide
  if (o.period == 0) o.period = found;
  if (o.normalize == "auto") o.normalize = lengths.size() < kManySeries ? "last" : "standard";
  if (o.members == 0) o.members = lengths.size() < kManySeries ? 1 : kMembersForMany;
  if (n.horizon == 0)
    n.horizon = std::clamp<int64_t>(o.period > 1 ? o.period : 24, 1, std::max<int64_t>(1, length / 8));
  if (n.window == 0) {
    const int64_t train = length - o.dev_length(length);
    // As many windows as one is long, or with many series a third of that.
    const int64_t room = std::max<int64_t>(1, (train - n.horizon) * (lengths.size() < kManySeries ? 2 : 3) / 4);
    const int64_t wanted = std::max(2 * n.horizon, o.period > 1 ? kSeasonsSeen * o.period : 64);
    n.window = std::min({wanted, room, kLongestWindow});
    const int64_t unit = o.period > 1 && n.window >= o.period ? o.period : n.patch > 0 ? n.patch : 4;
    if (n.window >= unit) n.window -= n.window % unit;
  }
  if (n.patch == 0) {
    const int64_t season = o.period > 1 && n.window % o.period == 0 ? o.period : 0;
    const int64_t answer = n.decoding == "autoregressive" ? n.horizon : 0;
    const int64_t most = std::min(kLongestPatch, std::max<int64_t>(1, n.window / kFewestPieces));
    n.patch = common_divisor(most, {n.window, season, answer});
  }
}

void decide(ForecastOptions& o, int64_t windows) {
  nn::StackConfig& stack = o.network.stack;
  if (stack.hidden_size.empty()) stack.hidden_size = {windows < 500 ? 32 : windows < 5000 ? 64 : 128};
  if (stack.num_layers == 0) stack.num_layers = static_cast<int64_t>(stack.hidden_size.size());
  if (o.network.output_dropout < 0) o.network.output_dropout = 0.2;
  if (o.batch_size == 0) o.batch_size = windows < 1000 ? 16 : windows < 10000 ? 64 : 128;
  if (o.trainer.learning_rate == 0) o.trainer.learning_rate = 3e-3;
  if (o.trainer.epochs > 0 || o.trainer.max_steps > 0) return;
  // Neighbouring windows are nearly the same: far fewer steps than windows of long series do.
  const int64_t steps = std::clamp<int64_t>(30 * windows / o.batch_size, 300, 3000);
  o.trainer.max_steps = steps;
}

}  // namespace carousel::tasks
