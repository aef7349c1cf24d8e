#include "carousel/data/json_place.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>
#include <string>

namespace carousel::data {
namespace json_place_test {

TEST(JsonPlace, OfTheFirstByteThatIsNoJson) {
  simdjson::dom::parser parser;
  for (const auto& [text, fault] :
       std::vector<std::pair<std::string, size_t>>{{R"({"a": 1,})", 8},
                                                   {R"({"a" 1})", 5},
                                                   {R"({"a": 1 "b": 2})", 8},
                                                   {R"({a: 1})", 1},
                                                   {R"({"a": "x)", 6},     // the quote that is not closed
                                                   {R"({"a": "x\")", 6},   // nor is it by one that is escaped
                                                   {R"({"a": "\q"})", 7},  // a backslash before what it does not escape
                                                   {R"({"a": "\u12g4"})", 7},
                                                   {"{\"a\": \"b\tc\"}", 8},  // a control character
                                                   {R"({"a": tru})", 6},
                                                   {R"({"a": 01})", 6},
                                                   {R"({"a": -})", 6},
                                                   {R"({"a": 1.})", 6},
                                                   {R"({"a": 1e+})", 6},
                                                   {R"({"a": .5})", 6},
                                                   {R"({"a": 1}})", 8},
                                                   {R"({"a": [1, 2})", 11},
                                                   {R"({"a": 1)", 7},  // the end comes too early
                                                   {"{", 1},
                                                   {"", 0},
                                                   {"  nonsense", 2}}) {
    EXPECT_EQ(json_fault(text), fault) << text;
    EXPECT_NE(parser.parse(text).error(), simdjson::SUCCESS) << text;
  }
  EXPECT_EQ(json_fault(std::string(5000, '[')), 1024U) << "no deeper than the parser goes";
}

TEST(JsonPlace, OfSoundJsonThereIsNone) {
  simdjson::dom::parser parser;
  for (const std::string text :
       {R"({"a": [1, -0.5e+3, {"b": null}], "c": "\u00e9\\\" \n", "d": {}, "e": [] , "f":true,"g":false})", "3", " [] ",
        "\"\""}) {
    EXPECT_EQ(json_fault(text), std::nullopt) << text;
    EXPECT_EQ(parser.parse(text).error(), simdjson::SUCCESS) << text;
  }
}

/// Damage of every kind is seen as the parser sees it.
TEST(JsonPlace, AgreesWithTheParser) {
  const std::string sound = R"({"a": [1, -0.5e+3, {"b": null}], "c": "\u00e9\\\" \n", "d": {}, "e": true})";
  const std::string bytes = "{}[],:\"\\0e-.tn a";
  std::mt19937 rng(1);
  simdjson::dom::parser parser;
  for (int i = 0; i < 20000; ++i) {
    std::string text = sound;
    for (int k = 0; k < 1 + i % 2; ++k) {
      const size_t at = rng() % text.size();
      if (rng() % 2 == 0)
        text.erase(at, 1 + rng() % 3);
      else
        text[at] = bytes[rng() % bytes.size()];
    }
    const auto error = parser.parse(text).error();
    if (error == simdjson::NUMBER_ERROR) continue;
    EXPECT_EQ(json_fault(text).has_value(), error != simdjson::SUCCESS) << text << ": " << error;
  }
}

TEST(JsonPlace, OfAValueByItsPath) {
  const std::string text = R"( {"a": 1, "b" : [true, {"c": "x"}], "b": 3})";
  EXPECT_EQ(json_value(text, {}), 1U);
  EXPECT_EQ(json_value(text, {0}), text.find("1,"));
  EXPECT_EQ(json_value(text, {1}), text.find("[true"));
  EXPECT_EQ(json_value(text, {1, 1}), text.find("{\"c"));
  EXPECT_EQ(json_value(text, {1, 1, 0}), text.find("\"x\""));
  EXPECT_EQ(json_value(text, {2}), text.find("3}"));
  EXPECT_EQ(json_value(text, {7}), 1U) << "that of the whole";
}

}  // namespace json_place_test
}  // namespace carousel::data
