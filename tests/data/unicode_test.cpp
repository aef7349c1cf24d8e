#include "carousel/data/unicode.h"

#include <gtest/gtest.h>

namespace carousel::data {
namespace unicode_test {

TEST(Unicode, FindsTheFirstInvalidByte) {
  EXPECT_EQ(find_invalid_utf8(""), -1);
  EXPECT_EQ(find_invalid_utf8("plain ASCII of more than eight bytes"), -1);
  EXPECT_EQ(find_invalid_utf8("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), -1);
  EXPECT_EQ(find_invalid_utf8("12345678\xFF"), 8);
  EXPECT_EQ(find_invalid_utf8("ab\xC3"), 2);             // cut off
  EXPECT_EQ(find_invalid_utf8("a\x80"), 1);              // continuation without a start
  EXPECT_EQ(find_invalid_utf8("\xC0\x80"), 0);           // overlong NUL
  EXPECT_EQ(find_invalid_utf8("\xE0\x9F\xBF"), 0);       // overlong
  EXPECT_EQ(find_invalid_utf8("\xF0\x8F\xBF\xBF"), 0);   // overlong
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0);       // surrogate
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0);   // beyond U+10FFFF
  EXPECT_EQ(find_invalid_utf8("\xF4\x8F\xBF\xBF"), -1);  // U+10FFFF
}

TEST(Unicode, CutsCodePointsAndReadsTheirNumbers) {
  const auto parts = code_points("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(first_code_point(parts[0]), U'a');
  EXPECT_EQ(first_code_point(parts[1]), U'\u00E9');
  EXPECT_EQ(first_code_point(parts[2]), U'\u20AC');
  EXPECT_EQ(first_code_point(parts[3]), U'\U0001F600');
  EXPECT_EQ(count_code_points("a\xC3\xA9"), 2);
}

TEST(Unicode, KnowsWhiteSpaceBeyondAscii) {
  EXPECT_EQ(trim("\t \xC2\xA0word\xE3\x80\x80 \n"), "word");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim("\xC3\xA9"), "\xC3\xA9");
  const auto words = split_words(" one\xE3\x80\x80two  three");
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[1], "two");
}

TEST(Unicode, NormalFormsComposeAndDecompose) {
  const std::string syllable = "\xEA\xB0\x81";  // U+AC01: three letters
  EXPECT_EQ(count_code_points(normalize(syllable, NormalForm::nfd)), 3);
  EXPECT_EQ(normalize(normalize(syllable, NormalForm::nfd), NormalForm::nfc), syllable);
  EXPECT_EQ(normalize("e\xCC\x81", NormalForm::nfc), "\xC3\xA9");
  EXPECT_EQ(normalize("e\xCC\x81", NormalForm::none), "e\xCC\x81");
}

TEST(Unicode, FoldsCase) {
  EXPECT_EQ(fold_case("Stra\xC3\x9F"
                      "e \xC3\x89",
                      LetterCase::lower),
            "stra\xC3\x9F"
            "e \xC3\xA9");
  EXPECT_EQ(fold_case("\xC3\xA9"
                      "a1",
                      LetterCase::upper),
            "\xC3\x89"
            "A1");
  EXPECT_EQ(fold_case("aB", LetterCase::keep), "aB");
}

TEST(Unicode, QuotesAreSafeToPrintAndClipped) {
  EXPECT_EQ(clip_quoted("a\tb"), "\"a\\tb\"");
  EXPECT_EQ(clip_quoted("\x1B[2J"), "\"\\x1B[2J\"");
  EXPECT_EQ(clip_quoted("\xC2\x9B"), "\"\\xC2\\x9B\"");
  EXPECT_EQ(clip_quoted("\xFF\xC3"), "\"\\xFF\\xC3\"");
  EXPECT_EQ(clip_quoted("\xC3\xA9\xC3\xA9\xC3\xA9", 2), "\"\xC3\xA9\xC3\xA9\"...");
}

TEST(Unicode, LettersMarksAndDigitsOfAnyScript) {
  for (const char32_t c : {U'a', U'Z', U'7', U'\u00e9', U'\u0301', U'\u0416', U'\u65e5', U'\u0967', U'\u00bd'})
    EXPECT_TRUE(is_letter_or_digit(c)) << static_cast<uint32_t>(c);
  for (const char32_t c : {U' ', U'.', U'-', U'_', U'$', U'\u2019', U'\u3002', U'\u00a0', U'\u2603'})
    EXPECT_FALSE(is_letter_or_digit(c)) << static_cast<uint32_t>(c);
}

}  // namespace unicode_test
}  // namespace carousel::data
