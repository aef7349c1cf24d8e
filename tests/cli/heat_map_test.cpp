#include "apps/cli/heat_map.h"

#include <gtest/gtest.h>

#include "apps/cli/font.h"
#include "carousel/base/error.h"
#include "tests/cli/read_png.h"
#include "tests/support/temp_dir.h"

namespace carousel::cli {
namespace heat_map_test {

using carousel::testing::error_of;

tasks::AttentionMap small_map() {
  tasks::AttentionMap map;
  map.source = {"a", "\u754c", " "};
  map.target = {"AH", "</s>"};
  map.weights = {1.0F, 0.0F, 0.0F, 0.25F, 0.25F, 0.5F};
  return map;
}

TEST(HeatMap, AlignsLabelsByDisplayWidthInBlocks) {
  EXPECT_EQ(draw_heat_map(small_map(), {Paint::blocks, 80}),
            "     a  \u754c \u2423\n"
            "  AH \u2588\u2588\u2588      \n"
            "</s> \u2591\u2591\u2591\u2591\u2591\u2591\u2592\u2592\u2592\n"
            "\n"
            "0  \u2591\u2592\u2593\u2588 1   rows: output, columns: input\n");
}

TEST(HeatMap, DrawsInAsciiWhereTheLocaleHasNothingElse) {
  const std::string text = draw_heat_map(small_map(), {Paint::ascii, 80});
  EXPECT_NE(text.find("  AH @@@      \n"), std::string::npos) << text;
  EXPECT_NE(text.find("</s> :::"), std::string::npos) << text;
}

TEST(HeatMap, ColoursEndOnEveryLine) {
  const std::string text = draw_heat_map(small_map(), {Paint::colors, 80});
  EXPECT_NE(text.find("\x1b[48;5;226m   \x1b[0m"), std::string::npos);
  EXPECT_NE(text.find("\x1b[48;5;235m   \x1b[0m\n"), std::string::npos);
}

TEST(HeatMap, BreaksIntoPartsThatFitTheTerminal) {
  tasks::AttentionMap map;
  map.target = {"x"};
  map.source.assign(100, "s");
  map.weights.assign(100, 0.01F);
  const std::string text = draw_heat_map(map, {Paint::ascii, 50});
  size_t longest = 0, lines = 0;
  for (size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    longest = std::max(longest, end - begin);
    ++lines;
  }
  EXPECT_EQ(longest, 50u);
  EXPECT_EQ(lines, 5u * 3u + 1u);
}

TEST(HeatMap, ShowsWeightsThatAreNotNumbers) {
  tasks::AttentionMap map = small_map();
  map.weights[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(draw_heat_map(map, {Paint::ascii, 80}).find("AH ???"), std::string::npos);
}

TEST(HeatMap, RefusesWeightsOfAnotherShape) {
  tasks::AttentionMap map = small_map();
  map.weights.pop_back();
  EXPECT_EQ(error_of<ShapeError>([&] { draw_heat_map(map, {}); }),
            "[heat map] weights are target x source; got 5 weights for 2 x 3 tokens. Pass a whole map.");
  EXPECT_EQ(error_of<ShapeError>([&] { heat_map_png(map); }),
            "[png] weights are target x source; got 5 weights for 2 x 3 tokens. Pass a whole map.");
}

TEST(HeatMapPng, HoldsTheColoursOfTheWeights) {
  const Pixels image = read_png(heat_map_png(small_map()));
  // 4 letters of 12 pixels and two margins stand left of the cells, 1 letter and two margins above them.
  const size_t left = 8 + 48 + 8, top = 8 + 12 + 8;
  EXPECT_EQ(image.width, left + 3 * 24 + 8);
  EXPECT_EQ(image.height, top + 2 * 24 + 8);
  EXPECT_EQ(image.at(left + 3, top + 3), (std::array<int, 3>{253, 231, 37}));
  EXPECT_EQ(image.at(left + 24 + 3, top + 3), (std::array<int, 3>{68, 1, 84}));
  EXPECT_EQ(image.at(left + 48 + 3, top + 24 + 3), (std::array<int, 3>{33, 145, 140}));
  EXPECT_EQ(image.at(1, 1), (std::array<int, 3>{255, 255, 255}));
}

TEST(HeatMapPng, MakesCellsSmallerWhereALayerIsWide) {
  for (const size_t units : {size_t{1024}, size_t{3000}}) {
    tasks::AttentionMap map;
    map.source.assign(units, "1");
    map.target = {"t", "u"};
    map.weights.assign(2 * units, 0.0F);
    map.weights[units - 1] = 1;
    const Pixels image = read_png(heat_map_png(map));
    const size_t cell = units == 1024 ? 15 : 5, left = 8 + 12 + 8;
    EXPECT_EQ(image.width, left + units * cell + 8);
    EXPECT_EQ(image.height, 8 + 12 + 8 + 2 * 24 + 8u) << "the other axis keeps its cells";
    EXPECT_EQ(image.at(left + (units - 1) * cell + 1, 30)[0], 253);
    EXPECT_EQ(image.at(left + 1, 30)[0], 68);
  }
}

TEST(HeatMapPng, RefusesAPictureThatNobodyCanOpen) {
  tasks::AttentionMap map;
  map.source.assign(16000, "s");
  map.target = {"t"};
  map.weights.assign(16000, 0.0F);
  EXPECT_EQ(error_of<UnsupportedError>([&] { heat_map_png(map); }),
            "[png] a picture has at most 16000 pixels a side; got 16036 x 60 with cells of one pixel. Use a shorter "
            "input, or --json; with --gates also --csv or --npy.");
}

TEST(Font, HasADifferentGlyphForEachCharacter) {
  std::set<std::array<uint8_t, kGlyphWidth>> glyphs;
  for (int c = 0x20; c < 0x7f; ++c) glyphs.insert(glyph_of(static_cast<char>(c)));
  EXPECT_EQ(glyphs.size(), 95u);
  EXPECT_FALSE(has_glyph('\n'));
  EXPECT_EQ(glyph_of('\n')[0], 0x7f);
}

}  // namespace heat_map_test
}  // namespace carousel::cli
