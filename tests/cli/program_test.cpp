// The program from outside: words in, text and exit codes out.
#include "apps/cli/program.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "apps/cli/tree.h"
#include "carousel/base/rng.h"
#include "carousel/tensor/archive.h"
#include "tests/support/pack.h"
#include "tests/support/run_program.h"

namespace carousel::cli {
namespace program_test {

using carousel::testing::content_of;
using carousel::testing::Ran;
using carousel::testing::run;
using carousel::testing::Running;
using carousel::testing::TempDir;

struct Refusal {
  std::vector<std::string> arguments;
  int code;
  std::string text;
};

TEST(Program, WrongUsageEndsWithTwoAndTheNearestName) {
  const std::vector<Refusal> refusals = {
      {{"trian"}, 2, "carousel: [carousel] there is no command \"trian\". Did you mean \"train\"?\n"},
      {{"xyzzy"}, 2, "carousel: [carousel] there is no command \"xyzzy\". See `carousel --help`.\n"},
      {{"train", "a", "-o", "m", "--epocs", "3"},
       2,
       "carousel: [carousel train] there is no option \"--epocs\". Did you mean \"--epochs\"?\n"},
      {{"train", "a"}, 2, "carousel: [carousel train] --output is required. See `carousel train --help`.\n"},
      {{"data", "chek"}, 2, "carousel: [carousel data] there is no command \"chek\". Did you mean \"check\"?\n"},
      {{"info", "m", "more"},
       2,
       "carousel: [carousel info] there is no argument \"more\". See `carousel info --help`.\n"},
      {{"predict", "m", "--nbest", "0"},
       2,
       "carousel: [--nbest] nbest must be an integer from 1 to 1024; got \"0\". It means: Answers per line, "
       "best first, with probabilities.\n"},
      {{"train", "a", "-o", "m", "--set", "foo"},
       2,
       "carousel: [--set] an assignment is key=value; got \"foo\". See `carousel config dump`.\n"},
      {{"inspect", "m", "a", "b", "--png", "p"},
       2,
       "carousel: [--png] one picture shows one input; got 2 inputs. Call it once for each.\n"},
      {{"train", "a", "-o", "m", "--epochs", ""},
       2,
       "carousel: [carousel train] --epochs: a value is needed; got an empty one. See `carousel train --help`.\n"},
      {{"data", "split", "a", "--train", "b", "--test", "./b"},
       2,
       "carousel: [data split] --train and --test must be two files; got b for both. Name another.\n"},
      {{"data", "split", "a", "--train", "b", "--test", "./a"},
       2,
       "carousel: [data split] a part must not overwrite the data; got ./a for both. Name another file.\n"},
      {{"train", "a", "b", "c", "-o", "m"},
       2,
       "carousel: [carousel train] DATA: at most 2 required but got 3. See `carousel train --help`.\n"},
      {{"train", "", "-o", "m"}, 2, "carousel: [data] a file needs a name; got an empty one. Name the file.\n"},
      {{"demo", "revers"}, 2, "carousel: [demo] there is no demo \"revers\". Did you mean \"reverse\"?\n"},
  };
  for (const Refusal& refusal : refusals) {
    const Ran ran = run(refusal.arguments);
    EXPECT_EQ(ran.code, refusal.code) << ran.err;
    EXPECT_EQ(ran.err, refusal.text);
    EXPECT_EQ(ran.out, "");
  }
}

TEST(Program, UnknownOptionKeyOffersTheNearest) {
  const TempDir dir;
  const std::string data = dir.write("a.tsv", "ab\tba\ncd\tdc\nef\tfe\n");
  const Ran ran = run({"train", data, "-o", dir.file("m"), "--set", "lerning_rate=1"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("[--set] no option is called \"lerning_rate\". Did you mean \"learning_rate\"?"),
            std::string::npos)
      << ran.err;
}

TEST(Program, BadFilesHaveTheirOwnCodes) {
  const TempDir dir;
  EXPECT_EQ(run({"train", dir.file("none"), "-o", dir.file("m")}).code, 3);
  EXPECT_EQ(run({"train", dir.write("empty", ""), "-o", dir.file("m")}).code, 3);
  EXPECT_EQ(run({"data", "check", dir.write("three", "a\tb\tc\n")}).code, 3);
  EXPECT_EQ(run({"info", dir.write("no_model", "this is no model file")}).code, 4);
  const Ran none = run({"predict", dir.file("none")});
  EXPECT_EQ(none.code, 4);
  EXPECT_EQ(none.err,
            "carousel: " + dir.file("none") +
                ": [archive] the model file must be readable; got: No such file or directory. Check the path, "
                "or write the file with `carousel train -o`.\n");
  const std::string single = dir.write("single.tsv", "a\tx\na\ty\n");
  EXPECT_EQ(run({"train", single, "-o", dir.file("m")}).code, 3);
  EXPECT_EQ(run({"data", "check", single}).code, 3) << "the check refuses what training refuses";
}

TEST(Program, OptionsAreCheckedBeforeDataIsRead) {
  const TempDir dir;
  const Ran ran = run({"train", dir.file("none"), "-o", dir.file("m"), "--set", "hidden_size=none"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err.rfind("carousel: [--set] hidden_size must be ", 0), 0u) << ran.err;
}

TEST(Program, DemoKeepsFilesThatAreNotItsOwn) {
  const TempDir dir;
  const std::string mine = dir.write("reverse.tsv", "my\town\n");
  const Ran ran = run({"demo", "reverse", "--folder", dir.path()});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "carousel: [demo] " + mine +
                         " must not exist or be of an earlier demo; got a file with other content. Name another folder "
                         "with --folder, or move the file away.\n");
  EXPECT_EQ(content_of(mine), "my\town\n");
}

TEST(Program, LostMessagesEndNothing) {
  for (const char* where : {"2>&-", "2>/dev/full", "2> >(exit)"}) {
    const std::string command = std::string(CAROUSEL_PROGRAM) + " trian " + where;
    const int status = std::system(("bash -c '" + command + "'").c_str());
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 2) << where;
  }
}

TEST(Program, ClosedStdoutIsAnErrorOfResources) {
  const int status = std::system(("bash -c '" + std::string(CAROUSEL_PROGRAM) + " --version 2>/dev/null >&-'").c_str());
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 6);
}

TEST(Program, HelpShowsExamplesFirstForEveryCommand) {
  Program program({"carousel"});
  for (const CommandNode& node : command_nodes(program.app())) {
    std::vector<std::string> words;
    std::istringstream parts(node.words);
    for (std::string word; parts >> word;) words.push_back(word);
    words.push_back("--help");
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.err, "");
    const size_t examples = ran.out.find("\nExamples:\n"), usage = ran.out.find("\nUsage: carousel " + node.words);
    EXPECT_NE(usage, std::string::npos) << ran.out;
    EXPECT_LT(examples, usage) << ran.out;
  }
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"--version"}).out.rfind("carousel 0.", 0), 0u);
}

/// Every command, flag and option key is in `text`; `flag_form` rewrites a flag as that format does.
void expect_all_names(const std::string& text, const std::function<std::string(const std::string&)>& flag_form,
                      const std::string& format) {
  Program program({"carousel"});
  for (const CommandNode& node : command_nodes(program.app())) {
    const std::string last = node.words.substr(node.words.rfind(' ') + 1);
    EXPECT_NE(text.find(last), std::string::npos) << node.words << " in " << format;
    for (const FlagText& flag : node.flags) {
      EXPECT_NE(text.find(flag_form(flag.name)), std::string::npos)
          << node.words << " " << flag.name << " in " << format;
    }
  }
  const std::vector<Option> options = all_options();
  EXPECT_GT(options.size(), 20u);
  for (const Option& option : options) {
    EXPECT_NE(text.find(option.name), std::string::npos) << option.name << " in " << format;
  }
}

TEST(Program, ManualAndCompletionsMissNothing) {
  const auto as_is = [](const std::string& flag) { return flag; };
  const auto for_roff = [](const std::string& flag) {
    std::string text;
    for (const char c : flag) text += c == '-' ? std::string("\\-") : std::string(1, c);
    return text;
  };
  const auto for_fish = [](const std::string& flag) { return "-l " + flag.substr(2); };
  expect_all_names(run({"completion", "bash"}).out, as_is, "bash");
  expect_all_names(run({"completion", "zsh"}).out, as_is, "zsh");
  expect_all_names(run({"completion", "fish"}).out, for_fish, "fish");
  expect_all_names(run({"man"}).out, for_roff, "man");
}

TEST(Program, CompletionForBashCompletes) {
  const TempDir dir;
  const std::string script = dir.write("c.bash", run({"completion", "bash"}).out);
  const auto complete = [&](const std::string& words) {
    const std::string command = "bash -c 'source " + script + "; compopt() { :; }; COMP_WORDS=(" + words +
                                "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _carousel; echo ${COMPREPLY[*]}' >" +
                                dir.file("answer");
    EXPECT_EQ(std::system(command.c_str()), 0);
    return content_of(dir.file("answer"));
  };
  EXPECT_EQ(complete("carousel tr"), "train\n");
  EXPECT_EQ(complete("carousel train --ep"), "--epochs\n");
  EXPECT_EQ(complete("carousel train x --set learning_r"), "learning_rate=\n");
  EXPECT_EQ(complete("carousel data ch"), "check\n");
  EXPECT_EQ(complete("carousel data split --sh"), "--share\n");
}

TEST(Program, ConfigDumpIsATomlFileThatTrainReads) {
  const TempDir dir;
  const Ran dump = run({"config", "dump"});
  EXPECT_EQ(dump.code, 0);
  std::string active;  // every row as a setting: the defaults must be values that the table accepts
  std::istringstream lines(dump.out);
  for (std::string line; std::getline(lines, line);) {
    const bool is_row = line.rfind("# ", 0) == 0 && line.find(" = ") != std::string::npos;
    active += (is_row ? line.substr(2) : line) + "\n";
  }
  const std::string config = dir.write("run.toml", active);
  const std::string data = dir.write("bad.tsv", "only one column\n");
  const Ran ran = run({"train", data, "-o", dir.file("m"), "--task", "transduce", "--config", config});
  EXPECT_EQ(ran.code, 3) << ran.err;  // the options passed; the data did not
}

/// A small model, trained once for all tests that only use it.
class Model : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    std::string text;
    Rng rng(1, 0);
    for (int i = 0; i < 300; ++i) {
      std::string letters;
      for (uint64_t n = 1 + rng.below(4); n > 0; --n) letters += static_cast<char>('a' + rng.below(5));
      text += letters + "\t" + std::string(letters.rbegin(), letters.rend()) + "\n";
    }
    dir_->write("pairs.tsv", text);
    trained_ = new Ran(run(train_words("model.safetensors", "2")));
  }
  static void TearDownTestSuite() {
    delete dir_;
    delete trained_;
  }
  static std::vector<std::string> train_words(const std::string& model, const std::string& epochs) {
    return {"train", data(),           "-o",    dir_->file(model),  "--epochs", epochs, "--seed", "3",
            "--set", "hidden_size=16", "--set", "embedding_size=8", "--json"};
  }
  static std::string data() { return dir_->file("pairs.tsv"); }
  static std::string model() { return dir_->file("model.safetensors"); }

  static TempDir* dir_;
  static Ran* trained_;
};

TempDir* Model::dir_ = nullptr;
Ran* Model::trained_ = nullptr;

TEST_F(Model, TrainPrintsOneJsonObjectAndSpeaksOnStderr) {
  ASSERT_EQ(trained_->code, 0) << trained_->err;
  const auto json = nlohmann::json::parse(trained_->out);
  EXPECT_EQ(json["schema"], "carousel/train@1");
  EXPECT_EQ(json["outcome"], "finished");
  EXPECT_EQ(json["model"], model());
  EXPECT_GT(json["steps"], 0);
  EXPECT_NE(trained_->err.find("\nnext:\n"), std::string::npos);
  // The score of a rule beside it, under the same names.
  EXPECT_TRUE(json["baseline"].contains(json["metric"].get<std::string>())) << json["baseline"];
  EXPECT_EQ(json["baseline_name"], "most probable symbol for symbol (IBM model 1)");
  EXPECT_NE(trained_->err.find("(most probable symbol for symbol (IBM model 1))"), std::string::npos) << trained_->err;
}

TEST_F(Model, TrainSaysWhenARuleIsAsGood) {
  auto words = train_words("hasty.safetensors", "1");
  words.insert(words.end(), {"--set", "max_steps=1"});
  const Ran ran = run(words);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("warning: the model is not better than the baseline on dev"), std::string::npos) << ran.err;
}

TEST_F(Model, OptionsOfOtherTasksAreNamedAsTheirs) {
  auto words = train_words("other.safetensors", "1");
  words.insert(words.end(), {"--horizon", "5"});
  const Ran ran = run(words);
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(
      ran.err.find("[--horizon] horizon is an option of forecast; got it for transduce. Leave it out, or say what "
                   "to learn with --task."),
      std::string::npos)
      << ran.err;
}

TEST_F(Model, TrainWarnsOfDevDataThatTrainingHasToo) {
  EXPECT_EQ(trained_->err.find("training data too"), std::string::npos);
  auto words = train_words("leaky.safetensors", "1");
  words.insert(words.begin() + 2, {"--dev", data()});
  const Ran ran = run(words);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("warning: 300 dev examples are in the training data too, so their score means nothing: "),
            std::string::npos)
      << ran.err;
  words.insert(words.end(), {"--set", "format=tsv"});
  EXPECT_EQ(run(words).err.find("training data too"), std::string::npos)
      << "whoever says how to read it is not second-guessed";
}

TEST_F(Model, TrainAgainWithResumeSaysItIsFinished) {
  auto words = train_words("model.safetensors", "2");
  words.push_back("--resume");
  const Ran ran = run(words);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(nlohmann::json::parse(ran.out)["outcome"], "already_finished");
  EXPECT_EQ(ran.err, model() + " is finished: nothing to resume. To start over, train without resume\n");
}

TEST_F(Model, EvalPrintsTheFixedObject) {
  const Ran ran = run({"eval", model(), data(), "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["schema"], "carousel/eval@1");
  EXPECT_EQ(json["task"], "transduce");
  for (const char* key : {"sequence_error_rate", "token_error_rate"}) {
    EXPECT_GE(json["metrics"][key].get<double>(), 0.0);
    EXPECT_GE(json["baseline"][key].get<double>(), 0.0);
  }
  EXPECT_GT(json["examples"], 0);
  const Ran text = run({"eval", model(), data()});
  EXPECT_NE(text.out.find("sequence error rate"), std::string::npos) << text.out;
}

TEST_F(Model, PredictGivesOneLinePerLine) {
  const Ran ran = run({"predict", model()}, "ab\n\nc\r\nZ\xc3\xa9\nno end");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 5);
  EXPECT_EQ(run({"predict", model(), dir_->write("empty", "")}).out, "");
  EXPECT_EQ(run({"predict", model(), dir_->file("none")}).code, 3);
}

TEST_F(Model, PredictAnswersTheLinesBeforeABadOne) {
  const Ran ran = run({"predict", model()}, "ab\nc\nx\xFFy\nd\n");
  EXPECT_EQ(ran.code, 3);
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 2);
  EXPECT_EQ(ran.err.rfind("carousel: (standard input):3:2: [data] text must be UTF-8; got byte 0xFF.", 0), 0u)
      << ran.err;
  EXPECT_EQ(run({"inspect", model(), "x\xFFy"}).code, 3);
}

TEST_F(Model, PredictReadsCompressedFilesAndPipes) {
  const std::string plain = dir_->write("inputs", "ab\nc\ndcba\n");
  ASSERT_EQ(std::system(("gzip -kf " + plain).c_str()), 0);
  const std::string expected = run({"predict", model(), plain}).out;
  EXPECT_EQ(run({"predict", model(), plain + ".gz"}).out, expected);
  EXPECT_EQ(run({"predict", model()}, content_of(plain + ".gz")).out, expected);
  const std::string whole = content_of(plain + ".gz");
  const Ran half = run({"predict", model()}, whole.substr(0, whole.size() / 2));
  EXPECT_EQ(half.code, 3);
  EXPECT_NE(half.err.find("(standard input): [predict] gzip data must be whole; got: the end in the middle."),
            std::string::npos)
      << half.err;
  EXPECT_EQ(run({"predict", model()}, carousel::testing::zstd(content_of(plain))).out, expected);
}

TEST_F(Model, PredictOnTrainingDataGivesAHint) {
  const std::string hint = "note: the lines have two columns with a tab between";
  const Ran pairs = run({"predict", model()}, "ab\tba\ncd\tdc\n");
  EXPECT_EQ(pairs.code, 0);
  EXPECT_NE(pairs.err.find(hint), std::string::npos) << pairs.err;
  EXPECT_EQ(run({"predict", model()}, "ab\ncd\tdc\n").err.find(hint), std::string::npos);
}

TEST_F(Model, ALineThatIsTooLongGetsAnErrorAndAnEmptyAnswer) {
  const Ran ran = run({"predict", model()}, "ab\n" + std::string(5000, 'a') + "\nab\n");
  EXPECT_EQ(ran.code, 3);
  const std::string answer = run({"predict", model()}, "ab\n").out;
  EXPECT_EQ(ran.out, answer + "\n" + answer) << "one line per line all the same";
  EXPECT_EQ(ran.err,
            "(standard input):2: [predict] an input may have at most 1000 symbols (max_length); got 5000. Cut it into "
            "shorter ones, or train with a larger max_length.\n");
  const Ran json = run({"predict", model(), "--json"}, std::string(5000, 'a') + "\n");
  EXPECT_NE(nlohmann::json::parse(json.out)["error"].get<std::string>().find("(max_length)"), std::string::npos);
}

TEST_F(Model, WeightsThatOverflowAreABadModelFile) {
  Archive archive = read_archive(model());
  for (NamedTensor& t : archive.tensors)
    if (t.name == "output.weight") t.tensor.fill(3e38);
  const std::string huge = dir_->file("huge.safetensors");
  write_archive(huge, archive);
  const std::string text = "carousel: " + huge +
                           ": [model] the weights must give probabilities; got none for this input: they are too large "
                           "or damaged. Fetch the file again, or train again with a lower learning_rate.\n";
  const Ran ran = run({"predict", huge}, "ab\n");
  EXPECT_EQ(ran.code, 4);
  EXPECT_EQ(ran.err, text);
  EXPECT_EQ(run({"eval", huge, data()}).err, text);
  EXPECT_EQ(run({"inspect", huge, "ab"}).code, 4);
}

TEST_F(Model, PredictIsTheSameInOneBatchAndLineByLine) {
  std::string all;
  for (const char* line : {"ab", "c", "dcba", "eeee"}) all += run({"predict", model()}, std::string(line) + "\n").out;
  EXPECT_EQ(run({"predict", model()}, "ab\nc\ndcba\neeee\n").out, all);
}

TEST_F(Model, PredictGivesAnswersWithProbabilities) {
  const Ran text = run({"predict", model(), "--beam", "4", "--nbest", "2"}, "ab\n");
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(std::count(text.out.begin(), text.out.end(), '\n'), 2);
  EXPECT_EQ(text.out.rfind("ab\t", 0), 0u);
  const Ran ran = run({"predict", model(), "--nbest", "2", "--json"}, "ab\nqq\n");
  std::istringstream lines(ran.out);
  std::string first, second;
  std::getline(lines, first);
  std::getline(lines, second);
  const auto json = nlohmann::json::parse(first);
  EXPECT_EQ(json["schema"], "carousel/predict@1");
  EXPECT_EQ(json["input"], "ab");
  ASSERT_EQ(json["hypotheses"].size(), 2u);
  EXPECT_GE(json["hypotheses"][0]["probability"], json["hypotheses"][1]["probability"]);
  EXPECT_LE(json["hypotheses"][0]["probability"].get<double>(), 1.0);
  EXPECT_TRUE(json["in_training"].is_boolean());
  EXPECT_FALSE(nlohmann::json::parse(second)["notes"].empty());  // q was never seen
}

TEST_F(Model, InspectShowsTheMapInThreeForms) {
  const Ran text = run({"inspect", model(), "abc"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("rows: output, columns: input"), std::string::npos);
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos);  // no terminal, no colours
  const Ran ran = run({"inspect", model(), "abc", "--json", "--png", dir_->file("map.png")});
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["schema"], "carousel/inspect@1");
  ASSERT_EQ(json["attention"].size(), json["target"].size());
  for (const auto& row : json["attention"]) {
    double sum = 0;
    ASSERT_EQ(row.size(), json["source"].size());
    for (const auto& weight : row) sum += weight.get<double>();
    EXPECT_NEAR(sum, 1.0, 1e-4);
  }
  EXPECT_EQ(content_of(dir_->file("map.png")).substr(0, 8), "\x89PNG\r\n\x1a\n");
}

TEST_F(Model, InspectShowsGatesInAllForms) {
  const Ran table = run({"inspect", model(), "abc", "--gates"});
  ASSERT_EQ(table.code, 0) << table.err;
  for (const char* row : {"encoder.0 ", "encoder.0.reverse", "decoder", "forget_gate", "saturated"})
    EXPECT_NE(table.out.find(row), std::string::npos) << row << "\n" << table.out;
  const std::string csv = dir_->file("gates.csv"), npy = dir_->file("gates.npy"), png = dir_->file("gates.png");
  const Ran one = run({"inspect", model(), "abc", "--gates", "--layer", "encoder.0", "--gate", "forget_gate", "--csv",
                       csv, "--npy", npy, "--png", png});
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_NE(one.out.find("encoder.0 forget_gate\n"), std::string::npos) << one.out;
  const std::string lines = content_of(csv);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1 + 3 * 16);
  EXPECT_EQ(content_of(npy).substr(0, 6), "\x93NUMPY");
  EXPECT_EQ(content_of(png).substr(0, 8), "\x89PNG\r\n\x1a\n");
  const auto json = nlohmann::json::parse(run({"inspect", model(), "abc", "--gates", "--json"}).out);
  EXPECT_EQ(json["schema"], "carousel/gates@1");
  for (const auto& series : json["series"]) EXPECT_EQ(series["values"].size(), series["tokens"].size());
  const std::string folder = dir_->file("arrays");
  ASSERT_EQ(run({"inspect", model(), "abc", "--gates", "--npy", folder}).code, 0);
  EXPECT_EQ(content_of(folder + "/encoder.0.reverse.c.npy").substr(0, 6), "\x93NUMPY");
}

TEST_F(Model, FlagsOfGatesAreRefusedWhereTheyMeanNothing) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> refusals = {
      {{"--csv", "f"}, "carousel: [--csv] it belongs to --gates; got it alone. Add --gates.\n"},
      {{"--layer", "decoder"}, "carousel: [--layer] it belongs to --gates; got it alone. Add --gates.\n"},
      {{"b", "--gates", "--npy", "f"},
       "carousel: [--npy] one file holds one input; got 2 inputs. Call it once for each.\n"},
      {{"--gates", "--npy", "f.npy"},
       "carousel: [--npy] one file holds one gate of one layer; got 18 of them. Choose with --layer and --gate, or "
       "name a "
       "folder.\n"},
      {{"--gates", "--png", "f"},
       "carousel: [--png] one picture shows one gate of one layer; got 18 of them. Choose with --layer and --gate; "
       "without "
       "--png there is a table of all.\n"}};
  for (const auto& [flags, text] : refusals) {
    std::vector<std::string> words = {"inspect", model(), "a"};
    words.insert(words.end(), flags.begin(), flags.end());
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.err, text);
  }
}

TEST_F(Model, LengthPenaltyReachesInspect) {
  EXPECT_EQ(run({"inspect", model(), "abc", "--length-penalty", "-1"}).err,
            "carousel: [--length-penalty] length_penalty must be a number from 0 to 10, or auto; got \"-1\". It means: "
            "Exponent of the length penalty; 0 ranks by probability. Default: the model's.\n");
  const auto output = [&](const char* penalty) {
    return run({"inspect", model(), "abc", "--beam", "8", "--nbest", "8", "--length-penalty", penalty, "--json"}).out;
  };
  EXPECT_NE(output("0"), output("10"));
}

TEST_F(Model, CoveragePenaltyReachesPredict) {
  EXPECT_EQ(run({"predict", model(), "--coverage-penalty", "-1"}, "a\n").err,
            "carousel: [--coverage-penalty] coverage_penalty must be a number from 0 to 100, or auto; got \"-1\". It "
            "means: Weight with which answers rank lower that do not look at all of the input; 0: off. Default: the "
            "model's.\n");
  const auto output = [&](const char* penalty) {
    return run({"predict", model(), "--nbest", "8", "--coverage-penalty", penalty}, "abcab\n").out;
  };
  EXPECT_NE(output("0"), output("50"));
}

TEST_F(Model, LeastLengthAndRepetitionReachPredict) {
  const auto answer = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> words = {"predict", model()};
    words.insert(words.end(), flags.begin(), flags.end());
    std::string out = run(words, "abcab\n").out;
    EXPECT_FALSE(out.empty());
    out.pop_back();  // the line end
    return out;
  };
  EXPECT_GE(answer({"--min-length", "14"}).size(), 14u);
  const std::string once = answer({"--min-length", "6", "--no-repeat-ngram", "1"});
  EXPECT_EQ(std::set<char>(once.begin(), once.end()).size(), once.size()) << once;
  EXPECT_EQ(
      run({"predict", model(), "--min-length", "-2"}, "a\n").err,
      "carousel: [--min-length] min_length must be an integer from 0 to 1000000, or auto; got \"-2\". It means: Least "
      "symbols of an answer. Default: the model's.\n");
  EXPECT_EQ(run({"predict", model(), "--no-repeat-ngram", "x"}, "a\n").err,
            "carousel: [--no-repeat-ngram] no_repeat_ngram must be an integer from 0 to 1000, or auto; got \"x\". It "
            "means: No sequence of N symbols comes twice in an answer; 0: any may. Default: the model's.\n");
}

TEST_F(Model, ATableIsAnsweredByItsColumn) {
  const std::string lines = run({"predict", model()}, "ab\ncd\n").out;
  EXPECT_EQ(run({"predict", model(), dir_->write("t.csv", "id,source\n1,ab\n2,cd\n")}).out, lines);
  EXPECT_EQ(run({"predict", model(), dir_->write("t.jsonl", "{\"source\": \"ab\"}\n{\"source\": \"cd\"}\n")}).out,
            lines);
}

TEST_F(Model, MostSymbolsReachPredict) {
  const std::string free = run({"predict", model(), "--min-length", "14"}, "abcab\n").out;
  const std::string cut = run({"predict", model(), "--max-output", "2"}, "abcabcabc\n").out;
  EXPECT_GE(free.size(), 15u);
  EXPECT_LE(cut.size(), 3u) << cut;
  EXPECT_EQ(run({"predict", model(), "--max-output", "0"}, "a\n").code, 2);
}

TEST_F(Model, InfoListsTensorsAndParameters) {
  const auto json = nlohmann::json::parse(run({"info", model(), "--json"}).out);
  EXPECT_EQ(json["schema"], "carousel/info@1");
  int64_t total = 0;
  for (const auto& shape : json["tensors"]) {
    int64_t size = 1;
    for (const auto& side : shape) size *= side.get<int64_t>();
    total += size;
  }
  EXPECT_EQ(total, json["parameters"].get<int64_t>());
  const std::string text = run({"info", model()}).out;
  EXPECT_NE(text.find("parameters"), std::string::npos);
  // All lines of the table are in the object too.
  const std::string cell = json["rows"]["cell"];
  EXPECT_EQ(cell.rfind("i = sigmoid(", 0), 0u);
  EXPECT_NE(cell.find("\nh' = o * tanh(c')"), std::string::npos) << cell;
  EXPECT_FALSE(json["rows"].contains(""));
  const std::string dropout = json["rows"]["dropout"];
  EXPECT_NE(dropout.find(" on embeddings, encoder states and readout"), std::string::npos) << dropout;
}

TEST_F(Model, ClosedPipeIsAQuietEnd) {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "ab\n";
  const std::string command = std::string(CAROUSEL_PROGRAM) + " predict " + model() + " " + dir_->write("many", lines) +
                              " 2>" + dir_->file("err") + " | head -n 1 >" + dir_->file("out") +
                              "; exit ${PIPESTATUS[0]}";
  EXPECT_EQ(std::system(("bash -c '" + command + "'").c_str()), 0);
  EXPECT_EQ(content_of(dir_->file("err")), "");
}

TEST_F(Model, FullDiskBehindStdoutIsAnErrorOfResources) {
  const TempDir dir;
  const Running running(dir, {"predict", model()}, "ab\n", "/dev/full");
  EXPECT_EQ(running.wait(), 6);
  EXPECT_EQ(running.err(),
            "carousel: [stdout] all output must be written; got: No space left on device. Free space or write "
            "elsewhere.\n");
}

TEST_F(Model, InterruptSavesAndPrintsTheCommandToResume) {
  const TempDir dir;
  auto words = train_words("interrupted.safetensors", "100000");
  for (const int number : {SIGINT, SIGTERM}) {
    const Running running(dir, words);
    ASSERT_TRUE(running.wait_for("epoch")) << running.err();
    running.signal(number);
    EXPECT_EQ(running.wait(), 128 + number) << running.err();
    EXPECT_NE(running.err().find("To go on:\n  "), std::string::npos) << running.err();
    const auto json = nlohmann::json::parse(running.out());
    EXPECT_EQ(json["outcome"], "interrupted");
    const std::string command = json["resume_command"];
    EXPECT_EQ(command.substr(command.size() - 9), " --resume");
    EXPECT_FALSE(content_of(json["checkpoint"]).empty());
    words.push_back("--resume");  // the second round goes on from the first
  }
}

TEST_F(Model, SecondInterruptStopsAtOnceButIsNoSignalDeath) {
  const TempDir dir;
  const Running running(dir, train_words("twice.safetensors", "100000"));
  ASSERT_TRUE(running.wait_for("epoch")) << running.err();
  for (int i = 0; i < 50; ++i) running.signal(SIGINT);
  EXPECT_EQ(running.wait(), 130) << running.err();
}

}  // namespace program_test
}  // namespace carousel::cli
