#include "carousel/data/vocabulary.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace vocabulary_test {

using testing::error_of;

Vocabulary vocabulary_of(const std::vector<std::string>& symbols, int64_t min_count = 1) {
  SymbolCounts counts;
  for (const std::string& symbol : symbols) counts.add(symbol);
  return Vocabulary(counts, min_count);
}

TEST(SymbolCounts, WithABoundForgetTheRarestAndSayByHowMuch) {
  Rng rng(3, 0);
  SymbolCounts all, few(100);
  for (int i = 0; i < 200000; ++i) {
    const uint64_t below = rng.below(2000);
    const std::string symbol = std::to_string(rng.below(below + 1));  // small numbers are frequent
    all.add(symbol);
    few.add(symbol);
    ASSERT_LE(few.size(), 100);
  }
  EXPECT_EQ(few.total(), all.total());
  EXPECT_EQ(all.missed(), 0);
  EXPECT_GT(few.missed(), 0);
  for (const auto& [symbol, count] : all.symbols()) {
    EXPECT_LE(few.count(symbol), count);
    EXPECT_GE(few.count(symbol) + few.missed(), count) << symbol;
  }
  SymbolCounts enough(5000);
  for (const auto& [symbol, count] : all.symbols()) enough.add(symbol, count);
  EXPECT_EQ(enough.symbols(), all.symbols());
}

TEST(Vocabulary, OrdersByFrequencyThenFirstUse) {
  const Vocabulary vocabulary = vocabulary_of({"c", "b", "a", "a", "b", "d"});
  EXPECT_EQ(vocabulary.size(), 7);
  EXPECT_EQ(vocabulary.symbol(3), "b");
  EXPECT_EQ(vocabulary.symbol(4), "a");
  EXPECT_EQ(vocabulary.symbol(5), "c");
  EXPECT_EQ(vocabulary.symbol(6), "d");
  EXPECT_EQ(vocabulary.id("a"), 4);
}

TEST(Vocabulary, MapsUnknownAndRareSymbolsToUnk) {
  const Vocabulary vocabulary = vocabulary_of({"a", "a", "b"}, 2);
  EXPECT_EQ(vocabulary.id("b"), Vocabulary::kUnk);
  EXPECT_EQ(vocabulary.id("z"), Vocabulary::kUnk);
  EXPECT_TRUE(vocabulary.contains("a"));
}

TEST(Vocabulary, TextThatLooksLikeAMarkerIsOrdinary) {
  const Vocabulary vocabulary = vocabulary_of({"</s>", "<unk>"});
  EXPECT_GE(vocabulary.id("</s>"), Vocabulary::kMarkers);
  EXPECT_GE(vocabulary.id("<unk>"), Vocabulary::kMarkers);
  EXPECT_EQ(vocabulary.symbol(Vocabulary::kEos), "</s>");
}

TEST(Vocabulary, SurvivesJson) {
  const Vocabulary vocabulary = vocabulary_of({"a", "\"", "\\", "\xC3\xA9", "\t", " b"});
  const Vocabulary loaded = Vocabulary::from_json(vocabulary.to_json(), "m");
  ASSERT_EQ(loaded.size(), vocabulary.size());
  for (int32_t id = 0; id < vocabulary.size(); ++id) EXPECT_EQ(loaded.symbol(id), vocabulary.symbol(id));
  EXPECT_EQ(loaded.id(" b"), vocabulary.id(" b"));
}

TEST(Vocabulary, RefusesIdsOutOfRange) {
  const Vocabulary vocabulary = vocabulary_of({"a"});
  EXPECT_EQ(error_of<ShapeError>([&] { vocabulary.symbol(4); }),
            "[vocabulary] an id must lie in 0 to 3; got 4. Use ids of this vocabulary.");
  EXPECT_THROW(vocabulary.symbol(-1), ShapeError);
}

std::string load_error(const std::string& json) {
  return error_of<FormatError>([&] { Vocabulary::from_json(json, "m"); });
}

TEST(Vocabulary, RefusesHostileJson) {
  const std::string end = " The file is damaged or not made by Carousel.";
  const std::string markers = R"("markers":["<s>","</s>","<unk>"])";
  EXPECT_EQ(load_error("{" + markers + R"(,"symbols":["a","a"]})"),
            "m: byte 0: [vocabulary] symbols must differ; got \"a\" twice." + end);
  EXPECT_EQ(load_error("{" + markers + R"(,"symbols":[""]})"),
            "m: byte 0: [vocabulary] symbols must have text; got an empty one." + end);
  EXPECT_EQ(load_error(R"({"markers":["<s>"],"symbols":[]})"),
            "m: byte 0: [vocabulary] the markers must be <s>, </s>, <unk>; got <s>." + end);
  EXPECT_EQ(load_error("{" + markers + "}"), "m: byte 0: [vocabulary] must have list \"symbols\"; got none." + end);
  EXPECT_EQ(load_error("{" + markers + R"(,"symbols":[1]})"),
            "m: byte 0: [vocabulary] \"symbols\" must hold texts only; got another type." + end);
  EXPECT_EQ(load_error("{" + markers + R"(,"symbols":{}})"),
            "m: byte 0: [vocabulary] \"symbols\" must be a list; got another type." + end);
  EXPECT_EQ(load_error("{" + markers + R"(,"symbols":[],"symbols":[]})"),
            "m: byte 0: [vocabulary] must have each key once; got \"symbols\" twice." + end);
  EXPECT_EQ(load_error("[]"), "m: byte 0: [vocabulary] must be a JSON object; got another kind of value." + end);
  EXPECT_NE(load_error("{").find("[vocabulary] must be JSON; got "), std::string::npos);
  EXPECT_NE(load_error(std::string(100000, '[')).find("[vocabulary] must be JSON; got "), std::string::npos);
}

TEST(Vocabulary, RefusesSymbolsThatNoLineOfDataCanHold) {
  for (const char* symbol : {R"(a\nb)", R"(\n)", R"(a\u0000)"}) {
    const std::string json = fmt::format(R"({{"markers":["<s>","</s>","<unk>"],"symbols":["x","{}"]}})", symbol);
    EXPECT_NE(testing::error_of<FormatError>([&] {
                Vocabulary::from_json(json, "m");
              }).find("[vocabulary] symbols must not hold line ends or NUL; got one that does."),
              std::string::npos)
        << symbol;
  }
}

}  // namespace vocabulary_test
}  // namespace carousel::data
