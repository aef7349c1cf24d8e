#include "apps/cli/text_input.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::cli {
namespace text_input_test {

using carousel::testing::error_of;
using carousel::testing::TempDir;
using Lines = std::vector<std::string>;

Lines all_lines(const std::string& path, size_t most = 1000) {
  LineSource source(path);
  Lines all, some;
  while (source.next(&some, most)) {
    EXPECT_LE(some.size(), most);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

TEST(LineSource, GivesOneLinePerLine) {
  const TempDir dir;
  EXPECT_EQ(all_lines(dir.write("a", "one\n\ntwo\r\nthree")), (Lines{"one", "", "two", "three"}));
  EXPECT_EQ(all_lines(dir.write("b", "\xEF\xBB\xBFone\n")), (Lines{"one"}));
  EXPECT_EQ(all_lines(dir.write("c", "")), Lines{});
  EXPECT_EQ(all_lines(dir.write("d", "\n")), Lines{""});
}

TEST(LineSource, KeepsOrderOverManyReads) {
  const TempDir dir;
  std::string text;
  Lines expected;
  for (int i = 0; i < 30000; ++i) {
    expected.push_back("line " + std::to_string(i));
    text += expected.back() + "\n";
  }
  EXPECT_EQ(all_lines(dir.write("a", text), 7), expected);
}

TEST(LineSource, ReadsALineLargerThanOneRead) {
  const TempDir dir;
  const std::string line(1000000, 'x');
  EXPECT_EQ(all_lines(dir.write("a", line + "\nend\n")), (Lines{line, "end"}));
}

TEST(LineSource, GivesTheLinesBeforeABadOneAndThenItsPlace) {
  const TempDir dir;
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"ab\xFF", ":3:3: [data] text must be UTF-8; got byte 0xFF."},
      {std::string("a\0", 2), ":3:2: [data] text must not hold NUL bytes; got one."}};
  for (const auto& [bad, text] : faults) {
    for (const char* end : {"", "\n", "\nmore\n"}) {
      const std::string path = dir.write("bad", "one\ntwo\n" + bad + end);
      LineSource source(path);
      Lines some;
      ASSERT_TRUE(source.next(&some, 10));
      EXPECT_EQ(some, (Lines{"one", "two"}));
      for (int again = 0; again < 2; ++again) {
        const std::string error = error_of<DataError>([&] { source.next(&some, 10); });
        EXPECT_EQ(error.rfind(path + text, 0), 0u) << error;
      }
    }
  }
}

TEST(LineSource, ExampleOfAFileIsSafeToPrint) {
  const TempDir dir;
  EXPECT_EQ(first_input(dir.write("good", "\n\xC3\xA4h\tx\n")), "\xC3\xA4h");
  EXPECT_EQ(first_input(dir.write("packed", "\x1F\x8B\x08\x1B[31m\n")), "example");
}

TEST(LineSource, SaysWhatIsWrong) {
  const TempDir dir;
  EXPECT_EQ(error_of<DataError>([&] { all_lines(dir.file("none")); }),
            dir.file("none") + ": [predict] the file must exist; got none of this name. Check the path.");
  EXPECT_EQ(error_of<DataError>([&] { all_lines(dir.path()); }),
            dir.path() + ": [predict] a file is needed; got a directory. Name a file in it.");
  for (const char* end : {"", "\n", "\nmore\n"}) {
    const std::string path = dir.write("long", "short\n" + std::string(10000000, 'x') + end);
    EXPECT_EQ(error_of<DataError>([&] { all_lines(path); }),
              path + ":2:1048577: [predict] a line may hold 1048576 bytes; got more. Split it.");
  }
}

TEST(FirstInput, IsTheFirstColumnOfTheFirstLineWithText) {
  const TempDir dir;
  EXPECT_EQ(first_input(dir.write("a", "\nhello\tworld\n")), "hello");
  EXPECT_EQ(first_input(dir.write("b", "")), "example");
  EXPECT_EQ(first_input(dir.file("none")), "example");
}

}  // namespace text_input_test
}  // namespace carousel::cli
