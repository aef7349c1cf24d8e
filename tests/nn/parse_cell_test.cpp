// Cells and conventions in one word.
#include "carousel/nn/cells/parse_cell.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace parse_cell_test {

std::string error(const std::string& text) {
  return ::carousel::testing::error_of<ConfigError>([&] { parse_cell(text); });
}

TEST(ParseCell, ReadsACellAndItsConventions) {
  const CellOptions plain = parse_cell("lstm");
  EXPECT_EQ(plain.cell, "lstm");
  EXPECT_EQ(plain.biases, -1);
  const CellOptions gru = parse_cell("gru:reset=after:update=keep:biases=2");
  EXPECT_EQ(gru.cell, "gru");
  EXPECT_EQ(gru.reset, "after");
  EXPECT_EQ(gru.update, "keep");
  EXPECT_EQ(gru.biases, 2);
  EXPECT_EQ(parse_cell("projected_lstm:projection_size=3").projection_size, 3);
}

TEST(ParseCell, RefusesWithTheNearestName) {
  EXPECT_NE(error("GRU:reset=after").find("[cell] there is no cell 'GRU'; got known cells "), std::string::npos);
  EXPECT_NE(error("GRU").find("Did you mean 'gru'?"), std::string::npos);
  EXPECT_EQ(error("gru:rest=after"),
            "[cell] a convention is one of reset, update, biases, activation, projection_size; got \"rest\" in "
            "\"gru:rest=after\". Did you mean \"reset\"?");
  EXPECT_EQ(error("gru:cell=lstm"),
            "[cell] a convention is one of reset, update, biases, activation, projection_size; got \"cell\" in "
            "\"gru:cell=lstm\". Choose one of them.");
  EXPECT_EQ(error("gru:reset=aftr"),
            "[cell] reset must be one of before, after, or auto; got \"aftr\". Did you mean \"after\"?");
  EXPECT_EQ(error("gru:after"),
            "[cell] a convention is NAME=VALUE; got \"after\" in \"gru:after\". Write it as in gru:reset=after.");
  EXPECT_EQ(error("gru:reset=after:reset=before"),
            "[cell] each convention stands once; got reset twice in \"gru:reset=after:reset=before\". Leave one of "
            "them out.");
  EXPECT_NE(error("lstm:reset=after").find("[cell] reset is a choice of gru"), std::string::npos);
}

}  // namespace parse_cell_test
}  // namespace carousel::nn
