#include "carousel/base/spin.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace carousel {
namespace spin_test {

TEST(SpinUntil, SaysWhetherItCameInTime) {
  int looks = 0;
  const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  EXPECT_TRUE(spin_until(soon, [&] { return ++looks == 100; }));
  EXPECT_EQ(looks, 100);
  EXPECT_FALSE(spin_until(std::chrono::steady_clock::now(), [] { return false; }));
}

TEST(SpinBarrier, NobodyIsAheadByMoreThanOneRound) {
  constexpr int kThreads = 3, kRounds = 2000;
  SpinBarrier barrier;
  std::vector<int> round(kThreads, 0);  // plain numbers: the barrier orders what is written before what is read after
  std::vector<int> wrong(kThreads, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      const auto at = static_cast<size_t>(t);
      for (int i = 1; i <= kRounds; ++i) {
        round[at] = i;
        barrier.wait(kThreads);
        for (const int other : round) wrong[at] += other != i;
        barrier.wait(kThreads);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(kThreads, 0));
}

TEST(SpinBarrier, WakesOneThatFellAsleep) {
  SpinBarrier barrier;
  std::thread early([&] { barrier.wait(2); });
  std::this_thread::sleep_for(20 * kSpinTime);
  barrier.wait(2);
  early.join();
}

}  // namespace spin_test
}  // namespace carousel
