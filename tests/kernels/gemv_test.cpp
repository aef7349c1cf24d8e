// Products with one vector of every kernel set against the double-precision sum.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "carousel/base/rng.h"
#include "carousel/kernels/table.h"

namespace carousel::kernels {
namespace gemv_test {

std::vector<float> random_values(int64_t n, uint64_t seed) {
  Rng rng(seed, 0);
  std::vector<float> v(static_cast<size_t>(n));
  for (float& x : v) x = rng.normal();
  return v;
}

/// W x of the rows [first, n) of W [n, k], whose rows lie `ldw` apart; added to y when `accumulate`.
std::vector<float> product(const Table<float>& table, int64_t first, int64_t n, int64_t k, const std::vector<float>& w,
                           int64_t ldw, const std::vector<float>& x, std::vector<float> y, bool accumulate) {
  std::vector<float> packed(static_cast<size_t>(table.gemv_size(n - first, k)));
  table.gemv_pack(n - first, k, w.data() + first * ldw, ldw, packed.data());
  table.gemv({n - first, k, packed.data(), x.data(), y.data(), accumulate});
  return y;
}

class GemvOf : public ::testing::TestWithParam<std::string> {};

TEST_P(GemvOf, EqualsTheSumForEveryNumberOfRows) {
  const Table<float>& table = table_named(GetParam());
  std::vector<int64_t> rows;
  for (int64_t n = 0; n <= 34; ++n) rows.push_back(n);
  for (const int64_t n : {63, 64, 65, 100, 127, 128, 129, 200, 257}) rows.push_back(n);
  for (const int64_t n : rows)
    for (const int64_t k : {0, 1, 7, 40})
      for (const bool accumulate : {false, true}) {
        const int64_t ldw = k + 3;
        const auto w = random_values(n * ldw, 1), x = random_values(k, 2), before = random_values(n + 1, 3);
        const auto y = product(table, 0, n, k, w, ldw, x, before, accumulate);
        for (int64_t i = 0; i < n; ++i) {
          double sum = accumulate ? static_cast<double>(before[static_cast<size_t>(i)]) : 0.0;
          for (int64_t l = 0; l < k; ++l)
            sum += static_cast<double>(w[static_cast<size_t>(i * ldw + l)]) *
                   static_cast<double>(x[static_cast<size_t>(l)]);
          ASSERT_NEAR(y[static_cast<size_t>(i)], sum, 2e-5) << n << " x " << k << ", row " << i;
        }
        EXPECT_EQ(y.back(), before.back()) << "written past the end of " << n;
      }
}

TEST_P(GemvOf, ARowDoesNotDependOnItsNeighbours) {
  const Table<float>& table = table_named(GetParam());
  constexpr int64_t kRows = 150, kColumns = 33;
  const auto w = random_values(kRows * kColumns, 4), x = random_values(kColumns, 5);
  const auto all = product(table, 0, kRows, kColumns, w, kColumns, x, std::vector<float>(kRows), false);
  for (const int64_t first : {1, 5, 64, 149}) {
    const auto rest = product(table, first, kRows, kColumns, w, kColumns, x,
                              std::vector<float>(static_cast<size_t>(kRows - first)), false);
    EXPECT_EQ(rest, std::vector<float>(all.begin() + first, all.end()));
  }
}

TEST_P(GemvOf, AVectorDoesNotDependOnItsCompany) {
  const Table<float>& table = table_named(GetParam());
  constexpr int64_t kColumns = 33;
  // Of those that are taken together, less, as many, more, and twice with some left.
  for (const auto& [rows, vectors] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 29}, {16, 5}, {17, 12}, {50, 13}, {128, 29}, {150, 11}}) {
    const auto w = random_values(rows * kColumns, 4), x = random_values(vectors * kColumns, 5);
    std::vector<float> packed(static_cast<size_t>(table.gemv_size(rows, kColumns)));
    table.gemv_pack(rows, kColumns, w.data(), kColumns, packed.data());
    for (const bool accumulate : {false, true}) {
      const auto before = random_values(vectors * rows + 1, 6);
      auto together = before, alone = before;
      table.gemv({rows, kColumns, packed.data(), x.data(), together.data(), accumulate, vectors});
      for (int64_t r = 0; r < vectors; ++r)
        table.gemv({rows, kColumns, packed.data(), x.data() + r * kColumns, alone.data() + r * rows, accumulate});
      EXPECT_EQ(together, alone) << rows;
    }
  }
}

TEST_P(GemvOf, NaNStaysInItsRow) {
  const Table<float>& table = table_named(GetParam());
  auto w = random_values(20 * 4, 6);
  const auto x = random_values(4, 7);
  w[7 * 4 + 2] = std::numeric_limits<float>::quiet_NaN();
  const auto y = product(table, 0, 20, 4, w, 4, x, std::vector<float>(20), false);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(std::isnan(y[i]), i == 7);
}

INSTANTIATE_TEST_SUITE_P(AllSets, GemvOf, ::testing::ValuesIn(available()),
                         [](const auto& param_info) { return param_info.param; });

}  // namespace gemv_test
}  // namespace carousel::kernels
