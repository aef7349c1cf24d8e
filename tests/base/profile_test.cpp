// Profiles: nothing is counted while it is off, all is forgotten at the start, the parts add up.
#include "carousel/base/profile.h"

#include <gtest/gtest.h>
#include <omp.h>

#include "carousel/base/threads.h"

namespace carousel::profile {
namespace profile_test {

void work(double operations) {
  const Scope scope(Part::products, operations);
  volatile double sum = 0;
  for (int i = 0; i < 20000; ++i) sum = sum + i;
}

TEST(Profile, CountsOnlyBetweenStartAndStop) {
  start();
  work(5);
  work(6);
  stop();
  work(7);
  const Report first = report();
  ASSERT_EQ(first.rows.size(), 9u);
  EXPECT_EQ(first.rows.front().name, "products");
  EXPECT_EQ(first.rows.front().calls, 2);
  EXPECT_EQ(first.rows.front().operations, 11);
  EXPECT_GT(first.rows.front().seconds, 0);
  EXPECT_EQ(report().seconds, first.seconds);
  start();
  EXPECT_EQ(report().rows.front().calls, 0);
  stop();
}

TEST(Profile, PartsOfAllThreadsAddUpToTheTimeOfAllThreads) {
  set_threads(2);
  start();
#pragma omp parallel num_threads(2)
  work(1);
  stop();
  const Report all = report();
  set_threads(0);
  EXPECT_EQ(all.threads, 2);
  EXPECT_EQ(all.rows.front().calls, 2);
  EXPECT_EQ(all.rows.back().name, "rest");
  double sum = 0;
  for (const Row& row : all.rows) sum += row.seconds;
  EXPECT_NEAR(sum, all.seconds * all.threads, 1e-3);
}

}  // namespace profile_test
}  // namespace carousel::profile
