// The task `classify` for sequences of numeric frames, from file to answers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "carousel/base/error.h"
#include "carousel/tasks/frames_model.h"
#include "tests/support/sound.h"
#include "tests/tasks/frame_options.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace frames_test {

/// Two dimensions that rise or fall with noise: means say nothing, the order does.
std::string series(int64_t count, uint64_t seed) {
  Rng rng(seed, 0);
  std::string text = "@classLabel true down up\n@data\n";
  for (int64_t i = 0; i < count; ++i) {
    const bool up = i % 2 == 0;
    const int64_t length = 8 + static_cast<int64_t>(rng.below(5));
    for (int d = 0; d < 2; ++d) {
      for (int64_t t = 0; t < length; ++t) {
        const double x = 2.0 * static_cast<double>(t) / static_cast<double>(length - 1) - 1;
        text += fmt::format("{}{:.3f}", t > 0 ? "," : "", (up ? x : -x) + 0.3 * static_cast<double>(rng.normal()));
      }
      text += ':';
    }
    text += up ? "up\n" : "down\n";
  }
  return text;
}

Settings settings_of(const Settings& more = {}) {
  Settings s = {{"hidden_size", "8"}, {"embedding_size", "6"}, {"batch_size", "8"},
                {"max_steps", "4"},   {"members", "1"},        {"feature_mask_share", "0.5"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

Settings long_settings(const Settings& more = {}) {
  Settings s = settings_of({{"max_steps", "80"}, {"learning_rate", "0.02"}});
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

TEST(FramesTask, LearnsOrderAndAnswersFiles) {
  const testing::TempDir dir;
  const std::string file = dir.write("toy.ts", series(80, 1)), test = dir.write("test.ts", series(40, 2));
  EXPECT_EQ(decide_task({file}).first, "classify");
  ToyRun run(file, long_settings(), {}, "classify");
  EXPECT_NE(run.said.find("dev: 8 of 80 sequences cut from the data by seed 1, the same share of each label"),
            std::string::npos)
      << run.said;
  EXPECT_NE(run.said.find("frames: 2 numbers, 10 steps on average, scaling = training"), std::string::npos) << run.said;
  run.train();
  const EvalReport report = run.job.model->evaluate({test}, {});
  EXPECT_EQ(report.examples, 40);
  EXPECT_GT(report.metrics.at("accuracy"), 0.9);
  EXPECT_LT(report.baseline.at("accuracy"), 0.6);
  EXPECT_TRUE(report.metrics.contains("macro_f1") && report.metrics.contains("expected_calibration_error"));
  EXPECT_NE(report.notes.front().find("the nearest mean of each column's mean and deviation reaches accuracy 0."),
            std::string::npos)
      << report.notes.front();
  PredictOptions options;
  options.nbest = 2;
  const FileAnswer answer = run.job.model->predict_file(test, options);
  EXPECT_EQ(answer.columns, (std::vector<std::string>{"input", "label", "probability"}));
  ASSERT_EQ(answer.rows.size(), 80u);
  EXPECT_EQ(std::get<std::string>(answer.rows[0][0]), "series 1");
  EXPECT_NEAR(std::get<double>(answer.rows[0][2]) + std::get<double>(answer.rows[1][2]), 1, 1e-9);
}

TEST(FramesTask, FewSequencesAreLearntFromByMembersThatHoldOutAnotherPart) {
  const testing::TempDir dir;
  ToyRun run(dir.write("toy.ts", series(30, 1)), long_settings({{"members", "auto"}}), {}, "classify");
  EXPECT_NE(run.said.find("dev: 5 networks, each of which learns from all but its own part of the 30 sequences"),
            std::string::npos)
      << run.said;
  auto& model = dynamic_cast<FrameModel&>(*run.job.model);
  EXPECT_EQ(model.members(), 5);
  EXPECT_EQ(run.job.dev_examples, 30);
  const train::TrainResult result = run.train();
  EXPECT_GT(result.best.evaluation.value, 0.8);
  EXPECT_EQ(result.best.evaluation.tie_metric, "negative_log_likelihood");
  // The mean of all answers.
  data::FrameExample e{"x", "", "", 0, 0, {0, 0, 1, 1}, 2};
  const std::vector<float> mean = model.logits({&e});
  float sum = 0;
  for (int64_t m = 0; m < 5; ++m) sum += model.member_logits(model.member(m), {&e})[0] / 5;
  EXPECT_NEAR(mean[0], sum, 1e-5);
}

std::string recordings(const testing::TempDir& dir) {
  std::filesystem::create_directories(dir.file("r"));
  for (int i = 0; i < 8; ++i)
    for (const bool high : {false, true}) {
      const char* who = i % 2 == 0 ? "ann" : "bob";
      dir.write(fmt::format("r/{}_{}_{}.wav", high ? "high" : "low", who, i),
                testing::wav(8000, 800 + 100 * i, 16, (high ? 900 : 300) + 10 * i));
    }
  return dir.file("r");
}

TEST(FramesTask, RecordingsNeedNoNamesToBeAnswered) {
  const testing::TempDir dir;
  const std::string folder = recordings(dir);
  ToyRun run(folder, long_settings(), {}, "classify");
  EXPECT_NE(run.said.find("part 1 of their names is the label (2: high, low); if another part is, set label_part: part "
                          "2 has 2 values (ann, bob)"),
            std::string::npos)
      << run.said;
  run.train();
  EXPECT_EQ(run.job.model->evaluate({folder}, {}).metrics.at("accuracy"), 1);
  const std::string one = dir.write("x.wav", testing::wav(16000, 2000, 32, 920)), none = dir.file("none.wav");
  EXPECT_TRUE(run.job.model->reads_names());
  const auto p = run.job.model->predict({one, none}, {});
  EXPECT_EQ(p[0].hypotheses.front().text, "high");
  EXPECT_EQ(p[0].notes, (std::vector<std::string>{"1 recording was brought to 8000 Hz"}));
  EXPECT_TRUE(p[1].hypotheses.empty());
  EXPECT_NE(p[1].error.find("none.wav"), std::string::npos);
  EXPECT_EQ(run.job.model->predict_file(one, {}).rows.size(), 1u);
  // A folder that says no labels.
  std::filesystem::create_directories(dir.file("q"));
  dir.write("q/a.wav", testing::wav(8000, 900, 16, 310));
  EXPECT_EQ(std::get<std::string>(run.job.model->predict_file(dir.file("q"), {}).rows[0][1]), "low");
}

TEST(FramesTask, ShowsGatesAlwaysAndAttentionWhenItPoolsByIt) {
  const testing::TempDir dir;
  const std::string file = dir.write("toy.ts", series(20, 1));
  for (const std::string pooling : {"mean", "attention"}) {
    ToyRun run(file, settings_of({{"pooling", pooling}}), {}, "classify");
    TaskModel& model = *run.job.model;
    const GateTrace trace = model.gates(file, {});
    EXPECT_EQ(trace.input, "series 1");
    PredictOptions search;
    search.min_length = 4;
    EXPECT_THROW(model.gates(file, search), ConfigError);
    EXPECT_THROW(model.inspect(file, search), ConfigError);
    ASSERT_FALSE(trace.series.empty());
    EXPECT_EQ(trace.series[0].tokens[1], "2");
    EXPECT_EQ(trace.series[0].values.size(), trace.series[0].tokens.size() * 8);
    if (pooling == "mean") {
      EXPECT_EQ(model.views(), (std::vector<std::string>{"gates"}));
      EXPECT_THROW(model.inspect(file, {}), UnsupportedError);
    } else {
      const AttentionMap map = model.inspect(file, {});
      float sum = 0;
      for (const float weight : map.weights) sum += weight;
      EXPECT_NEAR(sum, 1, 1e-5);
      EXPECT_EQ(map.source.size(), map.weights.size());
    }
  }
}

std::string outcome(const std::string& file, const Settings& settings) {
  ToyRun run(file, settings, {}, "classify");
  run.train();
  std::string text = run.weights();
  for (const auto& [key, value] : run.job.model->metadata()) text += key + value;
  return text;
}

TEST(FramesTask, EveryOptionOfFramesChangesTheOutcome) {
  const std::map<std::string, Settings> changes = {{"label_part", {{"label_part", "2"}}},
                                                   {"group_part", {{"group_part", "2"}, {"dev_share", "0.5"}}},
                                                   {"features", {{"features", "mfcc"}}},
                                                   {"sample_rate", {{"sample_rate", "6000"}}},
                                                   {"frame_length", {{"frame_length", "30"}}},
                                                   {"frame_step", {{"frame_step", "12"}}},
                                                   {"num_mels", {{"num_mels", "24"}}},
                                                   {"num_cepstra", {{"features", "mfcc"}, {"num_cepstra", "9"}}},
                                                   {"deltas", {{"deltas", "0"}}},
                                                   {"scaling", {{"scaling", "training"}}},
                                                   {"stack_frames", {{"stack_frames", "2"}}},
                                                   {"frame_noise", {{"frame_noise", "0.5"}}},
                                                   {"time_masks", {{"time_masks", "3"}}},
                                                   {"time_mask_share", {{"time_mask_share", "0.9"}}},
                                                   {"feature_masks", {{"feature_masks", "3"}}},
                                                   {"feature_mask_share", {{"feature_mask_share", "0.9"}}},
                                                   {"members", {{"members", "2"}}},
                                                   {"time_stretch", {{"time_stretch", "0.4"}}}};
  const std::map<std::string, Settings> company = {{"group_part", {{"dev_share", "0.5"}}},
                                                   {"num_cepstra", {{"features", "mfcc"}}}};
  const testing::TempDir dir;
  const std::string folder = recordings(dir);
  ASSERT_EQ(outcome(folder, settings_of()), outcome(folder, settings_of()));
  for (const auto& [name, change] : changes) {
    EXPECT_TRUE(is_of_frames(name) || name == "members");
    Settings base = settings_of();
    if (company.contains(name))
      for (const auto& pair : company.at(name)) base.push_back(pair);
    Settings changed = base;
    for (const auto& pair : change) changed.push_back(pair);
    EXPECT_TRUE(outcome(folder, changed) != outcome(folder, base)) << name << " changes nothing";
  }
}

TEST(FramesTask, FramesPutTogetherComeBackFromTheFile) {
  const testing::TempDir dir;
  const std::string file = dir.write("toy.ts", series(80, 1)), test = dir.write("test.ts", series(40, 2));
  ToyRun run(file, long_settings({{"stack_frames", "4"}}), {}, "classify");
  run.train();
  const FrameModel& model = dynamic_cast<FrameModel&>(*run.job.model);
  FrameModel back(load_frame_parts(model.parts().options, model.metadata(), "m"), 1);
  EXPECT_EQ(back.metadata(), model.metadata());
  EXPECT_EQ(back.parts().scaling.width(), 8);
}

TEST(FramesTask, ReadsImagesByRowsOrPixelByPixel) {
  const testing::TempDir dir;
  std::string images("\0\0\x08\x03\0\0\0\x08\0\0\0\x03\0\0\0\x02", 16), labels("\0\0\x08\x01\0\0\0\x08", 8);
  for (int i = 0; i < 8; ++i) {
    for (int k = 0; k < 6; ++k) images += static_cast<char>(30 * k + 5 * i);
    labels += static_cast<char>(i % 2);
  }
  const std::string file = dir.write("toy-images-idx3-ubyte", images);
  dir.write("toy-labels-idx1-ubyte", labels);
  const auto frames = [&](const Settings& more) {
    const ToyRun run(file, settings_of(more), {}, "classify");
    std::string text;
    for (const auto& [name, value] : run.job.model->describe())
      if (name == "frames" || name == "frames in a step") text += value + "; ";
    return text;
  };
  const std::string rows = frames({}), pixels = frames({{"image_frames", "pixels"}}),
                    pairs = frames({{"image_frames", "pixels"}, {"stack_frames", "2"}});
  EXPECT_EQ(rows.rfind("2 numbers", 0), 0u) << rows;
  EXPECT_EQ(pixels.rfind("1 number", 0), 0u) << pixels;
  EXPECT_NE(pairs.find("; 2; "), std::string::npos) << pairs;
  EXPECT_NE(ToyRun(file, settings_of(), {}, "classify").said.find("; their rows are frames"), std::string::npos);
  EXPECT_NE(
      ToyRun(file, settings_of({{"image_frames", "pixels"}}), {}, "classify").said.find("; their pixels are frames"),
      std::string::npos);
  const std::string toy = dir.write("toy.ts", series(12, 1));
  const std::string refused = testing::error_of<ConfigError>([&] {
    ToyRun(toy, settings_of({{"image_frames", "pixels"}}), {}, "classify");
  });
  EXPECT_EQ(refused.rfind("[classify] image_frames says how images in the format of MNIST are read; got image_frames = "
                          "pixels for ",
                          0),
            0u)
      << refused;
}

TEST(FramesTask, OneMemberHasItsNumberInItsNames) {
  const testing::TempDir dir;
  const ToyRun run(dir.write("toy.ts", series(12, 1)), settings_of(), {}, "classify");
  for (const nn::NamedParameter& p : run.job.model->module().parameters())
    EXPECT_EQ(p.name.rfind("member0.", 0), 0u) << p.name << ": files of before must load";
}

TEST(FramesTask, RefusesWhatCannotBeLearntOrRead) {
  const testing::TempDir dir;
  const auto error = [&](const std::string& text) {
    const std::string file = dir.write("t.ts", text);
    try {
      ToyRun(file, settings_of(), {}, "classify");
    } catch (const DataError& e) {
      return std::string(e.what()).substr(file.size());
    }
    return std::string();
  };
  EXPECT_EQ(error("@data\n1,2:a\n3,4:a\n"),
            ": [classify] sequences must have different labels to learn from; got a for all 2 of them. Check the "
            "labels.");
  EXPECT_EQ(error("@data\n1,2:a\n3,4:?\n"),
            ":3:5: [classify] every sequence needs a label; got none for series 2. Give one for each: in the file, in "
            "names, by folders or in a list.");
  ToyRun run(dir.write("u.ts", series(20, 1)), settings_of(), {}, "classify");
  const std::string other = dir.write("v.ts", "@data\n1,2:a\n"), none = dir.write("w.ts", "@data\n1,2:1,2:?\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { run.job.model->predict_file(other, {}); }),
            other +
                ": [classify] frames must have 2 numbers, as those of the training data; got 1. Give data of the same "
                "kind.");
  EXPECT_EQ(testing::error_of<DataError>([&] { run.job.model->evaluate({none}, {}); }),
            none + ":2:9: [eval] every sequence needs a label; got none for series 1. Use predict.");
  const std::string said = dir.write("said.tsv", "a.wav\tone two\nb.wav\tthree four\n");
  EXPECT_EQ(decide_task({said}).first, "transduce") << "texts are no labels";
  PredictOptions search;
  search.beam_size = 4;
  EXPECT_THROW(run.job.model->predict_file(none, search), ConfigError);
}

TEST(FramesTask, DamagedMetadataIsRefused) {
  const testing::TempDir dir;
  ToyRun run(dir.write("t.ts", series(20, 1)), settings_of(), {}, "classify");
  const auto sound = run.job.model->metadata();
  const ClassifyOptions& options = dynamic_cast<FrameModel&>(*run.job.model).parts().options;
  EXPECT_EQ(load_frame_parts(options, sound, "m").scaling.columns(), 2);
  for (const char* bad :
       {R"({"mean":[],"deviation":[],"centroids":[]})", R"({"mean":[0],"deviation":[0],"centroids":[0,0,0,0]})",
        R"({"mean":[0],"deviation":[1],"centroids":[0]})", R"({"mean":[0],"deviation":[1,1],"centroids":[0,0,0,0]})",
        "[]"}) {
    auto metadata = sound;
    metadata["classify.frames"] = bad;
    EXPECT_THROW(load_frame_parts(options, metadata, "m"), FormatError) << bad;
  }
  EXPECT_THROW(load_frame_parts(ClassifyOptions{}, sound, "m"), FormatError) << "options that nobody decided";
}

}  // namespace frames_test
}  // namespace carousel::tasks
