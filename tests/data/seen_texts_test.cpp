#include "carousel/data/seen_texts.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace seen_texts_test {

TEST(SeenTexts, KnowsWhatItWasGivenAndNothingElse) {
  SeenTexts texts;
  EXPECT_EQ(texts.contains("a"), std::nullopt) << "who remembers nothing does not know";
  for (int i = 0; i < 1000; ++i) texts.insert("text " + std::to_string(i));
  const SeenTexts loaded = SeenTexts::from_hex(texts.to_hex(), "task.seen", "m");
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(loaded.contains("text " + std::to_string(i)), i < 1000) << i;
}

TEST(SeenTexts, RefusesWhatIsNotHexadecimal) {
  EXPECT_EQ(testing::error_of<FormatError>([&] { SeenTexts::from_hex("0000000g", "task.seen", "m"); }),
            "m: byte 0: [model] task.seen must be groups of eight hexadecimal digits; got something else. The file is "
            "damaged; train again.");
  EXPECT_THROW(SeenTexts::from_hex("00", "task.seen", "m"), FormatError);
}

}  // namespace seen_texts_test
}  // namespace carousel::data
