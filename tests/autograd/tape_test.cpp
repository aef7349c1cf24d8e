// Gradients of which few rows differ from zero.
#include "carousel/autograd/tape.h"

#include <gtest/gtest.h>

#include <vector>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"

namespace carousel {
namespace tape_test {

constexpr int64_t kRows = 40, kWidth = 3;

Var table_of(double value) {
  return Var(Tensor::full({kRows, kWidth}, value, DType::f64), true);
}

/// What the gradient of a table looked up at `ids` holds in each row, when all outputs have the gradient `scale`.
std::vector<double> expected(const std::vector<int32_t>& ids, double scale) {
  std::vector<double> rows(kRows);
  for (const int32_t id : ids) rows[static_cast<size_t>(id)] += scale;
  return rows;
}

void expect_rows(const Tensor& gradient, const std::vector<double>& rows) {
  ASSERT_EQ(gradient.shape(), (Shape{kRows, kWidth}));
  for (int64_t i = 0; i < gradient.numel(); ++i)
    EXPECT_EQ(gradient.data<double>()[i], rows[static_cast<size_t>(i / kWidth)]) << "element " << i;
}

TEST(Tape, TheGradientOfATableKnowsItsRows) {
  const Var table = table_of(1);
  const std::vector<int32_t> ids = {5, 2, 5, 39};
  // Memory that is used again, so that rows which nobody zeroes would show.
  { const Tensor dirty = Tensor::full({kRows, kWidth}, 7, DType::f64); }
  Tape tape;
  const Var y = ops::embedding(&tape, ids, table);
  tape.backward(y, Tensor::full({4, kWidth}, 2, DType::f64));
  ASSERT_TRUE(table.has_row_grad());
  EXPECT_EQ(table.row_grad().rows, (std::vector<int64_t>{2, 5, 39}));
  EXPECT_EQ(table.row_grad().tensor.data<double>()[5 * kWidth], 4);
  expect_rows(table.grad(), expected(ids, 2));
  EXPECT_FALSE(table.has_row_grad()) << "grad() has filled the other rows";
  table.clear_grad();
  EXPECT_FALSE(table.has_grad());
}

TEST(Tape, RowsOfSeveralLookupsAreAdded) {
  const Var table = table_of(1);
  const std::vector<int32_t> first = {7, 0}, second = {30, 7, 8};
  Tape tape;
  const Var a = ops::embedding(&tape, first, table), b = ops::embedding(&tape, second, table);
  tape.backward(ops::concat_rows(&tape, {a, b}), Tensor::full({5, kWidth}, 1, DType::f64));
  ASSERT_TRUE(table.has_row_grad());
  EXPECT_EQ(table.row_grad().rows, (std::vector<int64_t>{0, 7, 8, 30}));
  std::vector<double> rows = expected(first, 1);
  for (const int32_t id : second) rows[static_cast<size_t>(id)] += 1;
  expect_rows(table.grad(), rows);
}

TEST(Tape, AWholeGradientTakesInRowsAndGoesIntoThem) {
  for (const bool rows_first : {false, true}) {
    const Var table = table_of(1), x(Tensor::full({1, kWidth}, 3, DType::f64));
    const std::vector<int32_t> ids = {4};
    Tape tape;
    // The tape runs backwards: what is made last adds first.
    Var looked, product;
    if (!rows_first) looked = ops::embedding(&tape, ids, table);
    product = ops::linear(&tape, x, table, Var());
    if (rows_first) looked = ops::embedding(&tape, ids, table);
    const Var all = ops::concat_columns(&tape, {looked, product});
    tape.backward(all, Tensor::full({1, kWidth + kRows}, 1, DType::f64));
    EXPECT_FALSE(table.has_row_grad());
    std::vector<double> rows(kRows, 3);
    rows[4] = 4;
    expect_rows(table.grad(), rows);
  }
}

TEST(Tape, ManyRowsAreAWholeGradient) {
  const Var table = table_of(1);
  for (const bool often : {false, true}) {
    std::vector<int32_t> ids;
    for (int32_t i = 0; i < (often ? kRows + 1 : 21); ++i) ids.push_back(often ? 1 : i);
    Tape tape;
    const auto count = static_cast<int64_t>(ids.size());
    tape.backward(ops::embedding(&tape, ids, table), Tensor::full({count, kWidth}, 1, DType::f64));
    EXPECT_FALSE(table.has_row_grad());
    expect_rows(table.grad(), expected(ids, 1));
    table.clear_grad();
  }
}

}  // namespace tape_test
}  // namespace carousel
