// carousel bench, from outside.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/run_program.h"

namespace carousel::cli {
namespace bench_test {

using carousel::testing::run;

TEST(BenchCommand, PrintsALineForEachMeasurement) {
  const auto ran = run({"bench", "--only", "lstm_stream_128", "--scale", "0.001", "--threads", "1"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out.find("workload "), 0u) << ran.out;
  for (const char* part :
       {"\nlstm_stream_128      f32  ", "\nlstm_stream_128      bf16 ", "\nlstm_stream_128      int8 "})
    EXPECT_NE(ran.out.find(part), std::string::npos) << ran.out;
  EXPECT_NE(ran.err.find(", 1 threads; let nothing else run."), std::string::npos) << ran.err;
}

TEST(BenchCommand, PrintsOneJsonObject) {
  const auto ran = run({"bench", "--only", "lstm_stream_128", "--scale", "0.001", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["schema"], "carousel/bench@1");
  ASSERT_EQ(json["rows"].size(), 3u);
  EXPECT_GT(json["rows"][2]["seconds"].get<double>(), 0);
  EXPECT_EQ(json["rows"][2]["numbers"], "int8");
}

TEST(BenchCommand, RefusesAnUnknownName) {
  const auto ran = run({"bench", "--only", "nothing"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("[bench] a measurement must begin with the name asked for; got 'nothing'."), std::string::npos)
      << ran.err;
}

}  // namespace bench_test
}  // namespace carousel::cli
