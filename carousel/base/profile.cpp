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
  Clock::duration time{};
  int64_t calls = 0;
  double operations = 0;
};
using Counts = std::array<Count, kNames.size()>;

struct Totals {
  std::mutex mutex;
  std::vector<std::shared_ptr<Counts>> threads;
  Clock::time_point begin, end;
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

void note(Part part, Clock::duration time, double operations) {
  Count& count = own()[static_cast<size_t>(part)];
  count.time += time;
  ++count.calls;
  count.operations += operations;
}

}  // namespace detail

void start() {
  const std::lock_guard lock(totals().mutex);
  for (const auto& counts : totals().threads) counts->fill({});
  totals().begin = Clock::now();
  detail::running = true;
}

void stop() {
  if (detail::running.exchange(false)) totals().end = Clock::now();
}

Report report() {
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  const std::lock_guard lock(totals().mutex);
  Report report;
  report.seconds = seconds((on() ? Clock::now() : totals().end) - totals().begin);
  report.threads = num_threads();
  double rest = report.seconds * report.threads;
  for (size_t part = 0; part < kNames.size(); ++part) {
    Row row;
    row.name = kNames[part];
    for (const auto& counts : totals().threads) {
      const Count& count = (*counts)[part];
      row.seconds += seconds(count.time);
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
