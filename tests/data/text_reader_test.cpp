// Running text, its symbols, and the streams in which it is read.
#include "carousel/data/text_reader.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/data/registry.h"
#include "carousel/data/stream_batcher.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace text_reader_test {

using Texts = std::vector<std::string_view>;

std::vector<std::pair<std::string, int64_t>> lines_of(const TextFiles& text, int64_t begin, int64_t end) {
  std::vector<std::pair<std::string, int64_t>> lines;
  text.each_line(begin, end, [&](std::string_view line, int64_t number) { lines.emplace_back(line, number); });
  return lines;
}

using NumberedLines = std::vector<std::pair<std::string, int64_t>>;

TEST(TextReader, KeepsBlankLinesAndTheirNumbersOverFiles) {
  const testing::TempDir dir;
  const TextFiles text({dir.write("a.txt", "one two\n\nthree\n"), dir.write("b.txt", "four\nfive")});
  ASSERT_EQ(text.lines(), 5);
  EXPECT_EQ(lines_of(text, 0, 5), (NumberedLines{{"one two", 1}, {"", 2}, {"three", 3}, {"four", 1}, {"five", 2}}));
  EXPECT_EQ(lines_of(text, 1, 4), (NumberedLines{{"", 2}, {"three", 3}, {"four", 1}}));
  EXPECT_EQ(lines_of(text, 4, 99), (NumberedLines{{"five", 2}}));
  EXPECT_TRUE(lines_of(text, 3, 3).empty());
}

TEST(TextReader, RefusesWhatHoldsNothing) {
  const testing::TempDir dir;
  const std::string blank = dir.write("blank.txt", "\n  \n\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { TextFiles({blank}); }),
            blank + ": [data] a text needs a line with something in it; got blank lines only. Check it.");
  EXPECT_EQ(testing::error_of<ConfigError>([&] { TextFiles(std::vector<std::string>{}); }),
            "[data] at least one file is needed; got none. Name one.");
}

TEST(TextReader, RefusesATextThatChangesMeanwhile) {
  const testing::TempDir dir;
  const std::string file = dir.write("a.txt", "one\ntwo\n");
  const TextFiles text({file});
  for (const char* other : {"one\n", "one\ntwo\nthree\n"}) {
    dir.write("a.txt", other);
    EXPECT_EQ(testing::error_of<DataError>([&] { lines_of(text, 0, 2); }),
              file +
                  ": [data] a text must stay as it is while it is read; got 2 lines and then another number. Write "
                  "to a copy of it.");
  }
}

TEST(TextReader, StreamEndsEachLineAndCountsCodePoints) {
  const testing::TempDir dir;
  const TextFiles text({dir.write("a.txt", "ab\n\nb\xC3\xBCz\n")});
  const auto tokenizer = make_character_tokenizer({"ab", "\xC3\xBC"}, {}, 1);
  const TokenStream stream = make_stream(*tokenizer, text);
  const Vocabulary& v = tokenizer->vocabulary();
  EXPECT_EQ(stream.ids.all(), (std::vector<int32_t>{v.id("a"), v.id("b"), Vocabulary::kEos, Vocabulary::kEos, v.id("b"),
                                                    v.id("\xC3\xBC"), Vocabulary::kUnk, Vocabulary::kEos}));
  EXPECT_EQ(stream.characters, 3 + 1 + 4);
  EXPECT_EQ(stream.unknown, 1);
  EXPECT_EQ(stream.lines, 3);
  EXPECT_EQ(stream.counts, (std::vector<int64_t>{0, 3, 1, 1, 2, 1}));
  EXPECT_EQ(stream.line_of(0), 1);
  EXPECT_EQ(stream.line_of(2), 1);
  EXPECT_EQ(stream.line_of(3), 2);
  EXPECT_EQ(stream.line_of(7), 3);
}

/// Lines of all lengths, some blank, with words that come again and some that do not.
std::string much_text(int64_t lines, uint64_t seed) {
  Rng rng(seed, 0);
  std::string text;
  for (int64_t i = 0; i < lines; ++i) {
    const uint64_t words = rng.below(9);
    for (uint64_t w = 0; w < words; ++w) {
      for (uint64_t k = 1 + rng.below(7); k > 0; --k) text += static_cast<char>('a' + rng.below(9));
      text += rng.below(5) == 0 ? ", " : " ";
      if (rng.below(50) == 0) text += "\xC3\xBC";
    }
    text += "\n";
  }
  return text;
}

TEST(TextReader, TheStreamedWayIsThePlainOne) {
  const testing::TempDir dir;
  const std::vector<std::string> files = {dir.write("a.txt", much_text(3000, 1)),
                                          dir.write("b.txt", much_text(2000, 2))};
  const TextFiles text(files);
  std::vector<std::string> lines;
  std::vector<int64_t> numbers;
  for (const std::string& file : files) {
    LineReader reader(file);
    std::string_view line;
    while (reader.next(line)) {
      lines.emplace_back(line);
      numbers.push_back(reader.line());
    }
  }
  const int64_t begin = 100, end = 4700;
  const Texts views(lines.begin() + begin, lines.begin() + end);
  for (const std::string& kind : tokenizer_kinds()) {
    const TokenizerRecipe recipe{kind, {}, 2, 300, 0};
    TokenizerLearner learner(recipe);
    text.each_line(begin, end, [&](std::string_view line, int64_t) { learner.add(line); });
    const auto tokenizer = learner.finish();
    ASSERT_EQ(tokenizer->to_json(), make_tokenizer(views, recipe)->to_json()) << kind;
    std::vector<int32_t> ids;
    std::vector<int64_t> line_of;
    for (int64_t i = begin; i < end; ++i) {
      for (const int32_t id : tokenizer->encode(lines[static_cast<size_t>(i)])) ids.push_back(id);
      ids.push_back(Vocabulary::kEos);
      line_of.resize(ids.size(), numbers[static_cast<size_t>(i)]);
    }
    for (const int64_t held : {int64_t{1000}, SymbolStore::kHeldBytes}) {
      const TokenStream stream = make_stream(*tokenizer, text, begin, end, held);
      EXPECT_EQ(stream.ids.on_disk(), held == 1000);
      ASSERT_TRUE(stream.ids.all() == ids) << kind;
      EXPECT_EQ(stream.unknown, std::count(ids.begin(), ids.end(), Vocabulary::kUnk));
      EXPECT_EQ(stream.unknown > 0, kind.starts_with("word")) << kind;
      for (size_t i = 0; i < ids.size(); i += 97) ASSERT_EQ(stream.line_of(static_cast<int64_t>(i)), line_of[i]) << i;
    }
  }
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

}  // namespace text_reader_test
}  // namespace carousel::data
