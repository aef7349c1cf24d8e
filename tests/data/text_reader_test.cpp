// Running text, its symbols, and the streams in which it is read.
#include "carousel/data/text_reader.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/data/registry.h"
#include "carousel/data/stream_batcher.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace {

TEST(TextReader, KeepsBlankLinesAndTheirNumbersOverFiles) {
  const testing::TempDir dir;
  const TextData text = read_text({dir.write("a.txt", "one two\n\nthree\n"), dir.write("b.txt", "four")});
  ASSERT_EQ(text.lines.size(), 4u);
  EXPECT_EQ(text.lines[1].text, "");
  EXPECT_EQ(text.lines[2].line, 3);
  EXPECT_EQ(text.lines[3].text, "four");
  EXPECT_EQ(text.lines[3].line, 1);
}

TEST(TextReader, RefusesWhatHoldsNothing) {
  const testing::TempDir dir;
  const std::string blank = dir.write("blank.txt", "\n  \n\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { read_text({blank}); }),
            blank + ": [data] a text needs a line with something in it; got blank lines only. Check it.");
  EXPECT_EQ(testing::error_of<ConfigError>([&] { read_text({}); }),
            "[data] at least one file is needed; got none. Name one.");
}

TEST(TextReader, StreamEndsEachLineAndCountsCodePoints) {
  const testing::TempDir dir;
  const TextData text = read_text({dir.write("a.txt", "ab\n\nb\xC3\xBCz\n")});
  const auto tokenizer = make_character_tokenizer({"ab", "\xC3\xBC"}, {}, 1);
  const TokenStream stream = make_stream(*tokenizer, text, 0, 3);
  const Vocabulary& v = tokenizer->vocabulary();
  EXPECT_EQ(stream.ids, (std::vector<int32_t>{v.id("a"), v.id("b"), Vocabulary::kEos, Vocabulary::kEos, v.id("b"),
                                              v.id("\xC3\xBC"), Vocabulary::kUnk, Vocabulary::kEos}));
  EXPECT_EQ(stream.characters, 3 + 1 + 4);
  EXPECT_EQ(stream.unknown, 1);
  EXPECT_EQ(stream.line_of(0), 1);
  EXPECT_EQ(stream.line_of(2), 1);
  EXPECT_EQ(stream.line_of(3), 2);
  EXPECT_EQ(stream.line_of(7), 3);
}

TEST(TextReader, TextIsRecognisedAndATableIsNot) {
  const testing::TempDir dir;
  EXPECT_EQ(detect_format({dir.write("a.txt", "to be\nor not\n")}).reason,
            "running text without columns in all of the 2 lines");
  EXPECT_THROW(detect_format({dir.write("b.txt", "a\tb\tc\nd\te\tf\n")}), DataError);
}

TEST(StreamBatcher, EveryStreamGoesOnWhereItWas) {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 23; ++i) ids.push_back(i);
  const StreamBatcher batcher(23, 2, 4);  // two streams of 11: 0..10 and 11..21
  ASSERT_EQ(batcher.num_batches(), 3);
  std::vector<int32_t> inputs, targets, first, second;
  for (int64_t k = 0; k < 3; ++k) {
    batcher.fill(ids, k, inputs, targets);
    ASSERT_EQ(static_cast<int64_t>(inputs.size()), 2 * batcher.steps(k));
    for (size_t i = 0; i < inputs.size(); i += 2) {
      first.push_back(inputs[i]);
      second.push_back(inputs[i + 1]);
      EXPECT_EQ(targets[i], inputs[i] + 1);
      EXPECT_EQ(targets[i + 1], inputs[i + 1] + 1);
    }
  }
  EXPECT_EQ(first, std::vector<int32_t>(ids.begin(), ids.begin() + 11));
  EXPECT_EQ(second, std::vector<int32_t>(ids.begin() + 11, ids.begin() + 22));
  EXPECT_EQ(batcher.begin(2, 1), 19);
}

TEST(StreamBatcher, RefusesATextThatIsTooShort) {
  EXPECT_EQ(
      testing::error_of<ConfigError>([] { StreamBatcher(4, 4, 10); }),
      "[data] the text must give each of the batch_size streams two symbols; got 4 symbols for batch_size = 4. Use "
      "a smaller batch_size or more text.");
}

}  // namespace
}  // namespace carousel::data
