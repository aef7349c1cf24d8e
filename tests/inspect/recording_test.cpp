#include "carousel/inspect/recording.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::inspect {
namespace recording_test {

using testing::error_of;

Tensor rows(int64_t count, int64_t width, double value) {
  return Tensor::full({count, width}, value);
}

TEST(CellRecording, KeepsRowsByNameInTheOrderOfFirstMention) {
  CellRecording recording;
  recording.record("encoder.0/h", rows(2, 3, 1));
  recording.record("decoder/h", rows(1, 2, 2));
  recording.record("decoder/h", Tensor::full({1, 2}, 3, DType::f64));
  ASSERT_EQ(recording.all().size(), 2u);
  EXPECT_EQ(recording.all()[0].layer(), "encoder.0");
  EXPECT_EQ(recording.all()[0].quantity(), "h");
  EXPECT_EQ(recording.all()[0].rows(), 2);
  const RecordedRows* decoder = recording.find("decoder/h");
  ASSERT_NE(decoder, nullptr);
  EXPECT_EQ(decoder->rows(), 2);
  EXPECT_EQ(decoder->values, (std::vector<float>{2, 2, 3, 3}));
  EXPECT_EQ(recording.find("decoder/c"), nullptr);
}

TEST(CellRecording, TheDirectionBelongsToTheLayer) {
  CellRecording recording;
  recording.record("encoder.0/forget_gate.reverse", rows(1, 1, 0));
  recording.record("whole", rows(1, 1, 0));
  EXPECT_EQ(recording.all()[0].layer(), "encoder.0.reverse");
  EXPECT_EQ(recording.all()[0].quantity(), "forget_gate");
  EXPECT_EQ(recording.all()[1].layer(), "whole");
  EXPECT_EQ(recording.all()[1].quantity(), "");
}

TEST(CellRecording, RefusesWhatIsNoTableOfUnits) {
  CellRecording recording;
  recording.record("a/h", rows(1, 2, 0));
  EXPECT_EQ(error_of<ShapeError>([&] { recording.record("a/h", rows(1, 3, 0)); }),
            "[recording] all rows of a/h must have 2 units; got 3. Use another name.");
  EXPECT_EQ(error_of<ShapeError>([&] {
              recording.record("b/h", Tensor::zeros({1, 2, 3}));
            }),
            "[recording] what is recorded has one row or rows of units; got [1, 2, 3] for b/h. Reshape it.");
}

}  // namespace recording_test
}  // namespace carousel::inspect
