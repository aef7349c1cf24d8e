// Folders as common corpora come: which of their files are for what.
#pragma once

#include <string>
#include <vector>

namespace carousel::data {

/// Empty names: the folder has no such part.
struct CorpusFolder {
  std::string train, dev, test;
};

/// UCR and UEA archives (X_TRAIN.ts, X_TEST.ts), images of MNIST (train-images..., t10k-images...), Snips (train, valid
/// and test with seq.in), and a folder whose recordings lie in recordings/. All empty for anything else.
CorpusFolder look_at_corpus(const std::string& folder);

/// `data` and `dev` with a corpus in the place of its folder, where `data` is that alone: what is learnt from, and, if
/// `dev` is empty, what is chosen by. Returns a sentence about it, "" where nothing is replaced.
std::string take_corpus(std::vector<std::string>& data, std::vector<std::string>& dev);

/// `files` with the test part of a corpus in the place of its folder. DataError where it has none.
std::vector<std::string> test_of_corpus(const std::vector<std::string>& files);

}  // namespace carousel::data
