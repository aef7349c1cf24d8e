// The column of a table that a model answers.
#include "carousel/data/inputs.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/data/label_names.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace inputs_test {

using Inputs = std::optional<std::vector<std::string>>;

class ReadInputs : public ::testing::Test {
 protected:
  Inputs read(const std::string& name, const std::string& content, std::vector<std::string> roles = {},
              bool header = false) {
    return read_inputs(dir.write(name, content), {kTextNames, std::move(roles), "text", header}, {});
  }
  std::string error(const std::string& name, const std::string& content) {
    return testing::error_of<DataError>([&] { read(name, content); });
  }
  testing::TempDir dir;
};

TEST_F(ReadInputs, ByTheNameInTheFirstRow) {
  EXPECT_EQ(read("a.csv", "id,Review\n1,\"good, and\ncheap\"\n2,bad\n"), (Inputs{{"good, and cheap", "bad"}}));
  EXPECT_EQ(read("a.tsv", "label\ttext\nx\tgood\n"), (Inputs{{"good"}}));
  EXPECT_EQ(read("a.csv", "text\ngood\n"), (Inputs{{"good"}}));
  EXPECT_EQ(read("a.csv", "label,text\nx,good\n", {"text", "label"}), (Inputs{{"good"}})) << "names win";
  EXPECT_EQ(read("a.jsonl", "{\"text\": \"good\", \"n\": 1}\n\n{\"n\": 2, \"text\": \"bad\"}\n"),
            (Inputs{{"good", "bad"}}));
}

TEST_F(ReadInputs, ByTheRolesOfTheTrainingData) {
  EXPECT_EQ(read("a.csv", "x,good\ny,bad\n", {"label", "text"}), (Inputs{{"good", "bad"}}));
  EXPECT_EQ(read("a.csv", "kind,words\ny,bad\n", {"label", "text"}, true), (Inputs{{"bad"}}));
  EXPECT_EQ(read("a.csv", "x,good,1\n", {"label", "text"}), std::nullopt) << "another number of columns";
}

TEST_F(ReadInputs, LinesAreInputsWhereNoColumnIsKnown) {
  EXPECT_EQ(read("a.txt", "text\tlabel\n"), std::nullopt);
  EXPECT_EQ(read("a.tsv", "a\tb\n"), std::nullopt);
  EXPECT_EQ(read("a.csv", "text,sentence\na,b\n"), std::nullopt) << "two that it may be";
  EXPECT_EQ(read("a.jsonl", "{\"a\": 1}\n"), std::nullopt);
}

TEST_F(ReadInputs, RefusalsNameThePlace) {
  EXPECT_EQ(error("a.csv", "id,text\n1,good\n2\n"),
            dir.file("a.csv") + ":3:2: [predict] a row must have 2 columns; got 1. Check its separators and quotes.");
  EXPECT_EQ(error("a.jsonl", "{\"text\": \"a\"}\n{\"words\": \"b\"}\n"),
            dir.file("a.jsonl") +
                ":2:1: [predict] each object must have the key text; got the keys \"words\". Check the line.");
}

}  // namespace inputs_test
}  // namespace carousel::data
