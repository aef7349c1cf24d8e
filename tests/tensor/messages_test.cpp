// What tensors and archives say when they are asked for what is not there.
#include <gtest/gtest.h>

#include <limits>

#include "carousel/base/error.h"
#include "carousel/tensor/archive.h"
#include "carousel/tensor/tensor.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace messages_test {

using testing::error_of;

TEST(TensorMessages, NameTheShapeAndWhatToDo) {
  const Tensor t = Tensor::zeros({2, 3});
  EXPECT_EQ(error_of<ShapeError>([&] {
              Tensor::empty({2, -1});
            }),
            "[tensor] sizes must be non-negative and fit in memory; got [2, -1]. Check the sizes.");
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max() / 2;
  EXPECT_EQ(error_of<ShapeError>([&] {
              Tensor::empty({kHuge, 3});
            }).rfind("[tensor] sizes must be non-negative", 0),
            0u);
  const std::vector<float> five(5);
  EXPECT_EQ(error_of<ShapeError>([&] {
              Tensor::from<float>({2, 3}, five);
            }),
            "[tensor] shape [2, 3] holds 6 elements; got 5 values. Check the shape.");
  EXPECT_EQ(error_of<ShapeError>([&] { Tensor().data<float>(); }),
            "[tensor] an undefined tensor has no elements; got none. Assign one first.");
  EXPECT_EQ(error_of<ShapeError>([&] { t.reshape({4}); }),
            "[reshape] the number of elements must stay; got [2, 3] -> [4]. Check the sizes.");
  EXPECT_EQ(error_of<UnsupportedError>([&] { t.to(DType::i32); }),
            "[tensor] only f32 and f64 convert into each other, and bf16 into f32; got f32 -> i32. Keep ids as i32.");
  EXPECT_EQ(error_of<ShapeError>([&] { t.item(); }),
            "[item] exactly one element is needed; got shape [2, 3]. Reduce first.");
  EXPECT_EQ(error_of<ShapeError>([&] { t.dim(2); }),
            "[shape] axis 2 does not exist; got shape [2, 3]. Check the rank.");
  EXPECT_EQ(error_of<UnsupportedError>([&] { Tensor::empty({1}, DType::bf16).item(); }),
            "[tensor] elements must be f32, f64 or i32 here; got bf16. Decode them first.");
}

TEST(ArchiveMessages, SayWhatTheFileIs) {
  const testing::TempDir dir;
  EXPECT_EQ(error_of<FormatError>([&] { read_archive(dir.path()); }),
            dir.path() + ": [archive] a model is a file; got a folder. Name a file in it.");
  const std::string empty = dir.write("empty", "");
  EXPECT_EQ(error_of<FormatError>([&] { read_archive(empty); }),
            empty + ": byte 0: [archive] the file is empty. Fetch it again, or train anew.");
  const std::string other = dir.write("other", std::string("\x02\0\0\0\0\0\0\0[]", 10));
  EXPECT_EQ(error_of<FormatError>([&] { read_archive(other); }),
            other + ": byte 8: [archive] the header must begin with '{'. This is no safetensors file.");
}

}  // namespace messages_test
}  // namespace carousel
