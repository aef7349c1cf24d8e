#include "carousel/data/line_reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <vector>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace line_reader_test {

using testing::error_of;
using testing::TempDir;

std::vector<std::string> all_lines(const std::string& file, const ReadOptions& options = {}) {
  std::vector<std::string> lines;
  LineReader reader(file, options);
  std::string_view line;
  while (reader.next(line)) lines.emplace_back(line);
  EXPECT_EQ(reader.line(), static_cast<int64_t>(lines.size()));
  return lines;
}

std::string read_error(const std::string& file, const ReadOptions& options = {}) {
  return error_of<DataError>([&] { all_lines(file, options); });
}

void write_gzip(const std::string& file, std::string_view content) {
  gzFile stream = gzopen(file.c_str(), "wb");
  gzwrite(stream, content.data(), static_cast<unsigned>(content.size()));
  gzclose(stream);
}

using Lines = std::vector<std::string>;

TEST(LineReader, AcceptsEveryKindOfLineEnd) {
  TempDir folder;
  EXPECT_EQ(all_lines(folder.write("lf", "a\nb\n")), (Lines{"a", "b"}));
  EXPECT_EQ(all_lines(folder.write("crlf", "a\r\n\r\nb\r\n")), (Lines{"a", "", "b"}));
  EXPECT_EQ(all_lines(folder.write("open", "a\nb")), (Lines{"a", "b"}));
  EXPECT_EQ(all_lines(folder.write("blank", "\n")), (Lines{""}));
}

TEST(LineReader, SkipsAByteOrderMark) {
  TempDir folder;
  EXPECT_EQ(all_lines(folder.write("bom", "\xEF\xBB\xBFhead\n")), (Lines{"head"}));
}

TEST(LineReader, JoinsLinesThatSpanBlocks) {
  TempDir folder;
  const std::string text(700000, 'x');
  EXPECT_EQ(all_lines(folder.write("long", "a\n" + text + "\r\nb")), (Lines{"a", text, "b"}));
}

TEST(LineReader, ReadsGzipByItsContent) {
  TempDir folder;
  const std::string text(300000, 'y');
  write_gzip(folder.file("data"), "one\n" + text + "\n");
  EXPECT_EQ(all_lines(folder.file("data")), (Lines{"one", text}));
}

TEST(LineReader, RefusesDamagedGzip) {
  TempDir folder;
  write_gzip(folder.file("whole.gz"), std::string(100000, 'z') + "\nsome more text\n");
  std::ifstream in(folder.file("whole.gz"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const std::string cut = folder.write("cut.gz", bytes.substr(0, bytes.size() / 2));
  EXPECT_NE(read_error(cut).find("[data] gzip data must be whole; got: "), std::string::npos) << read_error(cut);
}

TEST(LineReader, BoundsTheTextOfAFile) {
  TempDir folder;
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "line\n";
  write_gzip(folder.file("bomb.gz"), text);
  ReadOptions options;
  options.max_text_bytes = 300000;
  EXPECT_NE(read_error(folder.file("bomb.gz"), options)
                .find("[data] a file may hold at most 300000 bytes of text; got more. Split the file, or set "
                      "CAROUSEL_DATA_MAX_UNPACKED_BYTES higher."),
            std::string::npos);
}

TEST(LineReader, NamesWhatIsWrongWithTheFile) {
  TempDir folder;
  const std::string missing = folder.file("missing.tsv");
  EXPECT_EQ(read_error(missing),
            missing + ": [data] the file must be readable text; got no such file. Check the path.");
  EXPECT_NE(read_error(folder.file("")).find("got a directory. Name a file in it."), std::string::npos);
  EXPECT_NE(read_error(folder.write("empty", "")).find("got an empty file. Write one example per line into it."),
            std::string::npos);
  const std::string locked = folder.write("locked", "a");
  std::filesystem::permissions(locked, std::filesystem::perms::none);
  if (::access(locked.c_str(), R_OK) != 0) {  // root may read everything
    EXPECT_NE(read_error(locked).find("got permission denied. Make the file readable for this user."),
              std::string::npos);
  }
}

TEST(LineReader, RefusesWhatCouldNotBeReadASecondTime) {
  TempDir folder;
  const std::string pipe = folder.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_error(pipe), pipe +
                                  ": [data] the file must be readable text; got a pipe or a device, which gives its "
                                  "content only once. Write it to a file and name that.")
      << "and does not wait for somebody who writes";
}

TEST(LineReader, NamesTheInvalidByte) {
  TempDir folder;
  const std::string file = folder.write("latin", "good\ncaf\xE9 noir\n");
  EXPECT_EQ(read_error(file),
            file +
                ":2:4: [data] text must be UTF-8; got byte 0xE9. Convert the file, for example: iconv -f "
                "LATIN1 -t UTF-8 FILE > NEW.");
}

TEST(LineReader, RefusesNulBytesAndUtf16) {
  TempDir folder;
  const std::string nul = folder.write("nul", std::string("a\nb\0c\n", 6));
  EXPECT_NE(read_error(nul).find(":2:2: [data] text must not hold NUL bytes; got one."), std::string::npos);
  const std::string wide = folder.write("wide", std::string("\xFF\xFE"
                                                            "a\0",
                                                            4));
  EXPECT_NE(read_error(wide).find(":1:1: [data] text must be UTF-8; got a UTF-16 byte order mark."), std::string::npos);
}

TEST(LineReader, BoundsTheLengthOfALine) {
  TempDir folder;
  const std::string file = folder.write("wide", "a\n" + std::string(10 << 20, 'x'));
  EXPECT_EQ(read_error(file),
            file +
                ":2:1048577: [data] a line may have at most 1048576 bytes (max_line_bytes); got 10485760. Check that "
                "line ends are not missing, or raise max_line_bytes.");
  ReadOptions options;
  options.max_line_bytes = 5;
  EXPECT_EQ(all_lines(folder.write("fits", "12345\n12345"), options).size(), 2u);
  EXPECT_NE(read_error(folder.write("over", "12345\n123456\n"), options).find(":2:6: "), std::string::npos);
}

TEST(LineReader, AnEmptyNameIsSaid) {
  EXPECT_EQ(testing::error_of<ConfigError>([] { LineReader(""); }),
            "[data] a file needs a name; got an empty one. Name the file.");
}

}  // namespace line_reader_test
}  // namespace carousel::data
