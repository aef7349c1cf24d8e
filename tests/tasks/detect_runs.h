// Small trainings of the task `detect`.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "carousel/tasks/detect_model.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {

/// Hours with a season of 12 and some noise; from row `anomaly` on, five values are far off.
inline std::string table(int rows, uint64_t seed, int anomaly = -1, bool labels = false) {
  Rng rng(seed, 0);
  std::string text = labels ? "time,value,label\n" : "time,value\n";
  for (int i = 0; i < rows; ++i) {
    double value = 10 + 3 * std::sin(i * 2 * 3.14159265 / 12) + 0.2 * static_cast<double>(rng.normal());
    const bool odd = anomaly >= 0 && i >= anomaly && i < anomaly + 5;
    if (odd) value += 12;
    text += fmt::format("2020-{:02}-{:02} {:02}:00,{:.4f}", 1 + i / 24 / 28, 1 + i / 24 % 28, i % 24, value);
    text += labels ? fmt::format(",{:d}\n", odd) : "\n";
  }
  return text;
}

inline Settings settings_of(const Settings& more = {}) {
  Settings s = {{"hidden_size", "8"}, {"batch_size", "16"}, {"max_steps", "60"}, {"warm_up", "30"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

inline ToyRun run_of(const std::string& file, const Settings& settings = settings_of()) {
  return ToyRun(file, settings, {}, "detect");
}

inline DetectModel& detector_of(const ToyRun& run) {
  return dynamic_cast<DetectModel&>(*run.job.model);
}

/// All rows of a text read one by one: "score alarm" of each.
inline std::string streamed(TaskModel& model, const std::string& text) {
  const auto rows = model.open_rows("rows");
  std::vector<FileAnswer::Cell> answer;
  std::string all;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (rows->read(text.substr(begin, end - begin), answer)) {
      const std::vector<std::string> columns = rows->columns();
      for (size_t c = 0; c < columns.size(); ++c)
        if (columns[c] == "score" || columns[c] == "alarm")
          all += std::visit([](const auto& v) { return fmt::format("{} ", v); }, answer[c]);
    }
    begin = end + 1;
  }
  return all;
}

}  // namespace carousel::tasks
