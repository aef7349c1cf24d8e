// Streams through a state of fixed size: nothing grows with the stream.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <numeric>

#include "carousel/base/threads.h"
#include "carousel/tasks/lab/capacity.h"

namespace carousel::tasks::lab {
namespace lab_capacity_test {

CapacityOptions small() {
  CapacityOptions o;
  o.cells = "lstm";
  o.hidden_size = 8;
  o.delays = {1};
  o.tokens = {20, 500};
  o.steps = 1;
  return o;
}

TEST(CapacityExperiment, TheStateDoesNotGrowWithTheStream) {
  const Report report = capacity_experiment(small(), {});
  const auto& rows = report.tables[0].rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(std::get<int64_t>(rows[0][2]), 2 * 8 * 4) << "h and c of 8 floats";
  EXPECT_EQ(rows[0][2], rows[1][2]);
  EXPECT_EQ(rows[0][3], rows[1][3]) << "memory in use";
}

TEST(CapacityExperiment, MemoryIsThatOfThePeak) {
  const Report report = capacity_experiment(small(), {});
  EXPECT_GE(std::get<int64_t>(report.tables[0].rows[0][3]), 16 * 10 * (4 * 8) * 4)
      << "16 streams of 10 tokens: while the cell runs its 4 * 8 activations are held";
}

TEST(CapacityExperiment, ALongStreamNeedsNoMoreMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps what was freed";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "a sanitizer keeps what was freed";
#endif
#endif
  const auto most_mib = [] {
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss / 1024;
  };
  CapacityOptions o = small();
  o.cells = "rnn";
  o.hidden_size = 2;
  o.delays.resize(40);
  std::iota(o.delays.begin(), o.delays.end(), 1);
  o.tokens = {100};
  set_threads(1);  // chunks are too small to share
  capacity_experiment(o, {});
  const auto before = most_mib();
  o.tokens = {20000};
  capacity_experiment(o, {});
  set_threads(0);
  EXPECT_LT(most_mib() - before, 8) << "MiB; all symbols and answers of the streams are 50";
}

TEST(CapacityExperiment, RecallsWhatIsNearAndReachesAsFar) {
  CapacityOptions o = small();
  o.cells = "rnn";
  o.hidden_size = 24;
  o.delays = {1, 12};
  o.tokens = {300};
  o.steps = 300;
  o.learning_rate = 1e-2;
  const Report report = capacity_experiment(o, {});
  const auto& recall = report.tables[1].rows;
  ASSERT_EQ(recall.size(), 2u);
  EXPECT_EQ(std::get<int64_t>(recall[0][2]), 1);
  EXPECT_GT(std::get<double>(recall[0][3]), 0.8);
  EXPECT_LT(std::get<double>(recall[1][3]), 0.4);
  EXPECT_EQ(std::get<int64_t>(report.tables[0].rows[0][4]), 1) << "reach";
}

TEST(CapacityExperiment, DelaysInAnyOrderGiveTheSame) {
  CapacityOptions o = small();
  o.tokens = {20};
  o.delays = {1, 3};
  const Report ordered = capacity_experiment(o, {});
  o.delays = {3, 1};
  const Report other = capacity_experiment(o, {});
  EXPECT_EQ(other.tables[0].rows, ordered.tables[0].rows);
  EXPECT_EQ(other.tables[1].rows, ordered.tables[1].rows);
}

}  // namespace lab_capacity_test
}  // namespace carousel::tasks::lab
