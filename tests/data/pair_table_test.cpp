#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/data/registry.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace pair_table_test {

using testing::error_of;
using testing::TempDir;

const std::string kDialogues =
    "id,dialogue,summary\n"
    "1,\"Amanda: I baked  cookies.\nJerry: \"\"Sure\"\"!\",Amanda baked cookies.\n"
    "\n"
    "2,\"Olivia: Who, then?\",\"Olivia\tasks.\"\n";

TEST(PairTable, ACsvIsReadByTheNamesOfItsColumnsWithLineEndsInsideCells) {
  TempDir folder;
  const std::string file = folder.write("x.csv", kDialogues);
  const Detection found = detect_format({file});
  EXPECT_EQ(found.format->name, "table");
  EXPECT_EQ(found.reason, "3 comma-separated columns under a row of names; dialogue is the source, summary the target");
  const PairData data = read_pairs({file});
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].source, "Amanda: I baked  cookies. Jerry: \"Sure\"!");
  EXPECT_EQ(data.examples[0].target, "Amanda baked cookies.");
  EXPECT_EQ(data.examples[0].line, 2);
  EXPECT_EQ(data.examples[1].target, "Olivia asks.");
  EXPECT_EQ(data.examples[1].line, 5);
  EXPECT_EQ(data.blank_lines, 1);
  EXPECT_EQ(data.format, "csv");
}

TEST(PairTable, NamesAreKnownInAnyOrderAndCase) {
  TempDir folder;
  const PairData tabs = read_pairs({folder.write("t", "Answer\tid\tQuestion\n4\t1\tTwo and two?\n")});
  ASSERT_EQ(tabs.examples.size(), 1u);
  EXPECT_EQ(tabs.examples[0].source, "Two and two?");
  EXPECT_EQ(tabs.examples[0].target, "4");
  EXPECT_EQ(detect_format({folder.write("l.csv", "de,en\nja,yes\n")}).reason,
            "2 comma-separated columns under a row of names; de is the source, en the target");
  EXPECT_EQ(detect_format({folder.write("no.tsv", "no\tno\nyes\tsi\n")}).format->name, "tsv") << "words, no names";
  EXPECT_EQ(detect_format({folder.write("two.tsv", "text\tinput\tsummary\na\tb\tc\n")}).format->name, "tsv")
      << "two names of sources";
}

TEST(PairTable, JsonLinesAreReadByTheirKeys) {
  TempDir folder;
  const std::string file = folder.write("x.jsonl",
                                        "{\"id\": 1, \"text\": \"A long\\nstory.\", \"summary\": \"Story.\"}\n"
                                        "{\"summary\": 42, \"text\": \"b\", \"more\": [1]}\n");
  EXPECT_EQ(detect_format({file}).reason, "objects of JSON; text is the source, summary the target");
  const PairData data = read_pairs({file});
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].source, "A long story.");
  EXPECT_EQ(data.examples[1].target, "42");
  const std::string other = folder.write("y.jsonl", "{\"a\": \"x\", \"b\": \"y\"}\n");
  EXPECT_EQ(read_pairs({other}, {}, {"target,source", "auto"}).examples[0].source, "y");
}

TEST(PairTable, ColumnsMayBeSaid) {
  TempDir folder;
  const std::string file = folder.write("x.csv", "n,spoken,written\n1,a b,c\n2,d,e\n");
  EXPECT_THROW(read_pairs({file}), DataError) << "no usual names";
  const PairFormat format{"_,target,source", "yes"};
  EXPECT_EQ(detect_format({file}, {}, format).reason,
            "3 comma-separated columns under a row of names; written is the source, spoken the target");
  const PairData data = read_pairs({file}, {}, format);
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].source, "c");
  EXPECT_EQ(data.examples[0].target, "a b");
  EXPECT_EQ(read_pairs({file}, {}, {"_,target,source", "auto"}).examples.size(), 3u) << "no row of usual names";
  EXPECT_EQ(read_pairs({folder.write("y.csv", kDialogues)}, {}, {"_,source,target", "auto"}).examples.size(), 2u);
  EXPECT_EQ(read_pairs({folder.write("z.csv", kDialogues)}, {}, {"_,source,target", "no"}).examples.size(), 3u);
}

TEST(PairTable, RolesThatMakeNoSenseAreRefused) {
  TempDir folder;
  const std::string file = folder.write("x.csv", "a,b\n");
  for (const char* roles : {"source", "source,source,target", "source,target,text", ""})
    EXPECT_EQ(error_of<ConfigError>([&] {
                read_pairs({file}, {}, {roles, "auto"});
              }),
              "[columns] the roles of columns must be source and target, each once, and _ for those to skip; got \"" +
                  std::string(roles) + "\". Write for example --columns _,source,target.");
  const std::string objects = folder.write("x.jsonl", "{\"a\": \"b\", \"c\": \"d\", \"e\": 1}\n");
  EXPECT_EQ(error_of<DataError>([&] {
              read_pairs({objects}, {}, {"source,target", "auto"});
            }),
            objects +
                ": [columns] an object must have as many keys as there are roles, 2; got 3 in the first. Give a role "
                "for each key, _ for one to skip.");
}

TEST(PairTable, FaultsHaveTheirPlace) {
  TempDir folder;
  const auto csv_error = [&](const std::string& rows) {
    const std::string file = folder.write("x.csv", "source,target\n" + rows);
    return error_of<DataError>([&] { read_pairs({file}); }).substr(file.size());
  };
  EXPECT_EQ(csv_error("a,b\nc\n"),
            ":3:2: [data] a row must have 2 columns (source,target); got 1 in \"c\". Put a cell that holds commas into "
            "double quotes, or say what the columns are with --columns.");
  EXPECT_EQ(csv_error("a, \n"),
            ":2:3: [data] a row must have a source and a target; got an empty target with the source \"a\". Fill it in "
            "or remove the row.");
  EXPECT_EQ(
      csv_error("\"a\nb\", \n").rfind(":3:4: [data] a row must have a source and a target; got an empty target", 0), 0U)
      << "behind a cell of two lines";
  EXPECT_EQ(csv_error("\"a\nb\",c,d\n").rfind(":3:6: [data] a row must have 2 columns", 0), 0U);
  EXPECT_EQ(csv_error("\"a\nb\"\n").rfind(":3:3: [data] a row must have 2 columns", 0), 0U);
  EXPECT_EQ(csv_error(",b\n"),
            ":2:1: [data] a row must have a source and a target; got an empty source with the target \"b\". Fill it in "
            "or remove the row.");
  const auto json_error = [&](const std::string& line) {
    const std::string file = folder.write("x.jsonl", "{\"source\": \"a\", \"target\": \"b\"}\n" + line + "\n");
    return error_of<DataError>([&] { read_pairs({file}); }).substr(file.size());
  };
  EXPECT_EQ(json_error("{\"source\": \"a\"}"),
            ":2:1: [data] each object must have the keys source (source) and target (target); got the keys \"source\". "
            "Rename its keys, or say what they are with --columns.");
  EXPECT_EQ(json_error("{\"source\": \"a\", \"target\": []}"),
            ":2:27: [data] \"target\" must be text, an integer or a truth value; got \"[]\". Write it as text.");
  EXPECT_TRUE(json_error("{").starts_with(":2:2: [data] a line must be an object of JSON; got \"{\" ("));
}

TEST(InOut, LinesOfCommandsAreReadAsTheyCome) {
  TempDir folder;
  const std::string file = folder.write("x.txt", "IN: jump twice OUT: I_JUMP I_JUMP\n\nIN: run OUT: I_RUN\n");
  EXPECT_EQ(detect_format({file}).reason, "lines `IN: source OUT: target`");
  const PairData data = read_pairs({file});
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].source, "jump twice");
  EXPECT_EQ(data.examples[0].target, "I_JUMP I_JUMP");
  EXPECT_EQ(data.examples[1].line, 3);
  const auto error = [&](const std::string& text) {
    const std::string bad = folder.write("bad", text);
    return error_of<DataError>([&] { read_in_out_pairs(bad, {}); }).substr(bad.size());
  };
  EXPECT_EQ(error("IN: a OUT: b\nIN: a\n"),
            ":2:1: [data] a line must be `IN: source OUT: target`, as others here are; got \"IN: a\". Write it so, or "
            "remove it.");
  EXPECT_EQ(error("IN: a OUT: \n"),
            ":1:11: [data] IN and OUT must both have text; got an empty target in \"IN: a OUT: \". Fill it in or "
            "remove the line.");
  EXPECT_NE(error("IN: OUT: b\n").find("got an empty source"), std::string::npos);
}

}  // namespace pair_table_test
}  // namespace carousel::data
