// Labelled texts: how they are found in a file, read, and refused.
#include "carousel/data/labels.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/data/check.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace labels_test {

using testing::TempDir;

/// Rows "LABEL SEPARATOR TEXT", two labels, 40 different texts.
std::string table(const std::string& separator, int rows = 40) {
  std::string text;
  for (int i = 0; i < rows; ++i)
    text += (i % 2 == 0 ? "good" : "bad") + separator + "film number " + std::to_string(i) + " is here\n";
  return text;
}

LabelPlan plan_of(const std::string& file, const LabelFormat& wanted = {}) {
  return plan_labels({file}, wanted, {});
}

std::vector<std::string> pairs_of(const std::string& file, const LabelFormat& wanted = {}) {
  std::vector<std::string> pairs;
  for (const PairExample& e : read_labels({file}, plan_of(file, wanted), {}).examples)
    pairs.push_back(e.target + "|" + e.source);
  return pairs;
}

TEST(Labels, LinesBeginWithTheirLabel) {
  const TempDir dir;
  const std::string file = dir.write("t.txt", "__label__pos a good  film\n\n__label__neg\ta bad one\n");
  EXPECT_TRUE(plan_of(file).evident);
  EXPECT_EQ(plan_of(file).reason, "each line begins with its label (2 different ones so far)");
  EXPECT_EQ(pairs_of(file), (std::vector<std::string>{"pos|a good  film", "neg|a bad one"}));
  std::string numbered;
  for (int i = 0; i < 30; ++i) numbered += std::to_string(i % 3) + " What is the number " + std::to_string(i) + " ?\n";
  const std::string trec = dir.write("trec", numbered);
  EXPECT_EQ(plan_of(trec).format, "lines");
  EXPECT_TRUE(plan_of(trec).evident);
  EXPECT_EQ(pairs_of(trec)[4], "1|What is the number 4 ?");
  const std::string words = dir.write("words", "DESC:manner How did it go ?\nHUM:ind Who was it ?\n");
  EXPECT_EQ(pairs_of(words, {"lines", "auto", "auto"})[1], "HUM:ind|Who was it ?");
}

TEST(Labels, ColumnsAreToldByWhatStandsInThem) {
  const TempDir dir;
  const LabelPlan plan = plan_of(dir.write("a.tsv", table("\t")));
  EXPECT_TRUE(plan.evident);
  EXPECT_EQ(plan.columns_text(), "label,text");
  EXPECT_FALSE(plan.header);
  EXPECT_EQ(
      plan.reason,
      "2 tab-separated columns; the first holds the label (2 different ones so far), the second the text, by what "
      "stands in them");
  std::string three;
  for (int i = 0; i < 40; ++i)
    three += "the text number " + std::to_string(i) + ",id" + std::to_string(i) + "," + (i < 20 ? "x" : "y") + "\n";
  const LabelPlan csv = plan_of(dir.write("b.csv", three));
  EXPECT_TRUE(csv.evident);
  EXPECT_EQ(csv.columns_text(), "text,_,label");
  EXPECT_FALSE(plan_of(dir.write("few.tsv", table("\t", 8))).evident) << "eight rows prove nothing";
}

TEST(Labels, WhatMayBePairsOrTokensIsNotEvident) {
  const TempDir dir;
  std::string words, tokens, numbers;
  for (int i = 0; i < 60; ++i) {
    words += "word" + std::to_string(i) + "\tx\n";
    tokens += "some token" + std::to_string(i) + (i % 2 == 0 ? "\tNOUN\n" : "\tVERB\n") + (i % 5 == 4 ? "\n" : "");
    numbers += "2016-07-01 00:" + std::to_string(10 + i % 50) + "\t" + std::to_string(i % 2) + "\n";
  }
  EXPECT_FALSE(plan_of(dir.write("words.tsv", words)).evident);
  EXPECT_FALSE(plan_of(dir.write("tokens.tsv", tokens)).evident);
  EXPECT_FALSE(plan_of(dir.write("numbers.tsv", numbers)).evident);
}

TEST(Labels, ARowOfNamesIsFoundAndMayBeForced) {
  const TempDir dir;
  const std::string named = dir.write("n.csv", "id,Label,Text\n1,pos,\"a, b\"\n2,neg,c d\n");
  EXPECT_TRUE(plan_of(named).header);
  EXPECT_TRUE(plan_of(named).evident);
  EXPECT_EQ(plan_of(named).columns_text(), "_,label,text");
  EXPECT_EQ(pairs_of(named), (std::vector<std::string>{"pos|a, b", "neg|c d"}));
  const std::string half = dir.write("h.tsv", "score\ttext\n1\tgood one\n0\tbad one\n1\tfine one\n");
  EXPECT_EQ(pairs_of(half).size(), 3u);
  EXPECT_EQ(pairs_of(half, {"auto", "auto", "no"}).size(), 4u);
  const std::string odd = dir.write("o.tsv", "y\tX\n1\tgood one\n0\tbad one\n1\tfine one\n");
  EXPECT_EQ(pairs_of(odd).size(), 4u);
  EXPECT_EQ(pairs_of(odd, {"auto", "auto", "yes"}).size(), 3u);
  const std::string label_again = dir.write("l.tsv", "target\tone shot\nmiss\ttwo shots\ntarget\tthree shots\n");
  EXPECT_EQ(pairs_of(label_again).size(), 3u) << "a name that is a label too";
}

TEST(Labels, RolesMayBeGiven) {
  const TempDir dir;
  const std::string file = dir.write("t.tsv", "0\tneg/1\tsome text\n1\tpos/2\tother text\n");
  EXPECT_EQ(pairs_of(file, {"auto", "label, _ ,text", "auto"}),
            (std::vector<std::string>{"0|some text", "1|other text"}));
  EXPECT_TRUE(plan_of(file, {"auto", "label,_,text", "auto"}).evident);
  for (const char* bad : {"label", "text,text,label", "label,texd", ""})
    EXPECT_EQ(testing::error_of<ConfigError>([&] {
                plan_of(file, {"auto", bad, "auto"});
              }),
              "[columns] the roles of columns must be text and label, each once, and _ for those to skip; got \"" +
                  std::string(bad) + "\". Write for example --columns label,_,text.");
  EXPECT_EQ(testing::error_of<DataError>([&] { plan_of(file); }),
            file +
                ": [data] which column holds the label must be clear; got 3 columns that could be it. Say it: "
                "--columns label,text, with _ for each column to skip.");
}

TEST(Labels, NamesInAFurtherFileWinOverThePlacesOfTheFirst) {
  const testing::TempDir dir;
  const std::string first = dir.write("a.csv", "text,label\ngood day,x\nbad day,y\ngood night,x\n"),
                    turned = dir.write("b.tsv", "label\ttext\nx\tgood day\ny\tbad day\n"),
                    bare = dir.write("c.csv", "good day,x\nbad day,y\n");
  const LabelFormat found = plan_labels({first}, {}, {}).found();
  const PairData other = read_labels({turned}, plan_labels({turned}, found, {}), {});
  ASSERT_EQ(other.examples.size(), 2u);
  EXPECT_EQ(other.examples[0].source, "good day");
  EXPECT_EQ(other.examples[0].target, "x");
  EXPECT_EQ(read_labels({bare}, plan_labels({bare}, found, {}), {}).examples[1].target, "y");
}

TEST(Labels, ObjectsOfJson) {
  const TempDir dir;
  const std::string file = dir.write(
      "t.jsonl", "{\"text\": \"a \\\"b\\\"\\n c\", \"label\": 1, \"id\": 7}\n{\"Label\": true, \"sentence\": \"d\"}\n");
  EXPECT_TRUE(plan_of(file).evident);
  EXPECT_EQ(pairs_of(file), (std::vector<std::string>{"1|a \"b\"  c", "true|d"}));
}

TEST(Labels, PairsUnderNamesOfLabelsAreNoEvidence) {
  const TempDir dir;
  std::string rows = "text\ttarget\n";
  for (int i = 0; i < 60; ++i) rows += fmt::format("walk{} on\twalked{} on\n", i, i);
  EXPECT_FALSE(plan_labels({dir.write("pairs.tsv", rows)}, {}, {}).evident);
}

TEST(Labels, TwoFiles) {
  const TempDir dir;
  std::string texts, labels;
  for (int i = 0; i < 30; ++i) {
    texts += "play song number " + std::to_string(i) + "\n";
    labels += i % 2 == 0 ? "PlayMusic\n" : "AddToPlaylist\n";
  }
  const std::string a = dir.write("seq.in", texts), b = dir.write("label", labels);
  for (const auto& files : {std::vector<std::string>{a, b}, {b, a}}) {
    const LabelPlan plan = plan_labels(files, {}, {});
    EXPECT_TRUE(plan.evident);
    EXPECT_EQ(plan.reason, "two files; line n of " + b + " is the label of line n of " + a);
    EXPECT_EQ(read_labels(files, plan, {}).examples[1].target, "AddToPlaylist");
    EXPECT_EQ(read_labels(files, plan, {}).examples[1].source, "play song number 1");
  }
  // What the user says goes before what the files look like.
  const LabelPlan asked = plan_labels({a, b}, {"auto", "label,text", "auto"}, {});
  EXPECT_TRUE(asked.evident);
  EXPECT_EQ(read_labels({a, b}, asked, {}).examples[1].target, "play song number 1");
  const auto refusal = [&](const LabelFormat& wanted) -> std::string {
    try {
      plan_labels({a, b}, wanted, {});
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "nothing was refused";
  };
  EXPECT_EQ(refusal({"tsv", "auto", "auto"}),
            "[data] two files are read line by line, format = aligned; got tsv. Leave format out, or pass one file.");
  EXPECT_EQ(refusal({"auto", "text,label,_", "auto"}),
            "[data] two files have two roles, text and label; got columns = text,label,_. Give one for each file.");
}

/// What reading a file says.
std::string refusal_of(const std::string& name, const std::string& text, const LabelFormat& wanted = {}) {
  const TempDir dir;
  const std::string file = dir.write(name, text);
  return testing::error_of<DataError>([&] { pairs_of(file, wanted); }).substr(file.size());
}

TEST(Labels, RefusalsNamePlaceAndRemedy) {
  EXPECT_EQ(
      refusal_of("t", "__label__a x y\n__label__a __label__b both\n"),
      ":2:12: [data] a text must have one label; got several: \"__label__a __label__b both\". Keep one of them, or "
      "train one model for each kind of label.");
  EXPECT_EQ(refusal_of("t", "__label__a x y\ntext __label__b\n"),
            ":2:6: [data] a line must begin with its label; got it behind the text in \"text __label__b\". Put "
            "__label__... first.");
  EXPECT_EQ(refusal_of("t", "__label__a x y\n__label__b\n"),
            ":2:11: [data] a line must have a text and a label; got an empty text with the label \"b\". Fill it in or "
            "remove the line.");
  EXPECT_EQ(refusal_of("t.csv", "label,text\na,b c\n,d e\n"),
            ":3:1: [data] a row must have a text and a label; got an empty label with the text \"d e\". Fill it in or "
            "remove the row.");
  EXPECT_EQ(
      refusal_of("t.csv", "label,text\na,b c\nd,e,f\n"),
      ":3:5: [data] a row must have 2 columns (label,text); got 3 in \"d,e,f\". Put a cell that holds commas into "
      "double quotes, or say what the columns are with --columns.");
  EXPECT_EQ(
      refusal_of("t.tsv", "label\ttext\na\n"),
      ":2:2: [data] a row must have 2 columns (label,text); got 1 in \"a\". Check its tabs, or say what the columns "
      "are with --columns.");
  EXPECT_EQ(
      refusal_of("t.jsonl", "{\"text\": \"a\", \"label\": [\"x\", \"y\"]}\n"),
      ":1:24: [data] a text must have one label; got several: \"[\"x\",\"y\"]\". Keep one of them, or train one model "
      "for each kind of label.");
  EXPECT_EQ(refusal_of("t.jsonl", "{\"text\": \"a\", \"label\": 0.5}\n"),
            ":1:24: [data] \"label\" must be text, an integer or a truth value; got \"0.5\". Write it as text.");
  EXPECT_EQ(refusal_of("t.jsonl", "{\"text\": \"a\", \"review\": \"b\", \"label\": \"x\"}\n"),
            ":1:25: [data] an object must have one text and one label; got a further one under \"review\". Remove or "
            "rename it.");
  EXPECT_EQ(
      refusal_of("t.jsonl", "{\"id\": 3}\n"),
      ":1:1: [data] an object must have a text (text, sentence, review, question, query, message, content, "
      "utterance, tweet, comment, document, body) and a label (label, labels, class, category, sentiment, intent, "
      "target, topic); got the keys \"id\". Rename its keys.");
  EXPECT_EQ(
      refusal_of("t.jsonl", "{\"text\n").rfind(":1:2: [data] a line must be an object of JSON; got \"{\"text\" (", 0),
      0u);
  EXPECT_EQ(
      refusal_of("t", "just some\nlines of text\n"),
      ": [data] labelled texts must be lines `__label__X text`, a table of tab- or comma-separated columns, objects "
      "of JSON, or two aligned files; got lines that are none of these. Say which they are: --set "
      "format=lines|tsv|csv|jsonl.");
  EXPECT_EQ(refusal_of("t", "a b\n", {"aligned", "auto", "auto"}),
            ": [data] aligned data are two files, texts and labels; got one file. Name both.");
  EXPECT_EQ(refusal_of("t.tsv", "one column\n"),
            ": [data] which column holds the label must be clear; got one column. Say it: --columns label,text, with _ "
            "for each column to skip.");
}

TEST(Labels, AFileThatShowsNoFormatIsReadAsTheOneBefore) {
  const TempDir dir;
  const std::string file = dir.write("t", "0 What is it ?\n");
  EXPECT_EQ(plan_labels({file}, {}, {}, "lines").format, "lines");
  EXPECT_EQ(plan_labels({dir.write("t.tsv", "a\tb c\n")}, {"auto", "label,text", "auto"}, {}, "lines").format, "tsv");
}

TEST(LabelCheck, TellsBalanceLeaksContradictionsAndLongTexts) {
  const TempDir dir;
  std::string text = table("\t"), longest = "good\t";
  text += "rare\tfilm number 0 is here\n";  // another label for an earlier text
  text += "good\tfilm number 0 is here\n";  // twice
  text += "bad\t\n";
  for (int i = 0; i < 450; ++i) longest += "very ";
  const std::string train = dir.write("t.tsv", text + longest + "\n");
  const std::string dev = dir.write("d.tsv", "good\tfilm number 2 is here\nnew\tsomething else\n");
  const DataReport report = check({train}, {dev}, {});
  EXPECT_EQ(report.format, "tsv");
  EXPECT_EQ(report.labels, (std::vector<std::pair<std::string, int64_t>>{{"good", 22}, {"bad", 20}, {"rare", 1}}));
  EXPECT_EQ(report.faults.count, 1);
  EXPECT_EQ(report.duplicates.count, 1);
  EXPECT_EQ(report.ambiguous.count, 1);
  EXPECT_EQ(report.too_long.examples, (std::vector<std::string>{train + ":44"}));
  EXPECT_EQ(report.dev.leaked.count, 1);
  EXPECT_EQ(report.target.unseen.examples, (std::vector<std::string>{"new"}));
  std::string all;
  for (const std::string& sentence : report.sentences()) all += sentence + "\n";
  for (const char* part :
       {"1 line would be refused: ", "3 labels: good 22 (51.2 %), bad 20 (46.5 %), rare 1 (2.3 %)\n",
        "1 label occurs once: little can be learned of it: rare\n",
        "1 label of dev is not in the training data, so no answer can be right: new\n",
        "1 text has several labels: at most one can be answered: ", "43 examples with 41 different texts (tsv: ",
        "1 text is so long that only its beginning and its end are read: ",
        "1 dev example is in the training data too"})
    EXPECT_NE(all.find(part), std::string::npos) << part << "\nin\n" << all;
  const std::string json = report.to_json();
  EXPECT_NE(json.find(R"("labels":{"counts":{"good":22,"bad":20,"rare":1},"once":{"count":1,"examples":["rare"]})"),
            std::string::npos)
      << json;
  EXPECT_EQ(json.find("\"target\""), std::string::npos);
}

TEST(LabelCheck, ConstantLabelsAreNotSound) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 30; ++i) text += "__label__x text number " + std::to_string(i) + "\n";
  const DataReport report = check({dir.write("t", text)}, {}, {});
  EXPECT_FALSE(report.sound());
  EXPECT_EQ(report.sentences().front(), "all labels are equal: there is nothing to learn");
}

}  // namespace labels_test
}  // namespace carousel::data
