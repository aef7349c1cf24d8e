#include "apps/cli/gate_view.h"

#include <gtest/gtest.h>

#include <cstring>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::cli {
namespace gate_view_test {

using carousel::testing::error_of;

tasks::GateTrace trace() {
  return {"ab",
          "x",
          {{"encoder.0", "forget_gate", {"a", "b"}, 3, {0, 0.5F, 1, 0.25F, 0.75F, 0.98F}, 0.5},
           {"encoder.0", "c", {"a", "b"}, 3, {-2, 0, 2, 1, -1, 0}},
           {"decoder", "forget_gate", {"x,\"", "</s>"}, 1, {0.5F, 0.5F}}}};
}

TEST(GateView, SelectsByLayerAndGate) {
  EXPECT_EQ(select_gates(trace(), "", "").series.size(), 3u);
  EXPECT_EQ(select_gates(trace(), "encoder.0", "").series.size(), 2u);
  EXPECT_EQ(select_gates(trace(), "", "forget_gate").series.size(), 2u);
  EXPECT_EQ(select_gates(trace(), "decoder", "forget_gate").series[0].units, 1);
  EXPECT_EQ(error_of<ConfigError>([] { select_gates(trace(), "encoder.1", ""); }),
            "[--layer] the model must have what is asked for; got \"encoder.1\" of encoder.0, decoder. Did you mean "
            "\"encoder.0\"?");
  EXPECT_EQ(error_of<ConfigError>([] { select_gates(trace(), "decoder", "zzz"); }),
            "[--gate] the model must have what is asked for; got \"zzz\" of forget_gate. Choose one of them.");
}

TEST(GateView, TableHasARowForEachSeries) {
  const std::string table = gate_table(trace());
  EXPECT_NE(table.find("encoder.0  forget_gate      3       2   0.5800   0.0000   1.0000     50.0 %\n"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("encoder.0  c                3       2   0.0000  -2.0000   2.0000          -\n"),
            std::string::npos)
      << table;
}

TEST(GateView, DrawsTokensByUnits) {
  const tasks::GateTrace all = trace();
  EXPECT_EQ(draw_gates(all.series[0], {Paint::ascii, 80}),
            "encoder.0 forget_gate\n"
            "unit 0\n"
            "   a  +@\n"
            "   b :#@\n"
            "\n"
            "0  .:-=+*#%@ 1   rows: tokens, columns: units\n");
  const std::string state = draw_gates(all.series[1], {Paint::ascii, 80});
  EXPECT_NE(state.find("   a  +@\n"), std::string::npos) << state;
  EXPECT_NE(state.find("-2  .:-=+*#%@ 2   rows"), std::string::npos) << state;
}

TEST(GateView, WideLayersAreBrokenIntoParts) {
  tasks::GateSeries wide{"l", "h", {"a"}, 25, std::vector<float>(25, 1.0F)};
  const std::string text = draw_gates(wide, {Paint::ascii, 15});
  EXPECT_NE(text.find("unit 0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("unit 10\n"), std::string::npos) << text;
  EXPECT_NE(text.find("unit 20\n   a @@@@@\n"), std::string::npos) << text;
}

TEST(GateView, CsvQuotesAndCounts) {
  const std::string csv = gates_csv(trace());
  EXPECT_EQ(csv.rfind("layer,gate,position,token,unit,value\r\nencoder.0,forget_gate,0,a,0,0\r\n", 0), 0u) << csv;
  EXPECT_NE(csv.find("decoder,forget_gate,0,\"x,\"\"\",0,0.5\r\n"), std::string::npos) << csv;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 6 + 6 + 2);
}

TEST(GateView, NpyIsWhatNumpyReads) {
  const std::string bytes = gates_npy(trace().series[0]);
  ASSERT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const size_t header = static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  EXPECT_EQ((10 + header) % 64, 0u);
  EXPECT_EQ(bytes[9 + header], '\n');
  EXPECT_NE(bytes.find("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"), std::string::npos);
  ASSERT_EQ(bytes.size(), 10 + header + 6 * sizeof(float));
  float last = 0;
  std::memcpy(&last, bytes.data() + bytes.size() - sizeof(float), sizeof(float));
  EXPECT_EQ(last, 0.98F);
}

TEST(GateView, JsonHasAllValues) {
  const Json json = gates_json(trace());
  EXPECT_EQ(json["schema"], "carousel/gates@1");
  EXPECT_EQ(json["series"][1]["values"][0][0], -2.0);
  EXPECT_EQ(json["series"][0]["tokens"].size(), 2u);
}

}  // namespace gate_view_test
}  // namespace carousel::cli
