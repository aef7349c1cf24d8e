#include "carousel/data/series_folder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/base/text.h"
#include "carousel/data/json_place.h"
#include "carousel/data/place.h"
#include "carousel/data/tags.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestFile = int64_t{64} << 20;
constexpr int kDeepestFolder = 6;
constexpr size_t kMostFiles = 100000;

[[noreturn]] void refuse_windows(const std::string& file, Place place, const std::string& got) {
  throw error_at(
      file, place,
      fmt::format("[data] windows with anomalies must stand in a JSON object of the form {{\"group/file.csv\": "
                  "[[\"2014-02-26 13:45:00\", \"2014-02-27 06:25:00\"]]}}; got {}. Write them so.",
                  got));
}

/// A text of windows, as its faults need it.
struct WindowText {
  std::string_view json;
  const std::string& file;

  /// `path` leads to the value that is wrong, see json_value.
  [[noreturn]] void refuse(const std::vector<size_t>& path, const std::string& got) const {
    refuse_windows(file, place_at(json, json_value(json, path)), got);
  }
  [[noreturn]] void refuse_all() const {
    const int64_t byte = find_invalid_utf8(json);
    if (byte >= 0) refuse_windows(file, place_at(json, static_cast<size_t>(byte)), "a byte that is no UTF-8");
    refuse_windows(file, place_at(json, json_fault(json).value_or(json_value(json, {}))), "another text");
  }
};

int64_t time_in(simdjson::dom::element element, const WindowText& from, const std::vector<size_t>& path,
                const std::string& key) {
  std::string_view text;
  int64_t number = 0;
  if (element.get(number) == simdjson::SUCCESS) return number;
  if (element.get(text) != simdjson::SUCCESS) from.refuse(path, "no time in " + clip_quoted(key));
  const auto time = parse_time(trim(text));
  if (!time) from.refuse(path, fmt::format("{} in {}", clip_quoted(text), clip_quoted(key)));
  return time->value;
}

WindowLabels::Window window_in(simdjson::dom::element element, const WindowText& from, const std::vector<size_t>& path,
                               const std::string& key) {
  simdjson::dom::array pair;
  if (element.get(pair) != simdjson::SUCCESS || pair.size() != 2)
    from.refuse(path, "no pair of times in " + clip_quoted(key));
  const auto time = [&](size_t i) { return time_in(pair.at(i), from, {path[0], path[1], i}, key); };
  const WindowLabels::Window window{time(0), time(1)};
  if (window.last < window.first) from.refuse(path, "a window that ends before it begins in " + clip_quoted(key));
  return window;
}

bool is_table(const std::string& name) {
  return named(name, ".csv") || named(name, ".tsv");
}

}  // namespace

const std::vector<WindowLabels::Window>* WindowLabels::of(std::string_view path) const {
  const std::vector<Window>* found = nullptr;
  size_t longest = 0;
  for (const auto& [key, list] : windows) {
    if (key.size() < longest || !path.ends_with(key)) continue;
    if (key.size() < path.size() && path[path.size() - key.size() - 1] != '/') continue;
    found = &list;
    longest = key.size();
  }
  return found;
}

WindowLabels parse_windows(std::string_view json, const std::string& file) {
  WindowLabels labels;
  labels.file = file;
  const WindowText from{json, file};
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) from.refuse_all();
  size_t field = 0;
  for (const auto& [name, value] : root) {
    const std::string key(name);
    simdjson::dom::array list;
    if (value.get(list) != simdjson::SUCCESS) from.refuse({field}, "no list in " + clip_quoted(key));
    auto [place, fresh] = labels.windows.try_emplace(key);
    if (!fresh || key.empty()) from.refuse({field}, fresh ? "an empty name" : clip_quoted(key) + " twice");
    for (const simdjson::dom::element element : list)
      place->second.push_back(window_in(element, from, {field, place->second.size()}, key));
    std::sort(place->second.begin(), place->second.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    ++field;
  }
  return labels;
}

WindowLabels read_windows(const std::string& file) {
  if (std::error_code error; fs::is_regular_file(file, error) && fs::file_size(file, error) > kLargestFile)
    refuse_windows(file, {}, "more than 64 MiB");
  return parse_windows(read_file(file), file);
}

SeriesFolder look_into(const std::string& folder) {
  SeriesFolder found;
  std::vector<std::string> named, combined;
  std::error_code error;
  fs::recursive_directory_iterator place(folder, error), end;
  for (size_t files = 0; !error && place != end; place.increment(error)) {
    const std::string name = place->path().filename().string();
    std::error_code ignored;
    if (name.starts_with('.') || place.depth() >= kDeepestFolder) {
      if (place->is_directory(ignored)) place.disable_recursion_pending();
      if (name.starts_with('.')) continue;
    }
    if (!place->is_regular_file(ignored)) continue;
    if (++files > kMostFiles)
      throw DataError(
          folder, 0, 0,
          fmt::format("[data] a folder of series may hold {} files; got more. Name a folder in it.", kMostFiles));
    const std::string path = place->path().string();
    if (is_table(name)) found.tables.push_back(path);
    if (!name.ends_with(".json") || name.find("windows") == std::string::npos) continue;
    (name == "combined_windows.json" ? combined : named).push_back(path);
  }
  if (error)
    throw DataError(
        folder, 0, 0,
        fmt::format("[data] a folder of series must be readable; got: {}. Check its permissions.", error.message()));
  if (found.tables.empty())
    throw DataError(folder, 0, 0,
                    "[data] a folder of series must hold tables (.csv or .tsv); got none. Name another folder, or one "
                    "file.");
  std::sort(found.tables.begin(), found.tables.end());
  std::vector<std::string>& windows = combined.empty() ? named : combined;
  std::sort(windows.begin(), windows.end());
  if (windows.size() > 1)
    throw DataError(folder, 0, 0,
                    fmt::format("[data] the windows with anomalies must stand in one file; got {} and {}. Name the one "
                                "behind the folder.",
                                windows[0], windows[1]));
  if (!windows.empty()) found.windows = windows.front();
  return found;
}

std::vector<std::string> all_files_behind(const std::string& name) {
  std::error_code error;
  if (!fs::is_directory(name, error) || fs::exists(fs::path(name) / "seq.in", error)) return files_behind(name);
  SeriesFolder folder = look_into(name);
  if (!folder.windows.empty()) folder.tables.push_back(folder.windows);
  return folder.tables;
}

}  // namespace carousel::data
