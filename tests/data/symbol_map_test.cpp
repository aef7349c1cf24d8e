#include "carousel/data/symbol_map.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace symbol_map_test {

using testing::error_of;
using Ids = std::vector<int32_t>;

TEST(SymbolMap, FindsTheCipherOfAlignedText) {
  // Each symbol s becomes s + 100, but 7 becomes nothing; order is kept.
  std::vector<Ids> sources, targets;
  Rng rng(1, 0);
  for (int i = 0; i < 300; ++i) {
    Ids source, target;
    for (uint64_t n = 2 + rng.below(5); n > 0; --n) {
      source.push_back(static_cast<int32_t>(rng.below(10)));
      if (source.back() != 7) target.push_back(source.back() + 100);
    }
    sources.push_back(source);
    targets.push_back(target);
  }
  const SymbolMap map = SymbolMap::learn(sources, targets);
  EXPECT_EQ(map.apply(Ids{0, 7, 9, 3}), (Ids{100, 109, 103}));
  EXPECT_EQ(map.apply(Ids{-1, 50}), Ids{});
  EXPECT_EQ(SymbolMap::from_json(map.to_json(), "m", 110).apply(Ids{0, 7, 9, 3}), (Ids{100, 109, 103}));
}

TEST(SymbolMap, FollowsTheTextbookExample) {
  // das Haus / the house, das Buch / the book, ein Buch / a book (Koehn 2010, figure 4.4): after two iterations
  // t(the|das) = 0.6364, t(book|Buch) = 0.6364; the map must already be right then.
  const std::vector<Ids> sources = {{0, 1}, {0, 2}, {3, 2}}, targets = {{0, 1}, {0, 2}, {3, 2}};
  TranslationsConfig config;
  config.iterations = 2;
  EXPECT_EQ(SymbolMap::learn(sources, targets, config).apply(Ids{0, 1, 2, 3}), (Ids{0, 1, 2, 3}));
}

TEST(SymbolMap, LearnsWithinItsBounds) {
  const std::vector<Ids> sources(1000, Ids{0, 1}), targets(1000, Ids{1, 0});
  TranslationsConfig config;
  config.max_pairs = 10;
  config.max_cells = 8;
  EXPECT_EQ(SymbolMap::learn(sources, targets, config).apply(Ids{0}).size(), 1u);
  EXPECT_TRUE(SymbolMap::learn({}, {}).apply(Ids{0}).empty());
  const std::vector<Ids> empty(1);
  EXPECT_TRUE(SymbolMap::learn(empty, empty).apply(Ids{0}).empty());
}

TEST(SymbolMap, RefusesWhatDoesNotFit) {
  const std::vector<Ids> one(1, Ids{0});
  EXPECT_EQ(
      error_of<ShapeError>([&] { SymbolMap::learn(one, {}); }),
      "[translations] there must be one target per source; got 1 sources and 0 targets. Pass both sides of the same "
      "pairs.");
  EXPECT_EQ(
      error_of<FormatError>([] { SymbolMap::from_json(R"({"targets":[0,5]})", "m", 5); }),
      "m: byte 0: [symbol_map] target ids must lie in -1 to 4; got 5. The file is damaged or not made by Carousel.");
  EXPECT_NE(error_of<FormatError>([] {
              SymbolMap::from_json(R"({"targets":[0.5]})", "m", 5);
            }).find("\"targets\" must hold integers only"),
            std::string::npos);
}

}  // namespace symbol_map_test
}  // namespace carousel::data
