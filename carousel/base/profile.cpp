#include "carousel/base/profile.h"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>

#include "carousel/base/threads.h"

namespace carousel::profile {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<const char*, 8> kNames = {"products", "packing",   "cells",     "attention",
                                               "loss",     "pointwise", "optimizer", "data"};

struct Count {
  int64_t ticks = 0;
  int64_t calls = 0;
  double operations = 0;
};
using Counts = std::array<Count, kNames.size()>;

struct Totals {
  std::mutex mutex;
  std::vector<std::shared_ptr<Counts>> threads;
  Clock::time_point begin, end;
  int64_t first_tick = 0, last_tick = 0;
};

Totals& totals() {
  static Totals instance;
  return instance;
}

/// This thread's counts; they outlive it.
Counts& own() {
  static thread_local const std::shared_ptr<Counts> counts = [] {
    auto made = std::make_shared<Counts>();
    const std::lock_guard lock(totals().mutex);
    totals().threads.push_back(made);
    return made;
  }();
  return *counts;
}

}  // namespace

namespace detail {

std::atomic<bool> running{false};

void note(Part part, int64_t ticks, double operations) {
  Count& count = own()[static_cast<size_t>(part)];
  count.ticks += ticks;
  ++count.calls;
  count.operations += operations;
}

}  // namespace detail

void start() {
  const std::lock_guard lock(totals().mutex);
  for (const auto& counts : totals().threads) counts->fill({});
  totals().begin = Clock::now();
  totals().first_tick = detail::ticks();
  detail::running = true;
}

void stop() {
  if (!detail::running.exchange(false)) return;
  totals().end = Clock::now();
  totals().last_tick = detail::ticks();
}

Report report() {
  const std::lock_guard lock(totals().mutex);
  Report report;
  report.seconds = std::chrono::duration<double>((on() ? Clock::now() : totals().end) - totals().begin).count();
  const int64_t all = (on() ? detail::ticks() : totals().last_tick) - totals().first_tick;
  const double seconds_a_tick = all > 0 ? report.seconds / static_cast<double>(all) : 0;
  report.threads = num_threads();
  double rest = report.seconds * report.threads;
  for (size_t part = 0; part < kNames.size(); ++part) {
    Row row;
    row.name = kNames[part];
    for (const auto& counts : totals().threads) {
      const Count& count = (*counts)[part];
      row.seconds += static_cast<double>(count.ticks) * seconds_a_tick;
      row.calls += count.calls;
      row.operations += count.operations;
    }
    rest -= row.seconds;
    report.rows.push_back(row);
  }
  report.rows.push_back({"rest", std::max(rest, 0.0), 0, 0});
  return report;
}

}  // namespace carousel::profile
