// What differentiation says when an op is given what does not fit.
#include <gtest/gtest.h>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace messages_test {

using testing::error_of;

TEST(AutogradMessages, NameTheOpAndWhatItNeeds) {
  const Var x(Tensor::zeros({2, 3}), true);
  EXPECT_EQ(error_of<ShapeError>([&] {
              x.add_grad(Tensor::zeros({3, 2}));
            }),
            "[tape] a gradient has the shape of its value; got [3, 2] for a value of [2, 3]. Check the op.");
  EXPECT_EQ(error_of<ShapeError>([&] {
              ops::gather_rows(nullptr, x, {0, 2});
            }),
            "[gather_rows] rows must lie in [-1, 2); got 2. Check the packing.");
  EXPECT_EQ(error_of<ShapeError>([&] { ops::concat_columns(nullptr, {}); }),
            "[concat_columns] at least one part is needed; got none. Pass one.");
  EXPECT_EQ(error_of<ShapeError>([&] { ops::concat_rows(nullptr, {}); }),
            "[concat_rows] at least one part is needed; got none. Pass one.");
  EXPECT_EQ(error_of<ShapeError>([&] { ops::dropout(nullptr, Var(Tensor::zeros({2}, DType::i32)), 0.5, 1, 1); }),
            "[ops] arithmetic needs f32 or f64; got i32. Use embedding() for ids.");
}

}  // namespace messages_test
}  // namespace carousel
