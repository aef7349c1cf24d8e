#include "carousel/data/corpus_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "carousel/base/error.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The one name that begins and ends so, as a path; "" when there is none or several.
std::string only(const std::string& folder, const std::vector<std::string>& names, std::string_view beginning,
                 std::string_view ending) {
  const auto fits = [&](const std::string& name) {
    return name.starts_with(beginning) && without_packing(name).ends_with(ending);
  };
  if (std::count_if(names.begin(), names.end(), fits) != 1) return "";
  return (fs::path(folder) / *std::find_if(names.begin(), names.end(), fits)).string();
}

/// The first of some folders that holds tagged sentences.
std::string with_sentences(const std::string& folder, const std::vector<std::string>& parts) {
  std::error_code error;
  for (const std::string& part : parts)
    if (fs::exists(fs::path(folder) / part / "seq.in", error)) return (fs::path(folder) / part).string();
  return "";
}

}  // namespace

CorpusFolder look_at_corpus(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return {};
  const std::vector<std::string> names = names_in(folder);
  if (const std::string train = only(folder, names, "", "_TRAIN.ts"); !train.empty())
    return {train, "", only(folder, names, "", "_TEST.ts")};
  if (const std::string train = only(folder, names, "train-images", "idx3-ubyte"); !train.empty())
    return {train, "", only(folder, names, "t10k-images", "idx3-ubyte")};
  if (const std::string train = with_sentences(folder, {"train"}); !train.empty())
    return {train, with_sentences(folder, {"valid", "dev"}), with_sentences(folder, {"test"})};
  const bool sounds = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.ends_with(".wav") || name.ends_with(".flac");
  });
  const fs::path recordings = fs::path(folder) / "recordings";
  if (!sounds && fs::is_directory(recordings, error)) return {recordings.string(), "", recordings.string()};
  return {};
}

std::string take_corpus(std::vector<std::string>& data, std::vector<std::string>& dev) {
  if (data.size() != 1) return "";
  const std::string folder = data.front();
  const CorpusFolder corpus = look_at_corpus(folder);
  if (corpus.train.empty()) return "";
  data.front() = corpus.train;
  if (!dev.empty() || corpus.dev.empty()) return fmt::format("{}: {} is learnt from", folder, corpus.train);
  dev = {corpus.dev};
  return fmt::format("{}: {} is learnt from, {} chooses", folder, corpus.train, corpus.dev);
}

std::vector<std::string> test_of_corpus(const std::vector<std::string>& files) {
  const CorpusFolder corpus = files.size() == 1 ? look_at_corpus(files.front()) : CorpusFolder();
  if (corpus.train.empty()) return files;
  if (corpus.test.empty())
    throw DataError(files.front(), 0, 0,
                    fmt::format("[eval] a folder of a corpus must hold a part to test on; got {}{} alone. Name a file "
                                "or folder in it to be scored on that.",
                                corpus.train, corpus.dev.empty() ? "" : " and " + corpus.dev));
  return {corpus.test};
}

}  // namespace carousel::data
