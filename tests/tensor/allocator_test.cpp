// The pool's account of what tensors hold.
#include <gtest/gtest.h>

#include "carousel/tensor/tensor.h"

namespace carousel {
namespace {

TEST(TensorMemory, PeakIsTheMostSinceItWasReset) {
  const int64_t before = tensor_memory().current;
  { const Tensor large = Tensor::empty({1 << 20}); }
  EXPECT_EQ(tensor_memory().current, before);
  EXPECT_GE(tensor_memory().peak - before, 4 << 20);
  reset_tensor_peak();
  EXPECT_EQ(tensor_memory().peak, before);
  { const Tensor small = Tensor::empty({1 << 10}); }
  EXPECT_GE(tensor_memory().peak - before, 4 << 10);
  EXPECT_LT(tensor_memory().peak - before, 4 << 20);
}

}  // namespace
}  // namespace carousel
