#include "carousel/autograd/parallel.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace parallel_test {

constexpr int64_t kMuch = int64_t{1} << 20;  // cost of one index: worth a thread each

class Parallel : public ::testing::Test {
 protected:
  Parallel() { set_threads(4); }
  ~Parallel() override { set_threads(0); }
};

TEST_F(Parallel, EveryIndexIsVisitedOnce) {
  std::vector<int> visits(37, 0);
  parallel_for(37, kMuch, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
  });
  EXPECT_EQ(visits, std::vector<int>(37, 1));
}

TEST_F(Parallel, WhatABodyThrowsComesOutWhicheverThreadItRanOn) {
  for (int64_t bad = 0; bad < 4; ++bad) {
    const std::string text = testing::error_of<ResourceError>([&] {
      parallel_for(4, kMuch, [&](int64_t begin, int64_t end) {
        if (begin <= bad && bad < end) throw ResourceError("[test] part " + std::to_string(bad));
      });
    });
    EXPECT_EQ(text, "[test] part " + std::to_string(bad));
  }
}

TEST_F(Parallel, AllPartsThrowingGiveOneError) {
  EXPECT_THROW(parallel_for(64, kMuch, [](int64_t, int64_t) { throw ShapeError("[test] all"); }), ShapeError);
}

TEST_F(Parallel, LaterStagesAreLeftOutOnceAThreadHasFailed) {
  ParallelGuard guard;
  std::atomic<int> later{0};
#pragma omp parallel num_threads(3)
  {
    guard.run([] { throw ConfigError("[test] first stage"); });
#pragma omp barrier
    guard.run([&] { ++later; });
  }
  EXPECT_EQ(testing::error_of<ConfigError>([&] { guard.rethrow(); }), "[test] first stage");
  EXPECT_EQ(later, 0);
}

TEST_F(Parallel, WithoutAFailureNothingIsThrown) {
  ParallelGuard guard;
  guard.run([] {});
  EXPECT_NO_THROW(guard.rethrow());
}

}  // namespace parallel_test
}  // namespace carousel
