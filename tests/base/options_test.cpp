#include "carousel/base/options.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace options_test {

using testing::error_of;

struct Config {
  int64_t seed = 1;
  double learning_rate = 0;
  bool shuffle = true;
  std::string optimizer = "adam";
  std::vector<int64_t> layers = {2, 3};
  std::string name = "run";

  void options(OptionTable& table) {
    table.section("train");
    table.add("seed", &seed, "Seed of all random numbers.").range(0, 1e9);
    table.add("learning_rate", &learning_rate, "Peak step size.").range(1e-6, 1).automatic();
    table.add("shuffle", &shuffle, "Shuffle the examples.");
    table.add("optimizer", &optimizer, "Update rule.").one_of({"adam", "adamw", "sgd"});
    table.section("model");
    table.add("layers", &layers, "Sizes of the layers.").range(1, 64);
    table.add("run_name", &name, "Free text.");
  }
};

class Options : public ::testing::Test {
 protected:
  Options() { config.options(table); }
  std::string refusal(const std::string& key, const std::string& text) {
    return error_of<ConfigError>([&] { table.set(key, text, "command line"); });
  }
  Config config;
  OptionTable table;
};

TEST_F(Options, SetsEachKindByNameOrBySectionAndName) {
  table.set("seed", "7", "command line");
  table.set("train.learning_rate", "2.5e-3", "command line");
  table.set("shuffle", "off", "command line");
  table.set("optimizer", "sgd", "command line");
  table.set("model.layers", "4,5,+6", "command line");
  table.set("run_name", "second", "command line");
  EXPECT_EQ(config.seed, 7);
  EXPECT_EQ(config.learning_rate, 2.5e-3);
  EXPECT_FALSE(config.shuffle);
  EXPECT_EQ(config.optimizer, "sgd");
  EXPECT_EQ(config.layers, (std::vector<int64_t>{4, 5, 6}));
  EXPECT_EQ(config.name, "second");
  EXPECT_EQ(table.find("seed")->origin, "command line");
  EXPECT_FALSE(table.find("seed")->is_default());
}

TEST_F(Options, AutomaticOptionShowsAutoAndReturnsToIt) {
  EXPECT_EQ(table.find("learning_rate")->value_text(), "auto");
  table.set("learning_rate", "0.5", "command line");
  EXPECT_EQ(table.find("learning_rate")->value_text(), "0.5");
  table.set("learning_rate", "auto", "command line");
  EXPECT_EQ(config.learning_rate, 0);
  EXPECT_TRUE(table.find("learning_rate")->is_default());
}

TEST_F(Options, UnknownNameOffersTheNearest) {
  EXPECT_EQ(refusal("lerning_rate", "1"),
            "[command line] no option is called \"lerning_rate\". Did you mean \"learning_rate\"?");
  EXPECT_EQ(refusal("model.seed", "1"), "[command line] no option is called \"model.seed\". Did you mean \"seed\"?");
  EXPECT_EQ(refusal("quux", "1"),
            "[command line] no option is called \"quux\". `carousel config dump` lists all names.");
}

TEST_F(Options, RefusalsSayTheRuleAndTheValueAndLeaveTheFieldAlone) {
  EXPECT_EQ(refusal("seed", "many"),
            "[command line] seed must be an integer from 0 to 1000000000; got \"many\". It means: Seed of all random "
            "numbers.");
  EXPECT_EQ(refusal("seed", "-1").substr(0, 70),
            "[command line] seed must be an integer from 0 to 1000000000; got \"-1\".");
  EXPECT_EQ(
      refusal("learning_rate", "2"),
      "[command line] learning_rate must be a number from 1e-06 to 1, or auto; got \"2\". It means: Peak step size.");
  EXPECT_EQ(refusal("shuffle", "maybe"),
            "[command line] shuffle must be true or false; got \"maybe\". It means: Shuffle the examples.");
  EXPECT_EQ(refusal("optimizer", "adm"),
            "[command line] optimizer must be one of adam, adamw, sgd; got \"adm\". Did you mean \"adam\"?");
  EXPECT_EQ(
      refusal("layers", "4,x"),
      "[command line] layers must be integers from 1 to 64, joined by commas; got \"4,x\". It means: Sizes of the "
      "layers.");
  EXPECT_EQ(refusal("run_name", "\xff"),
            "[command line] run_name must be valid UTF-8 text; got \"\xff\". It means: Free text.");
  EXPECT_EQ(config.seed, 1);
  EXPECT_EQ(config.optimizer, "adam");
  EXPECT_EQ(config.layers, (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(table.find("layers")->is_default());
}

TEST_F(Options, NumbersAreReadWholeOrNotAtAll) {
  for (const char* text : {"", " 1", "1 ", "1x", "0x10", "1.5", "99999999999999999999", "+", "--1"}) {
    EXPECT_THROW(table.set("seed", text, "test"), ConfigError) << text;
  }
  for (const char* text : {"", "nan", "inf", "0.1f", "1e999"}) {
    EXPECT_THROW(table.set("learning_rate", text, "test"), ConfigError) << text;
  }
  for (const char* text : {"1,", ",1", "1,,2", "0", "65"}) {
    EXPECT_THROW(table.set("layers", text, "test"), ConfigError) << text;
  }
}

TEST_F(Options, LongValuesAreCutInMessages) {
  const std::string text = refusal("seed", std::string(10000, '\n'));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_LT(text.size(), 200u);
}

TEST_F(Options, SameNameTwiceIsRefused) {
  table.section("data");
  EXPECT_EQ(error_of<ConfigError>([&] { table.add("seed", &config.seed, "Again."); }),
            "[options] names are unique over all sections; got seed in train and data. Rename one.");
}

TEST_F(Options, EnvironmentSetsAndIsNamedInErrors) {
  EXPECT_EQ(table.find("learning_rate")->environment_name(), "CAROUSEL_TRAIN_LEARNING_RATE");
  ::setenv("CAROUSEL_TRAIN_SEED", "12", 1);
  table.read_environment();
  EXPECT_EQ(config.seed, 12);
  EXPECT_EQ(table.find("seed")->origin, "environment CAROUSEL_TRAIN_SEED");
  ::setenv("CAROUSEL_TRAIN_SEED", "x", 1);
  EXPECT_EQ(error_of<ConfigError>([&] { table.read_environment(); }).substr(0, 45),
            "[environment CAROUSEL_TRAIN_SEED] seed must b");
  ::unsetenv("CAROUSEL_TRAIN_SEED");
}

TEST_F(Options, TomlSetsSectionsAndBareKeys) {
  table.read_toml("seed = 3\n[train]\nlearning_rate = 0.25\nshuffle = false\n[model]\nlayers = [7, 8]\n", "run.toml");
  EXPECT_EQ(config.seed, 3);
  EXPECT_EQ(config.learning_rate, 0.25);
  EXPECT_FALSE(config.shuffle);
  EXPECT_EQ(config.layers, (std::vector<int64_t>{7, 8}));
  EXPECT_EQ(table.find("layers")->origin, "file run.toml:6:1");
}

TEST_F(Options, OneValueStandsForAListOfOne) {
  table.read_toml("[model]\nlayers = 9\n", "run.toml");
  EXPECT_EQ(config.layers, std::vector<int64_t>{9});
  table.from_json(R"({"model": {"layers": 8}})", "m");
  EXPECT_EQ(config.layers, std::vector<int64_t>{8});
}

TEST_F(Options, TomlErrorsCarryFileLineAndColumn) {
  const auto config_error = [&](const std::string& text) {
    return error_of<ConfigError>([&] { table.read_toml(text, "run.toml"); });
  };
  EXPECT_EQ(config_error("[train]\n  seeed = 3\n"),
            "[file run.toml:2:3] no option is called \"train.seeed\". Did you mean \"seed\"?");
  EXPECT_EQ(config_error("[model]\nseed = 3\n"),
            "[file run.toml:2:1] no option is called \"model.seed\". Did you mean \"seed\"?");
  EXPECT_EQ(
      config_error("[train]\nseed = 1979-05-27\n"),
      "[file run.toml:2:1] train.seed must be a number, text, true, false or a list of integers; got another kind "
      "of value. Write one of those.");
  EXPECT_EQ(config_error("[train]\nseed = [1]\n"),
            "[file run.toml:2:1] train.seed must be one value; got a list. Write the value without brackets.");
  EXPECT_EQ(config.seed, 1);
  EXPECT_EQ(config_error("[train]\nseed = 2.5\n").substr(0, 70),
            "[file run.toml:2:1] seed must be an integer from 0 to 1000000000; got ");
  try {
    table.read_toml("[train]\nseed = = 3\n", "run.toml");
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_EQ(error.line(), 2);
    EXPECT_EQ(error.column(), 8);
    EXPECT_EQ(std::string(error.what()).substr(0, 55), "run.toml:2:8: [config] the file must be TOML; got: Erro");
  }
}

TEST(Toml, WhatItsParserTakesForGrantedIsRefusedToo) {
  const auto error = [](const std::string& text) {
    return error_of<DataError>([&] { OptionTable().read_toml(text, "run.toml"); });
  };
  EXPECT_NE(error("\n  [!data]\n").find("run.toml:2:4: [config] the file must be TOML; got: "), std::string::npos);
  for (const char* text : {"[[ .x]]", "[\nx]", "[\x01]", "[]", "x = [}", "x = [,]", "x = }"})
    EXPECT_NE(error(text).find("[config] the file must be TOML; got: "), std::string::npos) << text;
}

TEST(Toml, OutsideOfQuotesAndCommentsIsAscii) {
  const auto error = [](const std::string& text) {
    return error_of<DataError>([&] { OptionTable().read_toml(text, "run.toml"); });
  };
  EXPECT_EQ(
      error("# \xC3\xA9\n\xC3\xA9 = 1\n"),
      "run.toml:2:1: [config] outside of quotes and comments TOML is ASCII; got byte 0xC3. Put the text in quotes.");
  EXPECT_NE(error("a = 'x\\' \xCF\xBB").find("run.toml:1:10: "), std::string::npos);
  // Behind a quote in the middle of a word, where the scan of ours takes it for text and the parser does not.
  EXPECT_NE(error("a = 5b\"\xCE\xA6\"").find("[config] the file must be TOML; got: "), std::string::npos);
  std::string name;
  OptionTable table;
  table.section("run");
  table.add("name", &name, "a name.");
  table.read_toml("name = \"\\\"\xC3\xA9\" # \xC3\xA9\n", "run.toml");
  EXPECT_EQ(name, "\"\xC3\xA9");
  table.read_toml("name = \"\"\"\xC3\xA9\"\n\"\"\"", "run.toml");
  EXPECT_EQ(name, "\xC3\xA9\"\n");
}

TEST_F(Options, JsonHoldsEveryValueInRowOrder) {
  table.set("learning_rate", "1e-5", "command line");
  EXPECT_EQ(table.to_json(), R"({"train":{"seed":1,"learning_rate":1e-05,"shuffle":true,"optimizer":"adam"},)"
                             R"("model":{"layers":[2,3],"run_name":"run"}})");
}

TEST_F(Options, JsonBringsBackAutomaticValues) {
  const std::string json = table.to_json();
  table.set("learning_rate", "0.5", "command line");
  table.from_json(json, "m.safetensors");
  EXPECT_EQ(table.find("learning_rate")->value_text(), "auto");
}

TEST(OptionsProperty, JsonRoundTripIsExact) {
  rc::check("any values survive to_json and from_json", [] {
    Config config, other;
    config.seed = *rc::gen::inRange<int64_t>(0, 1000000000);
    config.learning_rate = *rc::gen::inRange<int>(1, 1000000) * 1e-6;
    config.shuffle = *rc::gen::arbitrary<bool>();
    config.layers = *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(1, 64));
    config.name = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
    OptionTable table, read;
    other.options(read);
    // The table is made first: values that differ from its defaults are then given, as a user does.
    Config defaults = config;
    config = Config();
    config.options(table);
    config = defaults;
    read.from_json(table.to_json(), "m");
    RC_ASSERT(other.seed == config.seed);
    RC_ASSERT(other.learning_rate == config.learning_rate);
    RC_ASSERT(other.shuffle == config.shuffle);
    RC_ASSERT(other.layers == config.layers);
    RC_ASSERT(other.name == config.name);
  });
}

TEST_F(Options, HostileJsonIsRefused) {
  const auto refused = [&](const std::string& json) {
    return error_of<ConfigError>([&] { table.from_json(json, "m"); });
  };
  EXPECT_EQ(refused("[1]").substr(0, 61), "[file m] options must be a JSON object of sections; got: The ");
  EXPECT_EQ(refused(std::string(100000, '[')).substr(0, 56),
            "[file m] options must be a JSON object of sections; got:");
  EXPECT_EQ(refused(R"({"train": 1})"),
            "[file m] section \"train\" must be an object of options; got another kind of value. Write {\"section\": "
            "{\"name\": value}}.");
  EXPECT_EQ(refused(R"({"train": {"seed": 1, "seed": 2}})"),
            "[file m] each option stands once; got train.seed twice. Remove one.");
  EXPECT_EQ(refused(R"({"train": {"speed": 1}})"),
            "[file m] no option is called \"train.speed\". Did you mean \"seed\"?");
  EXPECT_EQ(refused(R"({"train": {"seed": [3]}})"),
            "[file m] train.seed must be one value; got a list. Write the value without brackets.");
  EXPECT_EQ(refused(R"({"train": {"seed": {}}})"),
            "[file m] train.seed must be a number, text, true, false or a list of integers; got another kind of value. "
            "Write one of those.");
}

TEST(EditDistance, CountsInsertDeleteSubstituteAndSwap) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("seed", "sede"), 1);
  EXPECT_EQ(edit_distance("beam", "baem"), 1);
}

TEST(NearestName, IsSilentWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("trian", {"train", "eval"}), "train");
  EXPECT_EQ(nearest_name("GRU", {"lstm", "gru"}), "gru");
  EXPECT_EQ(nearest_name("lsmt", {"gru", "LSTM"}), "LSTM");
  EXPECT_EQ(nearest_name("x", {"train", "eval"}), "");
  EXPECT_EQ(nearest_name("", {"a"}), "");
  EXPECT_EQ(nearest_name(std::string(1000000, 'a'), {std::string(1000000, 'a')}), "");
}

}  // namespace options_test
}  // namespace carousel
