// A detector on the command line: from rows to alarms, also from a pipe.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli/latency.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace carousel::cli {
namespace detect_test {

using carousel::testing::run;

TEST(DetectProgram, TrainsScoresAndAnswersRows) {
  const carousel::testing::TempDir dir;
  std::string text = "time,load,anomaly\n", rows;
  for (int i = 0; i < 400; ++i) {
    const bool odd = i >= 300 && i < 305;
    const std::string row = fmt::format("2020-01-{:02} {:02}:00,{}", 1 + i / 24, i % 24, i % 7 + (odd ? 50 : 0));
    text += fmt::format("{},{:d}\n", row, odd);
    rows += row + "\n";
  }
  const std::string data = dir.write("t.csv", text), model = dir.file("m.safetensors");
  const auto trained = run({"train", data, "-o", model, "--set", "max_steps=5", "--set", "hidden_size=4", "--window",
                            "8", "--set", "score=forecast", "--set", "warm_up=10"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("task: detect, because comma-separated columns under a row of names: time is the time, "
                             "anomaly is the label, 1 column of values\n"),
            std::string::npos)
      << trained.err;
  const auto scored = run({"eval", model, data, "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  const auto json = nlohmann::json::parse(scored.out);
  for (const char* key : {"precision", "recall", "f1", "nab"}) {
    EXPECT_TRUE(json["metrics"].contains(key));
    EXPECT_TRUE(json["baseline"].contains(key));
  }
  const auto table = run({"predict", model, data});
  ASSERT_EQ(table.code, 0) << table.err;
  EXPECT_EQ(table.out.rfind("time,value,score,alarm,expected\n2020-01-01 00:00,0,0,0,", 0), 0u) << table.out;
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 401);
  EXPECT_NE(table.err.find("400 rows; "), std::string::npos) << table.err;
  EXPECT_NE(table.err.find(" at p99\n"), std::string::npos) << table.err;
  const auto piped = run({"predict", model}, rows);
  EXPECT_EQ(piped.out, table.out) << "without names and labels the same";
  const auto lines = run({"predict", model, data, "--json"});
  const auto first = nlohmann::json::parse(lines.out.substr(0, lines.out.find('\n')));
  EXPECT_EQ(first["schema"], "carousel/predict-row@1");
  EXPECT_EQ(first["time"], "2020-01-01 00:00");
  EXPECT_EQ(first["alarm"], 0);
  const auto bad = run({"predict", model}, "2020-01-01 00:00,1\n2020-01-01 01:00,x\n");
  EXPECT_EQ(bad.code, 3);
  EXPECT_NE(bad.out.find("2020-01-01 00:00,1,"), std::string::npos) << "what was answered before stays answered";
  EXPECT_NE(bad.err.find("(standard input):2:18: [data] a value must be a finite number within 1e+100, or be missing; "
                         "got \"x\". Correct it.\n"),
            std::string::npos)
      << bad.err;
  const auto searched = run({"predict", model, data, "--beam", "4"});
  EXPECT_EQ(searched.code, 2);
  const auto info = run({"info", model});
  EXPECT_NE(info.out.find("scored by"), std::string::npos) << info.out;
  EXPECT_NE(info.out.find("threshold"), std::string::npos) << info.out;
}

TEST(Latency, HasPercentilesWithinAFiftieth) {
  Latency latency;
  EXPECT_EQ(latency.percentile(0.5), 0);
  for (int i = 1; i <= 1000; ++i) latency.add(i * 1e-6);
  EXPECT_NEAR(latency.percentile(0.5), 500e-6, 10e-6);
  EXPECT_NEAR(latency.percentile(0.99), 990e-6, 20e-6);
  Latency far;
  far.add(0);
  far.add(1e9);
  EXPECT_LE(far.percentile(0.5), 1e-7);
  EXPECT_GT(far.percentile(1), 10);
  EXPECT_EQ(far.text().rfind("2 rows; 0.1 us a row in the middle (p50), ", 0), 0u) << far.text();
}

}  // namespace detect_test
}  // namespace carousel::cli
