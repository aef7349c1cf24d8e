// Every reader tells where a bad file is bad: file:line:column.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <regex>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/check.h"
#include "carousel/data/frames/frames.h"
#include "carousel/data/inputs.h"
#include "carousel/data/label_names.h"
#include "carousel/data/labels.h"
#include "carousel/data/pairs.h"
#include "carousel/data/registry.h"
#include "carousel/data/series.h"
#include "carousel/data/series_folder.h"
#include "carousel/data/tags.h"
#include "carousel/data/text_reader.h"
#include "tests/support/sound.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace places_test {

using testing::error_of;
using testing::TempDir;

using Read = std::function<void(const std::string& file)>;

void tags(const std::string& file) {
  read_tags({file}, plan_tags({file}, {}, {}), {});
}
void tag_columns(const std::string& file) {
  TagFormat wanted;
  wanted.columns = "token,tag";
  read_tags({file}, plan_tags({file}, wanted, {}), {});
}
void labels(const std::string& file) {
  read_labels({file}, plan_labels({file}, {}, {}), {});
}
void pairs(const std::string& file) {
  read_pairs({file});
}
void series(const std::string& file) {
  read_series(file, plan_series(file, {}, {}), {}, {});
}
void frames(const std::string& file) {
  read_frames({file}, plan_frames({file}, {}), {}, {});
}
void text(const std::string& file) {
  TextFiles({file}, {});
}
void windows(const std::string& file) {
  read_windows(file);
}
void inputs(const std::string& file) {
  read_inputs(file, {kTextNames, {}, "text", false}, {});
}
void aligned(const std::string& file) {
  const std::string targets = file + ".targets";
  std::filesystem::copy_file(file, targets);
  std::filesystem::resize_file(targets, std::filesystem::file_size(targets) - 2);
  read_aligned_pairs(file, targets, {});
}

struct Case {
  const char* name;
  const char* content;
  Read read;
  const char* place;
};

std::vector<Case> cases() {
  static const std::string sound = "1\ta\t_\tNOUN\t_\t_\t_\t_\t_\t_\n";
  static const std::string few = sound + "2\tb\t_\n", id = sound + "x\tb\t_\tNOUN\t_\t_\t_\t_\t_\t_\n",
                           no_tag = sound + "2\tb\t_\t\t_\t_\t_\t_\t_\t_\n";
  return {
      {"few.conllu", few.c_str(), tags, "2:6"},
      {"id.conllu", id.c_str(), tags, "2:1"},
      {"no_tag.conllu", no_tag.c_str(), tags, "2:7"},
      {"few.conll", "a\tA\nb\tB\n\nc\n", tag_columns, "4:2"},
      {"many.conll", "a\tA\nb\tB\n\nc\td\tC\n", tag_columns, "4:5"},
      {"no_tag.conll", "a\tA\nb\tB\n\nc\t\n", tag_columns, "4:3"},
      {"lines.txt", "__label__a one two\n __label__b\n", labels, "2:12"},
      {"width.csv", "label,text\na,\"one\ntwo\",three\n", labels, "3:6"},
      {"empty.tsv", "label\ttext\na\t \n", labels, "2:3"},
      {"cut.jsonl", "{\"label\": \"a\", \"text\": \"one\"}\n{\"label\": \"a\", \"text\": \"on\n", labels, "2:24"},
      {"type.jsonl", "{\"label\": \"a\", \"text\": \"one\"}\n{\"label\": 0.5, \"text\": \"one\"}\n", labels, "2:11"},
      {"key.jsonl", "{\"label\": \"a\", \"text\": \"one\"}\n  {\"label\": \"a\"}\n", labels, "2:3"},
      {"latin.jsonl", "{\"label\": \"a\", \"text\": \"caf\xE9\"}\n", labels, "1:28"},
      {"pairs.tsv", "a\tb\nc\td\te\n", pairs, "2:5"},
      {"pairs.csv", "source,target\n\"a\nb\",\"c\nd\"x\n", pairs, "4:3"},
      {"gap.csv", "source,target\n\"a\nb\",\n", pairs, "3:4"},
      {"pairs.jsonl", "{\"source\": \"a\", \"target\": \"b\"}\n{\"source\": \"a\", \"target\": \"\"}\n", pairs, "2:27"},
      {"in_out.txt", "IN: a OUT: b\nIN: c OUT:\n", pairs, "2:11"},
      {"aligned.txt", "a\nb\nc\n", aligned, "3:1"},
      {"number.csv", "t,x\n1,2\n2,\"x\ny\"\n3,4\n4,5\n5,6\n", series, "3:3"},
      {"width_of.csv", "t,x\n1,2\n2\n3,4\n4,5\n", series, "3:2"},
      {"names.csv", "t,x\n1,2\n2,b\n3,c\n4,d\n", series, "3:3"},
      {"windows.json", "{\n \"a.csv\": [[1, 2], [3]]\n}", windows, "2:20"},
      {"number.ts", "@classLabel true a b\n@data\n1,2:3,4:a\n1,2:3,z:b\n", frames, "4:7"},
      {"width.ts", "@data\n1,2:3,4:a\n1,2:b\n", frames, "3:4"},
      {"label.ts", "@classLabel true a b\n@data\n1,2:c\n", frames, "3:5"},
      {"list.tsv", "a.wav\tyes\na.wav\n", frames, "2:6"},
      {"missing.tsv", "a.wav\tyes\n none.wav\tno\n", frames, "2:1"},
      {"array.csv", "path,text\n\"a.wav\",\"yes\nno\"\n\"none.npy\",no\n", frames, "4:1"},
      {"lists.jsonl", "{\"path\": \"a.wav\", \"text\": \"yes\"}\n{\"text\": \"yes\", \"path\": \"none.wav\"}\n", frames,
       "2:25"},
      {"key_of_list.jsonl", "{\"path\": \"a.wav\", \"text\": \"yes\"}\n{\"path\": \"a.wav\"}\n", frames, "2:1"},
      {"names.txt", "a.wav\n  none.wav\n", frames, "2:3"},
      {"text.txt", "one\ntw\xF6\n", text, "2:3"},
      {"inputs.csv", "text,n\none,1\ntwo\n", inputs, "3:4"},
      {"inputs.jsonl", "{\"text\": \"one\"}\n{\"text\": [1]}\n", inputs, "2:10"},
      {"key_of_inputs.jsonl", "{\"text\": \"one\"}\n {}\n", inputs, "2:2"},
  };
}

TEST(Places, EveryReaderTellsFileLineAndColumn) {
  const TempDir dir;
  dir.write("a.wav", testing::wav(8000, 800));
  for (const Case& c : cases()) {
    const std::string file = dir.write(c.name, c.content);
    std::string error = error_of<DataError>([&] { c.read(file); });
    ASSERT_EQ(error.rfind(file + ":", 0), 0U) << c.name << ": " << error;
    error.erase(0, file.size());
    EXPECT_TRUE(std::regex_search(error, std::regex("^:[1-9][0-9]*:[1-9][0-9]*: "))) << c.name << error;
    EXPECT_EQ(error.rfind(fmt::format(":{}: ", c.place), 0), 0U) << c.name << error;
  }
}

TEST(Places, AFileThatAListNamesIsToldBehindItsLine) {
  const TempDir dir;
  dir.write("a.wav", testing::wav(8000, 800));
  const std::string bad = dir.write("b.npy", "no array of NumPy");
  const std::string list = dir.write("list.tsv", "a.wav\tyes\nb.npy\tno\n");
  const std::string told =
      list + ":2:1: " + bad +
      ": [data] an array of NumPy begins with its type and shape; got other bytes. Write it again with numpy.save.";
  EXPECT_EQ(error_of<DataError>([&] { frames(list); }), told);
  const DataReport report = check({list}, {}, {});
  ASSERT_EQ(report.faults.count, 1);
  EXPECT_EQ(report.faults.examples.front(), told);
}

/// What the check says of bytes in a file of that name.
std::string refusal_of(const std::string& bytes) {
  const TempDir dir;
  const std::string file = dir.write("x.txt", bytes);
  return error_of<DataError>([&] { check({file}, {}, {}); }).substr(file.size());
}

TEST(Places, WhatIsNoTextIsNotTakenForBlankLines) {
  EXPECT_EQ(
      refusal_of("d\xE9j\xE0 vu\n\xE9t\xE9\n"),
      ":1:2: [data] text must be UTF-8; got byte 0xE9. Convert the file, for example: iconv -f LATIN1 -t UTF-8 FILE "
      "> NEW.");
  EXPECT_EQ(
      refusal_of("\x89PNG\r\n\x1A\n" + std::string("\0\0\0\rIHDR", 8) + "\n\xFF\xFE\n"),
      ":1:1: [data] text must be UTF-8; got byte 0x89. Convert the file, for example: iconv -f LATIN1 -t UTF-8 FILE "
      "> NEW.");
  EXPECT_NE(refusal_of(" \n\n").find("got blank lines only"), std::string::npos);
  const TempDir dir;
  const DataReport report = check({dir.write("x.txt", "one\ntwo\nthr\xE9\xE9\n")}, {}, {});
  EXPECT_EQ(report.faults.count, 1) << "a bad line of a text is told as one";
}

}  // namespace places_test
}  // namespace carousel::data
