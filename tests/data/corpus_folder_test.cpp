// Common corpora are read by their folder.
#include "carousel/data/corpus_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace corpus_folder_test {

using Names = std::vector<std::string>;

class Corpus : public ::testing::Test {
 protected:
  void put(const std::string& name) {
    std::filesystem::create_directories(std::filesystem::path(dir.file(name)).parent_path());
    dir.write(name, "x");
  }
  std::string folder() const { return dir.path(); }
  testing::TempDir dir;
};

TEST_F(Corpus, SeriesOfClasses) {
  put("Motions_TRAIN.ts");
  put("Motions_TEST.ts.gz");
  put("README.md");
  const CorpusFolder found = look_at_corpus(folder());
  EXPECT_EQ(found.train, dir.file("Motions_TRAIN.ts"));
  EXPECT_EQ(found.test, dir.file("Motions_TEST.ts.gz"));
  Names data = {folder()}, dev;
  EXPECT_EQ(take_corpus(data, dev), folder() + ": " + found.train + " is learnt from");
  EXPECT_EQ(data, Names{found.train});
  EXPECT_TRUE(dev.empty()) << "the test is not looked at";
  EXPECT_EQ(test_of_corpus({folder()}), Names{found.test});
  put("Other_TRAIN.ts");
  EXPECT_EQ(look_at_corpus(folder()).train, "") << "which of the two?";
}

TEST_F(Corpus, Images) {
  put("train-images-idx3-ubyte.gz");
  put("train-labels-idx1-ubyte.gz");
  put("t10k-images-idx3-ubyte");
  EXPECT_EQ(look_at_corpus(folder()).train, dir.file("train-images-idx3-ubyte.gz"));
  EXPECT_EQ(look_at_corpus(folder()).test, dir.file("t10k-images-idx3-ubyte"));
  std::filesystem::remove(dir.file("t10k-images-idx3-ubyte"));
  EXPECT_EQ(testing::error_of<DataError>([&] { test_of_corpus({folder()}); }),
            folder() + ": [eval] a folder of a corpus must hold a part to test on; got " +
                dir.file("train-images-idx3-ubyte.gz") + " alone. Name a file or folder in it to be scored on that.");
}

TEST_F(Corpus, SlotsAndIntents) {
  put("train/seq.in");
  put("valid/seq.in");
  put("test/seq.in");
  EXPECT_EQ(look_at_corpus(folder()).test, dir.file("test"));
  Names data = {folder()}, dev;
  EXPECT_EQ(take_corpus(data, dev),
            folder() + ": " + dir.file("train") + " is learnt from, " + dir.file("valid") + " chooses");
  EXPECT_EQ(data, Names{dir.file("train")});
  EXPECT_EQ(dev, Names{dir.file("valid")});
  Names own = {"mine"};
  data = {folder()};
  take_corpus(data, own);
  EXPECT_EQ(own, Names{"mine"});
}

TEST_F(Corpus, RecordingsInAFolderOfTheirOwn) {
  put("recordings/0_a_0.wav");
  EXPECT_EQ(look_at_corpus(folder()).train, dir.file("recordings"));
  put("1_a_0.wav");
  EXPECT_EQ(look_at_corpus(folder()).train, "") << "the folder holds some itself";
}

TEST_F(Corpus, AnythingElseStaysWhatItIs) {
  put("a.csv");
  Names data = {folder()}, dev, two = {folder(), folder()}, file = {dir.file("a.csv")};
  EXPECT_EQ(take_corpus(data, dev), "");
  EXPECT_EQ(take_corpus(two, dev), "");
  EXPECT_EQ(take_corpus(file, dev), "");
  EXPECT_EQ(test_of_corpus(file), file);
  EXPECT_EQ(data, Names{folder()});
  EXPECT_EQ(look_at_corpus("no such folder").train, "");
}

}  // namespace corpus_folder_test
}  // namespace carousel::data
