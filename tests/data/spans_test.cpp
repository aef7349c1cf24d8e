// Spans as conlleval (conlleval.pl of CoNLL-2000) finds them; the cases are worked out by hand from its rules.
#include "carousel/data/spans.h"

#include <gtest/gtest.h>

namespace carousel::data {
namespace spans_test {

using Tags = std::vector<std::string>;

/// "PER 0-2, LOC 3-4".
std::string spans_text(const Tags& tags) {
  std::string text;
  for (const Span& span : spans_of(tags))
    text += (text.empty() ? "" : ", ") + std::string(span.type) + " " + std::to_string(span.begin) + "-" +
            std::to_string(span.end);
  return text;
}

TEST(Spans, AreFoundInEveryScheme) {
  EXPECT_EQ(spans_text({"B-PER", "I-PER", "O", "B-LOC"}), "PER 0-2, LOC 3-4");
  EXPECT_EQ(spans_text({"I-PER", "I-PER", "B-PER", "O", "I-LOC"}), "PER 0-2, PER 2-3, LOC 4-5") << "iob1";
  EXPECT_EQ(spans_text({"B-PER", "E-PER", "S-LOC", "B-X", "I-X", "E-X"}), "PER 0-2, LOC 2-3, X 3-6");
  EXPECT_EQ(spans_text({"B-PER", "L-PER", "U-LOC", "U-LOC"}), "PER 0-2, LOC 2-3, LOC 3-4") << "BILOU";
  EXPECT_EQ(spans_text({"B", "I", "O", "B"}), " 0-2,  3-4") << "without types";
  EXPECT_EQ(spans_text({"O", "O"}), "");
  EXPECT_EQ(spans_text({}), "");
  EXPECT_EQ(spans_text({"B-a-b", "I-a-b"}), "a-b 0-2") << "the first hyphen ends the prefix";
}

TEST(Spans, OfIllegalSequencesAreThoseOfConlleval) {
  EXPECT_EQ(spans_text({"O", "I-PER", "I-PER"}), "PER 1-3") << "I- behind O begins a span";
  EXPECT_EQ(spans_text({"I-PER"}), "PER 0-1");
  EXPECT_EQ(spans_text({"O", "I", "I", "O", "E"}), " 1-3,  4-5") << "the same without types";
  EXPECT_EQ(spans_text({"B-PER", "I-LOC"}), "PER 0-1, LOC 1-2") << "so does another type";
  EXPECT_EQ(spans_text({"I-PER", "I-LOC", "I-LOC"}), "PER 0-1, LOC 1-3");
  EXPECT_EQ(spans_text({"B-PER", "B-PER"}), "PER 0-1, PER 1-2");
  EXPECT_EQ(spans_text({"O", "E-PER", "O"}), "PER 1-2") << "E- behind O";
  EXPECT_EQ(spans_text({"E-PER", "E-PER", "I-PER"}), "PER 0-1, PER 1-2, PER 2-3");
  EXPECT_EQ(spans_text({"S-PER", "I-PER", "E-PER"}), "PER 0-1, PER 1-3");
  EXPECT_EQ(spans_text({"B-PER", "S-PER"}), "PER 0-1, PER 1-2");
  EXPECT_EQ(spans_text({"B-PER", "I-PER", "S-LOC"}), "PER 0-2, LOC 2-3");
  EXPECT_EQ(spans_text({"B-PER", "NOUN", "I-PER"}), "PER 0-1, PER 2-3") << "what has no prefix is outside";
}

TEST(Spans, TheSchemeIsSeenInTheTags) {
  const auto scheme = [](const std::vector<Tags>& sentences) { return std::string(name_of(detect_scheme(sentences))); };
  EXPECT_EQ(scheme({{"NOUN", "VERB"}}), "none");
  EXPECT_EQ(scheme({{"B-PER", "NOUN"}}), "none") << "one tag without a prefix";
  EXPECT_EQ(scheme({{"O", "O"}}), "none") << "nothing is marked";
  EXPECT_EQ(scheme({{"B-PER", "I-PER", "O"}, {"B-LOC"}}), "iob2");
  EXPECT_EQ(scheme({{"I-PER", "I-PER", "O"}, {"I-LOC", "B-LOC"}}), "iob1");
  EXPECT_EQ(scheme({{"B-PER", "I-PER", "B-PER"}, {"B-LOC"}, {"O", "I-LOC"}}), "iob2") << "one mistake among three";
  EXPECT_EQ(scheme({{"B-PER", "E-PER"}}), "bioes");
  EXPECT_EQ(scheme({{"U-PER", "O"}}), "bioes");
  EXPECT_EQ(scheme({{"B", "M", "E", "S"}}), "bioes");
  for (const char* name : {"none", "iob1", "iob2", "bioes"}) {
    TagScheme found = TagScheme::none;
    EXPECT_TRUE(parse_scheme(name, found));
    EXPECT_STREQ(name_of(found), name);
  }
  TagScheme untouched = TagScheme::bioes;
  EXPECT_FALSE(parse_scheme("bio", untouched));
  EXPECT_EQ(untouched, TagScheme::bioes);
}

/// The tags that may follow each tag, "" being begin and end.
std::string allowed(TagScheme scheme, const Tags& tags) {
  std::string text;
  Tags all = {""};
  all.insert(all.end(), tags.begin(), tags.end());
  for (const std::string& before : all) {
    text += (before.empty() ? "^" : before) + ":";
    for (const std::string& after : all)
      if (may_follow(scheme, before, after)) text += " " + (after.empty() ? "$" : after);
    text += "\n";
  }
  return text;
}

TEST(Spans, EachSchemeAllowsWhatItsDefinitionSays) {
  EXPECT_EQ(allowed(TagScheme::iob2, {"O", "B-X", "I-X", "B-Y", "I-Y"}),
            "^: $ O B-X B-Y\n"
            "O: $ O B-X B-Y\n"
            "B-X: $ O B-X I-X B-Y\n"
            "I-X: $ O B-X I-X B-Y\n"
            "B-Y: $ O B-X B-Y I-Y\n"
            "I-Y: $ O B-X B-Y I-Y\n");
  EXPECT_EQ(allowed(TagScheme::iob1, {"O", "B-X", "I-X", "I-Y"}),
            "^: $ O I-X I-Y\n"
            "O: $ O I-X I-Y\n"
            "B-X: $ O B-X I-X I-Y\n"
            "I-X: $ O B-X I-X I-Y\n"
            "I-Y: $ O I-X I-Y\n");
  EXPECT_EQ(allowed(TagScheme::bioes, {"O", "B-X", "I-X", "E-X", "S-X", "I-Y"}),
            "^: $ O B-X S-X\n"
            "O: $ O B-X S-X\n"
            "B-X: I-X E-X\n"
            "I-X: I-X E-X\n"
            "E-X: $ O B-X S-X\n"
            "S-X: $ O B-X S-X\n"
            "I-Y: I-Y\n");
  EXPECT_TRUE(may_follow(TagScheme::none, "B-X", "I-Y"));
}

}  // namespace spans_test
}  // namespace carousel::data
