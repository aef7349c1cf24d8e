#include "carousel/train/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <string_view>

#include "carousel/base/error.h"

namespace carousel::train {

double LearningRate::at(double progress) const {
  constexpr double kFirstShare = 0.01;
  double rate = peak;
  if (progress < warmup) rate *= std::max(kFirstShare, progress / warmup);
  if (progress > decay_start) {
    const double part = std::min(1.0, (progress - decay_start) / (1 - decay_start));
    rate *= final_share + (1 - final_share) * 0.5 * (1 + std::cos(std::numbers::pi * part));
  }
  return rate;
}

void ProgressTrace::note(int64_t step, int64_t tick) {
  if (tick == last_tick()) return;
  const int64_t before = moves_.empty() ? -1 : moves_.back().first;
  if (step < before || tick < last_tick() || tick > kTicks)
    throw ConfigError(
        fmt::format("[schedule] steps and ticks must rise, ticks up to {}; got tick {} at step {} after tick "
                    "{} at step {}. Train without a recorded schedule.",
                    kTicks, tick, step, last_tick(), before));
  if (step == before) {
    moves_.back().second = tick;
  } else {
    moves_.emplace_back(step, tick);
  }
}

int64_t ProgressTrace::tick_at(int64_t step) const {
  const auto after =
      std::upper_bound(moves_.begin(), moves_.end(), step,
                       [](int64_t s, const std::pair<int64_t, int64_t>& move) { return s < move.first; });
  return after == moves_.begin() ? 0 : std::prev(after)->second;
}

std::string ProgressTrace::text() const {
  std::string text;
  int64_t step = 0, tick = 0;
  for (const auto& [next_step, next_tick] : moves_) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}", next_step - step);
    if (next_tick - tick != 1) text += fmt::format("+{}", next_tick - tick);
    step = next_step;
    tick = next_tick;
  }
  return text;
}

ProgressTrace ProgressTrace::parse(const std::string& text, const std::string& file) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto refuse = [&] {
    throw FormatError(file, -1,
                      fmt::format("[schedule] a recorded schedule is rising steps and ticks as numbers, '+' and "
                                  "spaces; got something else at byte {} of it. Train without it.",
                                  at - text.data()));
  };
  const auto add_number = [&](int64_t& sum) {
    int64_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value < 0 || __builtin_add_overflow(sum, value, &sum)) refuse();
    at = next;
  };
  ProgressTrace trace;
  int64_t step = 0, tick = 0;
  while (at != end) {
    if (!trace.moves_.empty() && *at++ != ' ') refuse();
    add_number(step);
    if (at != end && *at == '+') {
      ++at;
      add_number(tick);
    } else {
      ++tick;
    }
    if (tick > kTicks || (!trace.moves_.empty() && step < trace.moves_.back().first)) refuse();
    trace.note(step, tick);
  }
  return trace;
}

}  // namespace carousel::train
