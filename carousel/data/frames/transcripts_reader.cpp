// Folders of recordings with what they say beside them.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "carousel/data/each_line.h"
#include "carousel/data/frames/readers.h"
#include "carousel/data/place.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

namespace fs = std::filesystem;

constexpr int kFoldersDeep = 8;  ///< folders in folders that are looked into
constexpr std::string_view kTableEnd = ".trans.txt";

/// What lies in a folder and the folders in it, by name.
struct Tree {
  std::vector<std::string> recordings;  ///< or arrays
  std::vector<std::string> tables;      ///< of LibriSpeech: NAME.trans.txt
};

Tree walk(const std::string& folder) {
  Tree tree;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const bool hidden = name.starts_with('.');
    if (hidden || it.depth() >= kFoldersDeep) it.disable_recursion_pending();
    std::error_code unknown;  // of this entry alone
    if (hidden || !it->is_regular_file(unknown)) continue;
    if (is_frame_file(name)) tree.recordings.push_back(it->path().string());
    if (name.ends_with(kTableEnd)) tree.tables.push_back(it->path().string());
  }
  if (error)
    throw DataError(
        folder, 0, 0,
        fmt::format("[data] the folder and those in it must be readable; got: {}. Check the rights.", error.message()));
  std::sort(tree.recordings.begin(), tree.recordings.end());
  std::sort(tree.tables.begin(), tree.tables.end());
  return tree;
}

std::string text_beside(const std::string& recording) {
  return fs::path(recording).replace_extension(".txt").string();
}

bool exists(const std::string& file) {
  std::error_code error;
  return fs::is_regular_file(file, error);
}

/// All lines of a text as one.
std::string read_text(const std::string& file, const ReadOptions& options) {
  LineReader reader(file, options);
  std::string text;
  std::string_view line;
  while (reader.next(line))
    if (const std::string_view said = trim(line); !said.empty()) text += (text.empty() ? "" : " ") + std::string(said);
  if (text.empty())
    throw DataError(file, 0, 0,
                    "[data] the text beside a recording must say something; got white space. Write what is said, or "
                    "take the recording out.");
  return text;
}

/// Where a file lies in `folder`: "" for the folder itself.
std::string place_in(const std::string& folder, const std::string& file) {
  const std::string place = fs::path(file).parent_path().lexically_relative(folder).string();
  return place == "." ? "" : place;
}

/// Lines `NAME TEXT`, the recording NAME beside the table. Before the first hyphen of the name stands the speaker.
void read_table(const std::string& table, const std::map<std::string, std::string>& by_stem, const ReadOptions& options,
                std::vector<ListedFile>& files) {
  const std::string folder = fs::path(table).parent_path().string();
  LineReader reader(table, options);
  each_line(
      reader, options, [] {},
      [&](std::string_view whole) {
        const std::string_view line = trim(whole);
        const size_t space = std::min(line.find_first_of(" \t"), line.size());
        const std::string name(line.substr(0, space));
        const std::string text(trim(line.substr(space)));
        const Place place{reader.line(), column_of(whole, line)};
        const auto found = by_stem.find((fs::path(folder) / name).string());
        if (text.empty() || found == by_stem.end())
          throw error_at(table, text.empty() ? Place{place.line, column_of(whole, line.substr(space))} : place,
                         fmt::format("[data] a line is the name of a recording beside this table, a space and what it "
                                     "says; got {}. Check the line, and that the recording is there.",
                                     clip_quoted(line)));
        files.push_back({found->second, text, name.substr(0, name.find('-')), place.line, table, place.column});
      });
}

}  // namespace

FramePlan plan_transcripts(const std::string& folder) {
  FramePlan plan;
  const Tree tree = walk(folder);
  const auto count = static_cast<int64_t>(tree.recordings.size());
  if (count == 0) return plan;
  const int64_t texts = std::count_if(tree.recordings.begin(), tree.recordings.end(),
                                      [](const std::string& file) { return exists(text_beside(file)); });
  const bool tables = !tree.tables.empty();
  if (!tables && texts * 2 < count) return plan;
  plan.format = "transcripts";
  plan.evident = plan.transcripts = true;
  plan.reason = tables
                    ? fmt::format("a folder of {} recordings with {} of what they say ({})", count,
                                  tree.tables.size() == 1 ? "a table" : "tables",
                                  fs::path(tree.tables.front()).filename().string())
                    : fmt::format("a folder of {} recordings, {} of them with a text of the same name beside it (.txt)",
                                  count, texts == count ? "all" : std::to_string(texts));
  return plan;
}

std::vector<ListedFile> read_transcripts(const std::string& folder, const ReadOptions& options) {
  const Tree tree = walk(folder);
  std::vector<ListedFile> files;
  if (!tree.tables.empty()) {
    std::map<std::string, std::string> by_stem;
    for (const std::string& file : tree.recordings) by_stem[fs::path(file).replace_extension().string()] = file;
    for (const std::string& table : tree.tables) read_table(table, by_stem, options, files);
    std::set<std::string> said;
    for (const ListedFile& file : files) said.insert(file.file);
    for (const std::string& file : tree.recordings)
      if (!said.contains(file))
        options.bad_line(DataError(file, 0, 0,
                                   "[data] each recording of the folder must have a line in a table (.trans.txt), as "
                                   "others have; got none. Write it, or take the recording out."));
    return files;
  }
  for (const std::string& file : tree.recordings) {
    const std::string text = text_beside(file);
    try {
      if (!exists(text))
        throw DataError(file, 0, 0,
                        fmt::format("[data] each recording of the folder must have a text beside it, as others have; "
                                    "got no {}. Write it, or take the recording out.",
                                    fs::path(text).filename().string()));
      files.push_back({file, read_text(text, options), place_in(folder, file), 0});
    } catch (const DataError& error) {
      options.bad_line(error);
    }
  }
  return files;
}

std::vector<std::string> files_of_transcripts(const std::string& folder) {
  const Tree tree = walk(folder);
  std::vector<std::string> files = tree.recordings;
  files.insert(files.end(), tree.tables.begin(), tree.tables.end());
  for (const std::string& file : tree.recordings)
    if (tree.tables.empty() && exists(text_beside(file))) files.push_back(text_beside(file));
  return files;
}

}  // namespace carousel::data
