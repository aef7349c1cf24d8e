// Tagged sentences: what is recognised, what is read, what is refused.
#include "carousel/data/tags.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace tags_test {

using testing::error_of;
using testing::TempDir;

/// "the/DET cat/NOUN | it/PRON", with " -> intent" where there is one.
std::string text_of(const TagData& data) {
  std::string text;
  for (const TaggedSentence& s : data.sentences) {
    text += text.empty() ? "" : " | ";
    for (size_t i = 0; i < s.tokens.size(); ++i) text += (i > 0 ? " " : "") + s.tokens[i] + "/" + s.tags[i];
    if (!s.intent.empty()) text += " -> " + s.intent;
  }
  return text;
}

TagData read(const std::string& file, const TagFormat& format = {}, const ReadOptions& options = {}) {
  return read_tags({file}, plan_tags({file}, format, options), options);
}

std::string conllu_line(const std::string& id, const std::string& form, const std::string& upos) {
  return id + "\t" + form + "\tl\t" + upos + "\tx" + upos + "\tf=" + form + "\t0\tdep\t_\t_\n";
}

TEST(Tags, ReadsConllu) {
  const TempDir dir;
  const std::string file = dir.write(
      "a.conllu", "# text = Le chat du roi\n" + conllu_line("1", "Le", "DET") + conllu_line("2", "chat", "NOUN") +
                      conllu_line("3-4", "du", "_") + conllu_line("3", "de", "ADP") + conllu_line("4", "le", "DET") +
                      conllu_line("4.1", "roi", "X") + "\n\n# next\n" + conllu_line("1", "10 000", "NUM"));
  EXPECT_EQ(text_of(read(file)), "Le/DET chat/NOUN de/ADP le/DET | 10 000/NUM");
  EXPECT_EQ(read(file).sentences[0].lines, (std::vector<int64_t>{2, 3, 5, 6}));
  EXPECT_EQ(read(file).num_tokens(), 5);
  for (const auto& [target, first] : {std::pair("upos", "DET"), {"xpos", "xDET"}, {"feats", "f=Le"}, {"deprel", "dep"}})
    EXPECT_EQ(read(file, {"auto", "auto", target}).sentences[0].tags[0], first);
  const TagPlan plan = plan_tags({file}, {}, {});
  EXPECT_TRUE(plan.evident);
  EXPECT_EQ(plan.reason, "ten tab-separated columns of CoNLL-U, of which upos is learnt (--target for another)");
  EXPECT_EQ(plan_tags({file}, {"auto", "auto", "xpos"}, {}).reason,
            "ten tab-separated columns of CoNLL-U, of which xpos is learnt");
}

TEST(Tags, RefusesBadConlluWithItsPlace) {
  const TempDir dir;
  const auto refusal = [&](const std::string& text) {
    const std::string file = dir.write("a.conllu", text);
    return error_of<DataError>([&] { read(file); }).substr(file.size());
  };
  EXPECT_EQ(refusal("1\ta\tb\n"),
            ":1:6: [data] a line of CoNLL-U must have 10 tab-separated columns; got 3 in \"1\\ta\\tb\". Check its "
            "tabs; comments begin with #.");
  EXPECT_EQ(refusal("\n" + conllu_line("x", "a", "B")),
            ":2:1: [data] a line of CoNLL-U must begin with the number of its token, a range such as 1-2 or an empty "
            "node such as 8.1; got \"x\". Correct it.");
  EXPECT_EQ(refusal(conllu_line("1", "", "B")).substr(0, 77),
            ":1:3: [data] a token and its tag must have text; got an empty form in \"1\\t\\tl");
  EXPECT_EQ(refusal(conllu_line("1", "a", " ")).substr(0, 64),
            ":1:7: [data] a token and its tag must have text; got an empty up");
}

TEST(Tags, ReadsColumnsWhateverSeparatesThem) {
  const TempDir dir;
  const std::string tabs = dir.write("a.tsv", "the\tO \nNew York\tB-LOC\n\nit\tO\nis\tO\n");
  EXPECT_EQ(text_of(read(tabs)), "the/O New York/B-LOC | it/O is/O");
  const std::string blanks =
      dir.write("b.txt", "-DOCSTART- -X- O O\n\nEU NNP B-NP  B-ORG\nsays VBZ B-VP O\n\n\nyes UH O O\n");
  EXPECT_EQ(text_of(read(blanks)), "EU/B-ORG says/O | yes/O");
  EXPECT_EQ(text_of(read(blanks, {"auto", "token,tag,_,_", "auto"})), "EU/NNP says/VBZ | yes/UH");
  EXPECT_EQ(read(blanks).sentences[1].lines, (std::vector<int64_t>{7}));
}

TEST(Tags, FindsTheColumnsByWhatStandsInThem) {
  const TempDir dir;
  const auto columns = [&](const std::string& text) {
    const TagPlan plan = plan_tags({dir.write("a.txt", text)}, {}, {});
    return plan.columns_text() + (plan.evident ? "" : "?");
  };
  EXPECT_EQ(columns("the\tO\nEU\tB-ORG\n\nit\tO\n"), "token,tag");
  EXPECT_EQ(columns("O\tthe\nB-ORG\tEU\n\nO\tit\n"), "tag,token") << "tags that mark spans stand first";
  EXPECT_EQ(columns("1 the O\n2 EU B-ORG\n\n1 it O\n"), "_,token,tag") << "the first column counts";
  EXPECT_EQ(columns("the D D X\ncat N N X\n\na D D X\nhat N N X\n\nthe D N Y\nmat N N Y\n"), "token,_,_,tag");
  EXPECT_EQ(columns("D the\nN cat\n\nD a\nN hat\n\nD the\nN hat\nV saw\nD my\nN mat\n"), "tag,token") << "fewer kinds";
  EXPECT_EQ(columns("a\tb\nc\td\n\ne\tf\ng\th\n"), "token,tag?") << "no tag repeats: these may be pairs";
  EXPECT_EQ(columns("a text\tpos\nb text\tneg\n\nc text\tpos\nd text\tneg\ne text\tneg\nf text\tpos\n"), "token,tag?")
      << "texts and not words";
}

TEST(Tags, SaysWhatItSaw) {
  const TempDir dir;
  EXPECT_EQ(plan_tags({dir.write("a.tsv", "the\tO\nEU\tB-ORG\n\nit\tO\n")}, {}, {}).reason,
            "a token a line in 2 columns between tabs, blank lines between sentences; columns token,tag (2 different "
            "tags so far, which mark spans)");
  EXPECT_EQ(plan_tags({dir.write("b.tsv", "D the\nN cat\n\nN mat\nN hat\n")}, {"auto", "tag,token", "auto"}, {}).reason,
            "a token a line in 2 columns between blanks, blank lines between sentences; columns tag,token (2 different "
            "tags so far), as asked for");
}

TEST(Tags, RefusesBadColumnsWithTheirPlace) {
  const TempDir dir;
  const auto refusal = [&](const std::string& text) {
    const std::string file =
        dir.write("a.txt", "the\tO\nEU\tB-ORG\n\nit\tO\nis\tO\n\nso\tO\nbe\tO\nit\tO\nis\tO\nok\tO\n" + text);
    return error_of<DataError>([&] { read(file); }).substr(file.size());
  };
  EXPECT_EQ(
      refusal("word\n"),
      ":12:5: [data] a line must have 2 columns (token,tag) with tabs between; got 1 in \"word\". Check the line, or "
      "say what the columns are with --columns.");
  EXPECT_EQ(refusal("\tO\n"),
            ":12:1: [data] a token and its tag must have text; got an empty token in \"\\tO\". Fill it in or remove "
            "the line.");
  EXPECT_EQ(refusal("ab\t\n"),
            ":12:4: [data] a token and its tag must have text; got an empty tag in \"ab\\t\". Fill it in or remove "
            "the line.");
  const std::string file = dir.write("b.txt", "word\n");
  EXPECT_EQ(
      error_of<DataError>([&] {
        read(file, {"columns", "auto", "auto"});
      }),
      file + ": [data] columns of tokens and tags must be at least two; got one. Put a tab between token and tag.");
  for (const char* roles : {"token", "tag,tag", "token,tag,x", "token,token,tag", ""})
    EXPECT_EQ(error_of<ConfigError>([&] {
                read(file, {"columns", roles, "auto"});
              }),
              "[columns] the roles of columns must be token and tag, each once, and _ for those to skip; got \"" +
                  std::string(roles) + "\". Write for example --columns token,_,tag.");
}

TEST(Tags, ReadsAFolderWithAndWithoutIntents) {
  const TempDir dir;
  dir.write("seq.in", "play some jazz \n\nrain ?\n");
  dir.write("seq.out", "O O B-genre\n\nO O\n");
  EXPECT_EQ(error_of<DataError>([&] { read(dir.path()); }),
            dir.file("seq.in") +
                ":2:1: [data] lines that belong together must all have text; got a blank one. Fill it "
                "in or remove the line from all files.");
  dir.write("seq.in", "play some jazz \nrain ?\n");
  dir.write("seq.out", "O O B-genre\nO O\n");
  EXPECT_EQ(text_of(read(dir.path())), "play/O some/O jazz/B-genre | rain/O ?/O");
  EXPECT_FALSE(read(dir.path()).has_intents());
  EXPECT_EQ(plan_tags({dir.path()}, {}, {}).reason, "a folder with sentences (seq.in) and their tags (seq.out)");
  dir.write("label", "PlayMusic\nGetWeather\n");
  EXPECT_EQ(text_of(read(dir.path() + "/")), "play/O some/O jazz/B-genre -> PlayMusic | rain/O ?/O -> GetWeather");
  EXPECT_TRUE(read(dir.path()).has_intents());
  EXPECT_TRUE(plan_tags({dir.path()}, {}, {}).evident);
  EXPECT_EQ(plan_tags({dir.path()}, {}, {}).reason,
            "a folder with sentences (seq.in), their tags (seq.out) and intents (label)");
  EXPECT_EQ(read(dir.path()).pairs().examples[0].source, "play some jazz");
  EXPECT_EQ(read(dir.path()).pairs().examples[0].target, "PlayMusic O O B-genre");
  EXPECT_EQ(files_behind(dir.path()).size(), 3u);
  EXPECT_EQ(files_behind(dir.file("label")), std::vector<std::string>{dir.file("label")});
}

TEST(Tags, RefusesABadFolder) {
  const TempDir dir;
  dir.write("seq.in", "play some jazz\nrain ?\n");
  EXPECT_EQ(error_of<DataError>([&] { read(dir.path()); }),
            dir.path() +
                ": [data] a folder of tagged sentences must hold seq.in, seq.out and, for intents, label; got "
                "none named seq.out. Name another folder, or one file.");
  dir.write("seq.out", "O O B-genre\nO\n");
  EXPECT_EQ(
      error_of<DataError>([&] { read(dir.path()); }),
      dir.file("seq.out") +
          ":2:2: [data] each token must have a tag; got 1 tag for 2 tokens in \"O\" and \"rain ?\". Give each token "
          "one.");
  dir.write("seq.out", "O O B-genre\n");
  EXPECT_EQ(error_of<DataError>([&] { read(dir.path()); }),
            dir.file("seq.out") +
                ":2:1: [data] the files of a folder must have equally many lines; got 1 here and 2 in " +
                dir.file("seq.in") + ". Line n of each must belong to line n of the others.");
}

TEST(Tags, ABadLineSpoilsItsSentenceAlone) {
  const TempDir dir;
  int64_t faults = 0;
  ReadOptions options;
  options.on_bad_line = [&](const DataError& error) {
    EXPECT_GT(error.line(), 0);
    ++faults;
  };
  const std::string file =
      dir.write("a.txt", "a\tO\nb\tO\n\nc\tO\nbad\nd\tO\n\ne\tB-X\nf\xFF\tO\n\ng\tO\nh\tO\ni\tO\nj\tO\n");
  EXPECT_EQ(text_of(read(file, {}, options)), "a/O b/O | g/O h/O i/O j/O");
  EXPECT_EQ(faults, 2);
  dir.write("seq.in", "a\nb\xFF\nc d\ne\n");
  dir.write("seq.out", "O\nO\nO\nB-X\n");
  faults = 0;
  EXPECT_EQ(text_of(read(dir.path(), {}, options)), "a/O | e/B-X");
  EXPECT_EQ(faults, 2);
}

TEST(Tags, RefusesWhatIsNotTagged) {
  const TempDir dir;
  const std::string text = dir.write("a.txt", "a text of many words\nand another\n");
  EXPECT_EQ(error_of<DataError>([&] { read(text); }),
            text +
                ": [data] tagged sentences must be CoNLL-U, a token and its tag a line with blank lines between "
                "sentences, or a folder with seq.in and seq.out; got lines that are none of these. Say which they "
                "are: --set format=conllu|columns.");
  EXPECT_EQ(error_of<DataError>([&] {
              plan_tags({text, text}, {}, {});
            }),
            text + ": [data] tagged sentences are one file or one folder; got 2 files. Name one.");
  EXPECT_EQ(plan_tags({text}, {}, {}, "conllu").format, "conllu") << "what another file of the data is in";
  TagData data;
  data.file = "x";
  EXPECT_EQ(error_of<DataError>([&] { require_taggable(data); }),
            "x: [data] at least one tagged sentence is needed; got none. Check the file.");
  data.sentences = {{{"a", "b"}, {"O", "O"}, {1, 2}, {3, 3}, ""}};
  EXPECT_EQ(
      error_of<DataError>([&] { require_taggable(data); }),
      "x: [data] tokens must have different tags to learn from; got \"O\" for all of them. Name the column of the "
      "tags with --columns, or the field with --set target=...");
  data.sentences[0].tags[1] = "B-X";
  EXPECT_NO_THROW(require_taggable(data));
}

}  // namespace tags_test
}  // namespace carousel::data
