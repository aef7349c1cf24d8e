// A small string-to-string training, from file to answers, in a few hundred milliseconds.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/base/rng.h"
#include "carousel/tasks/task.h"
#include "carousel/train/trainer.h"
#include "tests/support/temp_dir.h"

namespace carousel::tasks {

/// Words over a few letters; each letter is spelled by a fixed sign, "c" by two. Every fifth word stands twice.
inline std::string spelling_lines(int64_t count, uint64_t seed) {
  static const char* const kSigns[] = {"A", "B", "K S", "D", "E", "F"};
  Rng rng(seed, 0);
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    std::string word, signs;
    const uint64_t length = 3 + rng.below(5);
    for (uint64_t k = 0; k < length; ++k) {
      const uint64_t letter = rng.below(6);
      word += static_cast<char>('a' + letter);
      signs += (k > 0 ? " " : "") + std::string(kSigns[letter]);
    }
    text += word + "\t" + signs + "\n";
    if (i % 5 == 0) text += word + "\t" + signs + " Z\n";
  }
  return text;
}

using Settings = std::vector<std::pair<std::string, std::string>>;

/// A task whose options are set, and the job built from a file.
struct ToyRun {
  ToyRun(const std::string& data, const Settings& settings, const std::vector<std::string>& dev = {},
         const std::string& name = "transduce") {
    task = make_task(name);
    task->options(table);
    for (const auto& [key, value] : settings) table.set(key, value, "test");
    job = task->build({.data = {data}, .dev = dev, .seed = 1, .max_seconds = 0},
                      [this](const std::string& sentence) { said += sentence + "\n"; });
  }
  /// Whatever the options, what the model says of itself must be enough to make it anew.
  train::TrainResult train() {
    train::Trainer trainer(*job.objective, job.trainer);
    train::TrainResult result = trainer.run({});
    const auto metadata = job.model->metadata();
    EXPECT_EQ(task->load(metadata, "model")->metadata(), metadata);
    return result;
  }
  std::vector<std::string> answers(const std::vector<std::string>& lines, const PredictOptions& options = {}) {
    std::vector<std::string> texts;
    for (const Prediction& p : job.model->predict(lines, options)) texts.push_back(p.hypotheses.front().text);
    return texts;
  }

  /// Names, shapes and bytes of all weights.
  std::string weights() const {
    std::string text;
    for (const nn::NamedParameter& p : job.model->module().parameters()) {
      text += p.name + p.var.value().shape().str();
      text.append(static_cast<const char*>(p.var.value().raw()), static_cast<size_t>(p.var.value().nbytes()));
    }
    return text;
  }

  std::unique_ptr<Task> task;
  OptionTable table;
  TrainingJob job;
  std::string said;
};

inline Settings small_settings() {
  return {{"hidden_size", "16"}, {"embedding_size", "8"}, {"batch_size", "16"}, {"max_steps", "4"}, {"dropout", "0.1"}};
}

}  // namespace carousel::tasks
