#include "carousel/engine/training.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "carousel/engine/checkpoint.h"
#include "carousel/kernels/table.h"
#include "tests/engine/toy_task.h"
#include "tests/support/temp_dir.h"

namespace carousel::engine {
namespace training_test {

using testing::error_of;
using testing::TempDir;
using Outcome = TrainReport::Outcome;

class Training : public ::testing::Test {
 protected:
  Training() { request.data = {folder.write("words.tsv", "a\tb\n")}, request.output = folder.file("m.safetensors"); }
  void set(const std::string& key, const std::string& value) { request.settings.push_back({key, value, "--set"}); }
  TrainReport train(ToyObserver& observer) {
    ToyTask task;
    return run_training(task, request, observer);
  }
  TrainReport train() {
    ToyObserver observer;
    return train(observer);
  }
  std::string model() const { return read_file(request.output); }
  std::string ckpt() const { return checkpoint_file(request.output); }
  bool exists(const std::string& file) const { return std::filesystem::exists(file); }

  TempDir folder;
  TrainRequest request;
};

TEST_F(Training, WritesAModelThatLoads) {
  set("width", "7");
  const TrainReport report = train();
  EXPECT_EQ(report.outcome, Outcome::finished);
  EXPECT_EQ(report.steps, 55);
  EXPECT_EQ(report.metric, "distance");
  EXPECT_EQ(report.metrics.at("distance"), report.best_value);
  EXPECT_FALSE(exists(ckpt()));
  ToyTask task;
  const Archive archive = read_archive(request.output);
  const auto loaded = load_model(task, archive, request.output);
  EXPECT_EQ(task.width, 7);
  EXPECT_EQ(task.trainer.learning_rate, 0.125) << "the values in force are in the file";
  EXPECT_EQ(task.last_toy->evaluate().value, report.best_value);
  EXPECT_EQ(*archive.text("toy.word"), "hello");
  EXPECT_EQ(*archive.text("carousel.finished"), "true");
  EXPECT_EQ(*archive.text("carousel.task"), "toy");
  EXPECT_NE(archive.find("layer.weight"), nullptr);
}

TEST_F(Training, WritesNothingWhenNotAskedTo) {
  const TrainReport written = train();
  std::filesystem::remove(request.output);
  request.write = false;
  set("checkpoint_every_seconds", "0");
  const TrainReport report = train();
  EXPECT_EQ(report.best_value, written.best_value);
  EXPECT_EQ(report.model_file, "");
  ToyObserver stopping(7);
  EXPECT_EQ(train(stopping).outcome, Outcome::interrupted);
  EXPECT_EQ(train(stopping).checkpoint_file, "");
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    EXPECT_EQ(entry.path().filename(), "words.tsv");
}

TEST_F(Training, EqualRunsWriteEqualBytesWhereverTheyWrite) {
  set("epochs", "3");
  train();
  const std::string first = model();
  request.output = folder.file("other.safetensors");
  set("checkpoint_every_seconds", "0");
  train();
  EXPECT_EQ(model(), first);
  set("seed", "2");
  train();
  EXPECT_NE(model(), first);
}

TEST_F(Training, ResumesToTheSameBytes) {
  train();
  const std::string whole = model();
  std::filesystem::remove(request.output);
  ToyObserver first(7), second(30), third;
  TrainReport report = train(first);
  EXPECT_EQ(report.outcome, Outcome::interrupted);
  EXPECT_EQ(report.checkpoint_file, ckpt());
  EXPECT_TRUE(exists(ckpt()));
  request.resume = true;
  EXPECT_EQ(train(second).outcome, Outcome::interrupted);
  EXPECT_NE(second.heard.find("resuming at step 7\n"), std::string::npos) << second.heard;
  EXPECT_EQ(train(third).outcome, Outcome::finished);
  EXPECT_EQ(model(), whole);
  EXPECT_FALSE(exists(ckpt()));
}

TEST_F(Training, SurvivesBeingKilledAtAnyStep) {
  train();
  const std::string whole = model();
  std::filesystem::remove(request.output);
  request.resume = true;
  set("checkpoint_every_seconds", "0");
  for (const int64_t fatal : {1, 2, 17, 40, 54}) {
    const pid_t child = fork();
    if (child == 0) {
      ToyObserver observer;
      observer.on_progress = [&](const train::Progress& p) {
        if (p.step == fatal) std::raise(SIGKILL);
      };
      train(observer);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  EXPECT_EQ(train().outcome, Outcome::finished);
  EXPECT_EQ(model(), whole);
}

TEST_F(Training, ResumeWithNothingToResumeStartsAfreshAndSaysSo) {
  request.resume = true;
  ToyObserver observer;
  EXPECT_EQ(train(observer).outcome, Outcome::finished);
  EXPECT_NE(observer.heard.find("nothing to resume: there is no " + ckpt() + "; starting afresh"), std::string::npos);
}

TEST_F(Training, ResumeOfAFinishedRunSaysSoAndKeepsTheFile) {
  const TrainReport done = train();
  const std::string bytes = model();
  request.resume = true;
  ToyObserver observer;
  const TrainReport report = train(observer);
  EXPECT_EQ(report.outcome, Outcome::already_finished);
  EXPECT_EQ(report.steps, done.steps);
  EXPECT_EQ(report.best_value, done.best_value);
  EXPECT_EQ(observer.heard, request.output + " is finished: nothing to resume. To start over, train without resume\n")
      << "said once, before the data is read";
  EXPECT_EQ(model(), bytes);
  folder.write("words.tsv", "a\tc\n");
  EXPECT_NE(error_of<ConfigError>([&] { train(); }).find("belongs to a run on other data"), std::string::npos);
}

TEST_F(Training, TheTaskOfAnEarlierRunIsKnownFromItsFiles) {
  EXPECT_EQ(task_of_earlier_run(request.output), "");
  ToyObserver first(7);
  train(first);
  EXPECT_EQ(task_of_earlier_run(request.output), "toy");
  request.resume = true;
  train();
  EXPECT_EQ(task_of_earlier_run(request.output), "toy") << "from the model, since the checkpoint is gone";
}

TEST_F(Training, StartingAfreshOverACheckpointIsSaidAloud) {
  ToyObserver first(9), second;
  train(first);
  EXPECT_EQ(first.heard.find("warning"), std::string::npos);
  train(second);
  EXPECT_NE(second.heard.find("warning: " + ckpt() +
                              " holds an interrupted training; this one starts afresh and will replace it. To go on "
                              "with that one instead, stop now and give --resume\n"),
            std::string::npos)
      << second.heard;
}

TEST_F(Training, ResumeKeepsTheOptionsOfTheRun) {
  set("epochs", "6");
  train();
  const std::string whole = model();
  std::filesystem::remove(request.output);
  ToyObserver first(9);
  train(first);
  request.settings.clear();  // the user need not repeat them
  request.resume = true;
  train();
  EXPECT_EQ(model(), whole);
}

TEST_F(Training, AutomaticPrecisionIsDecidedByTheProcessorAndSaidAloud) {
  set("precision", "auto");
  ToyObserver observer;
  const TrainReport report = train(observer);
  const bool fast = kernels::bf16_is_fast();
  EXPECT_NE(observer.heard.find(fast ? "precision: bf16, because this processor multiplies it twice as fast as f32\n"
                                     : "precision: f32, because this processor multiplies bf16 no faster\n"),
            std::string::npos)
      << observer.heard;
  EXPECT_NE(report.repeat_command.find(fast ? "--set precision=bf16" : "--set precision=f32"), std::string::npos)
      << "whoever repeats the run elsewhere shall get the same; " << report.repeat_command;
}

TEST_F(Training, PrecisionMustHaveAKnownName) {
  set("precision", "fp16");
  EXPECT_EQ(
      testing::error_of<ConfigError>([&] { train(); }),
      "[--set] precision must be one of f32, bf16, auto; got \"fp16\". It means: What training rounds the operands "
      "of matrix products to; bf16 takes half the time where the processor has it, auto takes it there. Weights, "
      "states and scores stay f32.");
}

TEST_F(Training, ResumeRefusesOtherOptionsByName) {
  ToyObserver first(9);
  train(first);
  request.resume = true;
  set("width", "5");
  set("epochs", "20");
  EXPECT_EQ(
      error_of<ConfigError>([&] { train(); }),
      "[train] " + ckpt() +
          " belongs to a run with other options; epochs is auto there and 20 here (--set), width is 3 there and 5 "
          "here (--set). Leave them out, or train to another file.");
}

TEST_F(Training, ResumeRefusesOtherData) {
  ToyObserver first(9);
  train(first);
  request.resume = true;
  folder.write("words.tsv", "a\tc\n");
  const std::string text = error_of<ConfigError>([&] { train(); });
  EXPECT_NE(text.find("m.safetensors.ckpt belongs to a run on other data: its hash is "), std::string::npos) << text;
}

TEST_F(Training, ResumeRefusesAnotherTask) {
  ToyObserver first(9);
  train(first);
  request.resume = true;
  ToyTask task;
  task.the_name = "other";
  EXPECT_EQ(error_of<ConfigError>([&] { run_training(task, request, first); }),
            "[train] " + ckpt() + " belongs to a run of task toy; got task other. Train to another file.");
}

TEST_F(Training, DamagedCheckpointIsNamed) {
  ToyObserver first(9);
  train(first);
  request.resume = true;
  const std::string bytes = read_file(ckpt());
  folder.write("m.safetensors.ckpt", bytes.substr(0, bytes.size() / 2));
  EXPECT_NE(error_of<FormatError>([&] { train(); }).find(ckpt() + ": byte "), std::string::npos);
}

TEST_F(Training, RunBoundedByTimeIsRepeatedByReplay) {
  set("max_seconds", "0.3");
  ToyObserver slow;
  slow.on_progress = [](const train::Progress&) { usleep(3000); };
  const TrainReport report = train(slow);
  const std::string bytes = model();
  EXPECT_NE(report.repeat_command.find("--set replay=" + request.output), std::string::npos) << report.repeat_command;
  EXPECT_NE(read_archive(request.output).text("carousel.schedule"), nullptr);
  const std::string original = request.output;
  request.output = folder.file("again.safetensors");
  request.settings.clear();
  set("replay", original);
  EXPECT_EQ(train().steps, report.steps);
  EXPECT_EQ(model(), bytes);

  std::filesystem::remove(request.output);
  ToyObserver halfway(report.steps / 2);
  EXPECT_EQ(train(halfway).outcome, Outcome::interrupted);
  request.settings.clear();
  request.resume = true;
  EXPECT_EQ(train().outcome, Outcome::finished);
  EXPECT_EQ(model(), bytes);
}

TEST_F(Training, ReplayNeedsAFinishedRunOnTheSameData) {
  ToyObserver first(12);
  train(first);
  const std::string unfinished = request.output;
  request.output = folder.file("again.safetensors");
  set("replay", unfinished);
  EXPECT_EQ(error_of<ConfigError>([&] { train(); }),
            "[train] only a finished run can be repeated; " + unfinished + " was not. Resume it first.");
  request.settings.clear();
  set("replay", folder.file("none"));
  EXPECT_NE(error_of<ConfigError>([&] { train(); }).find("which does not exist"), std::string::npos);
}

TEST_F(Training, DamagedScheduleIsABadModelFile) {
  set("max_seconds", "0.05");
  train();
  const std::string original = request.output;
  request.output = folder.file("again.safetensors");
  request.settings.clear();
  set("replay", original);
  const std::vector<std::pair<std::string, std::string>> damages = {
      {"nonsense",
       ": [schedule] a recorded schedule is rising steps and ticks as numbers, '+' and spaces; got something "
       "else at byte 0 of it. Train without it."},
      {"0+5000",
       ": [schedule] a recorded schedule is rising steps and ticks as numbers, '+' and spaces; got something "
       "else at byte 6 of it. Train without it."},
      {"0+7",
       ": [schedule] the recorded schedule of a finished run must reach its end; got a shorter one. Train without "
       "it."}};
  for (const auto& [schedule, text] : damages) {
    Archive archive = read_archive(original);
    archive.metadata["carousel.schedule"] = schedule;
    write_archive(original, archive);
    EXPECT_EQ(error_of<FormatError>([&] { train(); }), original + text);
  }
}

TEST_F(Training, RunBoundedByEpochsNamesItsSettings) {
  set("epochs", "3");
  set("width", "9");
  const TrainReport report = train();
  EXPECT_NE(report.repeat_command.find("carousel train " + request.data[0] + " -o NEW --task toy --threads "),
            std::string::npos)
      << report.repeat_command;
  EXPECT_NE(report.repeat_command.find(" --set epochs=3 --set width=9"), std::string::npos);
}

TEST_F(Training, SettingsWinOverEnvironmentOverFileOverDefault) {
  request.config_file = folder.write("run.toml", "[model]\nwidth = 11\n[train]\nepochs = 2\nseed = 5\n");
  setenv("CAROUSEL_TRAIN_EPOCHS", "3", 1);
  setenv("CAROUSEL_TRAIN_SEED", "6", 1);
  set("seed", "7");
  ToyTask task;
  ToyObserver observer;
  run_training(task, request, observer);
  unsetenv("CAROUSEL_TRAIN_EPOCHS");
  unsetenv("CAROUSEL_TRAIN_SEED");
  EXPECT_EQ(task.width, 11);
  EXPECT_EQ(task.trainer.epochs, 3);
  EXPECT_EQ(task.trainer.seed, 7);
}

TEST_F(Training, DivergedRunKeepsTheLastGoodModel) {
  ToyTask task;
  task.bad_step = 30;
  ToyObserver observer;
  EXPECT_THROW(run_training(task, request, observer), DivergedError);
  ToyTask loader;
  const Archive archive = read_archive(request.output);
  load_model(loader, archive, request.output);
  EXPECT_EQ(*archive.text("carousel.finished"), "false");
}

TEST_F(Training, RefusesToOverwriteItsData) {
  request.output = request.data[0];
  EXPECT_NE(error_of<ConfigError>([&] { train(); }).find("must not overwrite its data"), std::string::npos);
  request.output.clear();
  EXPECT_NE(error_of<ConfigError>([&] { train(); }).find("a model file to write is needed"), std::string::npos);
}

TEST_F(Training, UnwritableOutputIsFoundBeforeTraining) {
  request.output = folder.file("no/such/folder/m.safetensors");
  ToyTask task;
  ToyObserver observer;
  EXPECT_THROW(run_training(task, request, observer), ResourceError);
  EXPECT_EQ(task.last_toy, nullptr);
}

TEST_F(Training, FullDiskWhileSavingLeavesTheOldFile) {
  const std::string disk = folder.file("disk");
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=32k") != 0) GTEST_SKIP() << "mounting needs root";
  request.output = disk + "/m.safetensors";
  train();
  const std::string before = model();
  folder.write("disk/filler", std::string(20000, 'x'));
  set("seed", "2");
  set("epochs", "400");  // the history in the metadata outgrows what is left
  const std::string text = error_of<ResourceError>([&] { train(); });
  EXPECT_NE(text.find("No space left on device"), std::string::npos) << text;
  ToyTask task;
  load_model(task, read_archive(request.output), request.output);
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(disk)) left.push_back(entry.path().filename().string());
  EXPECT_EQ(left.size(), 2U) << "no temporary file is left";
  ::umount(disk.c_str());
}

TEST_F(Training, NeedsAFileToWriteThatIsNoneOfItsData) {
  const std::string data = request.data.front();
  request.output = data;
  EXPECT_EQ(error_of<ConfigError>([&] { train(); }),
            "[train] the model must not overwrite its data; got " + data + " for both. Name another model file.");
  EXPECT_EQ(read_file(data), "a\tb\n");
  request.output = "";
  EXPECT_EQ(error_of<ConfigError>([&] { train(); }),
            "[train] a model file to write is needed; got none. Name it with -o.");
}

TEST_F(Training, ReplayNamesAModelThatIsThere) {
  const std::string none = folder.file("none.safetensors");
  set("replay", none);
  EXPECT_EQ(error_of<ConfigError>([&] { train(); }),
            "[train] replay must name a model file; got " + none + ", which does not exist. Check the path.");
}

}  // namespace training_test
}  // namespace carousel::engine
