// The guide to the cells prints the equations that the cells themselves name.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "carousel/nn/cells/cell.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace cells_guide_test {

TEST(CellsGuide, ShowsTheEquationsOfEveryCell) {
  const std::string guide = ::carousel::testing::content_of(std::string(CAROUSEL_SOURCE_DIR) + "/docs/guide/cells.md");
  ASSERT_FALSE(guide.empty());
  for (const std::string& name : cell_names()) {
    EXPECT_NE(guide.find("\n## " + name + "\n"), std::string::npos) << name;
    std::istringstream lines(make_cell(name)->equations());
    for (std::string line; std::getline(lines, line);) {
      if (line.find(" = ") == std::string::npos) continue;  // the paper
      EXPECT_NE(guide.find("\n    " + line + "\n"), std::string::npos) << name << ": " << line;
    }
  }
}

TEST(CellsGuide, NamesTheFormulasOfTheOtherConventions) {
  const std::string guide = ::carousel::testing::content_of(std::string(CAROUSEL_SOURCE_DIR) + "/docs/guide/cells.md");
  for (const char* reset : {"before", "after"})
    for (const char* update : {"new", "keep"}) {
      CellOptions options;
      options.cell = "gru";
      options.reset = reset;
      options.update = update;
      options.biases = std::string(reset) == "after" && std::string(update) == "keep" ? 2 : 1;
      std::istringstream lines(make_cell(options)->equations());
      for (std::string line; std::getline(lines, line);) {
        if (line.find("g = ") != 0 && line.find("h' = ") != 0) continue;
        EXPECT_NE(guide.find(line), std::string::npos) << line;
      }
    }
}

TEST(CellsGuide, CountsWhatTheFormulasOfTheTableSay) {
  constexpr int64_t d = 7, m = 5;
  const auto count = [&](const char* name) { return make_cell(name)->num_parameters(d, m); };
  EXPECT_EQ(count("rnn"), m * (d + m) + m);
  EXPECT_EQ(count("lstm"), 4 * m * (d + m) + 4 * m);
  EXPECT_EQ(count("peephole_lstm"), 4 * m * (d + m) + 4 * m + 3 * m);
  EXPECT_EQ(count("layer_norm_lstm"), 4 * m * (d + m) + 4 * m + 10 * m);
  EXPECT_EQ(count("coupled_lstm"), 3 * m * (d + m) + 3 * m);
  EXPECT_EQ(count("gru"), 3 * m * (d + m) + 3 * m);
  EXPECT_EQ(count("layer_norm_gru"), 3 * m * (d + m) + 3 * m + 6 * m);
  EXPECT_EQ(count("min_gru"), 2 * m * d + 2 * m);
  EXPECT_EQ(count("slstm"), 4 * m * (d + m) + 4 * m);
  EXPECT_EQ(4 * count("gru"), 3 * count("lstm")) << "exactly 25 % fewer";
}

}  // namespace cells_guide_test
}  // namespace carousel::nn
