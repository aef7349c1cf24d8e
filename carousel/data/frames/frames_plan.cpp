// Finds out how frames lie in files, and reads them.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/base/text.h"
#include "carousel/data/frames/frames.h"
#include "carousel/data/frames/readers.h"
#include "carousel/data/registry.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kFewestRepeats = 2;  ///< times that each label must occur on average

/// Folders in a folder that hold files of frames, by name.
std::map<std::string, std::vector<std::string>> folders_of(const std::string& folder) {
  std::map<std::string, std::vector<std::string>> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with('.') || !it->is_directory(error)) continue;
    std::vector<std::string> files = frame_files(it->path().string());
    if (!files.empty()) found[name] = std::move(files);
  }
  return found;
}

/// The character that cuts all names into equally many parts, at least two; 0: none.
char separator_of(const std::vector<std::string>& files) {
  for (const char candidate : {'_', '-', '.'}) {
    const size_t parts = name_parts(files.front(), candidate).size();
    if (parts > 1 && std::all_of(files.begin(), files.end(),
                                 [&](const std::string& file) { return name_parts(file, candidate).size() == parts; }))
      return candidate;
  }
  return 0;
}

std::set<std::string> kinds_of(const std::vector<std::string>& files, char separator, size_t part) {
  std::set<std::string> kinds;
  for (const std::string& file : files) kinds.insert(name_parts(file, separator)[part]);
  return kinds;
}

std::string listed(const std::set<std::string>& kinds) {
  constexpr size_t kShown = 5;
  std::string text;
  size_t shown = 0;
  for (const std::string& kind : kinds) {
    if (shown++ == kShown) return text + ", ...";
    text += (text.empty() ? "" : ", ") + kind;
  }
  return text;
}

/// Which part of the names is the label.
FramePlan plan_names(const std::string& folder, const std::vector<std::string>& files, const FrameFormat& wanted) {
  FramePlan plan;
  plan.format = "recordings";
  plan.evident = true;
  plan.label_part = wanted.label_part;
  const auto refuse = [&](const std::string& got) {
    throw DataError(folder, 0, 0,
                    fmt::format("[data] names of files must say their labels in the same place, as in cat_01.wav and "
                                "dog_01.wav; got {}. Rename them, sort them into a folder for each label, or write a "
                                "list of lines `path TAB label`.",
                                got));
  };
  plan.separator = separator_of(files);
  if (plan.separator == 0) refuse(fmt::format("names such as {}", fs::path(files.front()).filename().string()));
  const auto parts = static_cast<int64_t>(name_parts(files.front(), plan.separator).size());
  for (const int64_t part : {wanted.label_part, wanted.group_part})
    if (part > parts)
      throw ConfigError(
          fmt::format("[data] label_part and group_part count the parts of names such as {}, of which "
                      "there are {}; got {}. Set one of these.",
                      fs::path(files.front()).filename().string(), parts, part));
  std::string others;
  for (int64_t part = 1; part <= parts; ++part) {
    const std::set<std::string> kinds = kinds_of(files, plan.separator, static_cast<size_t>(part - 1));
    const auto number = static_cast<int64_t>(kinds.size());
    const bool fits = number > 1 && number * kFewestRepeats <= static_cast<int64_t>(files.size());
    if (plan.label_part == 0 && fits) plan.label_part = part;
    if (part == plan.label_part) {
      plan.reason = fmt::format("part {} of their names is the label ({}: {})", part, number, listed(kinds));
    } else if (fits && plan.label_part > 0) {
      others += fmt::format("{}part {} has {} values ({})", others.empty() ? "" : ", ", part, number, listed(kinds));
    }
  }
  if (plan.label_part == 0) refuse("parts that never or always repeat");
  if (!others.empty() && wanted.label_part == 0) plan.reason += "; if another part is, set label_part: " + others;
  plan.reason = fmt::format("a folder of {}; {}", counted(static_cast<int64_t>(files.size()), "file"), plan.reason);
  return plan;
}

FramePlan plan_folder(const std::string& folder, const FrameFormat& wanted) {
  if (FramePlan texts = plan_transcripts(folder); !texts.format.empty()) return texts;
  FramePlan plan;
  if (const std::vector<std::string> files = frame_files(folder); !files.empty())
    return plan_names(folder, files, wanted);
  const auto folders = folders_of(folder);
  if (folders.empty()) return plan;
  int64_t files = 0;
  std::set<std::string> names;
  for (const auto& [name, inside] : folders) {
    files += static_cast<int64_t>(inside.size());
    names.insert(name);
  }
  plan.format = "folders";
  plan.evident = true;
  plan.reason =
      fmt::format("a folder for each of {}: {}, with {} in all", counted(static_cast<int64_t>(folders.size()), "label"),
                  listed(names), counted(files, "file"));
  return plan;
}

/// What stands beside the files of a list.
struct Targets {
  int64_t count = 0, spaced = 0;
  std::set<std::string, std::less<>> kinds;

  void add(std::string_view target) {
    ++count;
    spaced += target.find(' ') != std::string_view::npos;
    kinds.emplace(target);
  }
  /// Labels repeat; texts hardly, and are of several words.
  bool are_texts() const { return static_cast<int64_t>(kinds.size()) * 2 > count || spaced * 2 > count; }
  std::string text() const {
    return fmt::format("{} ({} different ones so far)", are_texts() ? "texts" : "labels", kinds.size());
  }
};

FrameTable first_table(const Sample& sample) {
  for (const std::string& line : sample.lines)
    if (!trim(line).empty()) return find_frame_table(sample.file, line);
  return {};
}

/// A table that names its columns: `texts` by their name, else by what stands there.
FramePlan plan_table(const std::string& file, const FrameTable& table) {
  constexpr size_t kLookedAt = 500;
  FramePlan plan;
  ReadOptions options;
  options.on_bad_line = [](const DataError&) {};
  const std::vector<ListedFile> rows = read_frame_table(file, table, options);
  Targets targets;
  for (size_t i = 0; i < std::min(kLookedAt, rows.size()); ++i)
    if (is_frame_file(rows[i].file)) targets.add(rows[i].target);
  if (targets.count * 2 < static_cast<int64_t>(std::min(kLookedAt, rows.size())) || rows.empty()) return plan;
  plan.format = "table";
  plan.evident = true;
  plan.transcripts = table.texts || (table.names[table.target] == "target" && targets.are_texts());
  plan.reason =
      fmt::format("a table of files; {} is the file, {} {}{}", table.names[table.path], table.names[table.target],
                  plan.transcripts ? "what it says" : "its label",
                  table.group < table.names.size() ? fmt::format(", {} the group", table.names[table.group]) : "");
  return plan;
}

/// Lines whose first cell names a recording or an array.
FramePlan plan_list(const std::string& file) {
  FramePlan plan;
  Sample sample;
  try {
    sample = take_sample(file, {});
  } catch (const DataError&) {
    return plan;  // no text: whoever reads it will say so
  }
  if (const FrameTable table = first_table(sample); table.separator != '\0') return plan_table(file, table);
  Targets targets;
  int64_t rows = 0, names = 0;
  char separator = '\0';
  for (const std::string& line : sample.lines) {
    if (trim(line).empty()) continue;
    if (separator == '\0') separator = list_separator(line);
    const std::vector<std::string> cells = list_cells(line, separator);
    if (cells.empty()) continue;  // a piece of a row that goes over several lines
    ++rows;
    if (!is_frame_file(cells[0])) continue;
    ++names;
    if (cells.size() > 1) targets.add(cells[1]);
  }
  if (rows > 0 && targets.count == 0 && names == rows)
    return {"names", fmt::format("a list of files, {} so far, and nothing of what they are", names), 0, '_', false,
            false};
  if (rows == 0 || targets.count * 2 < rows) return plan;
  plan.format = "list";
  plan.evident = true;
  plan.transcripts = targets.are_texts();
  plan.reason = fmt::format("a list of files with {}", targets.text());
  return plan;
}

std::vector<ListedFile> by_names(const std::string& folder, const FramePlan& plan, const FrameFormat& format) {
  std::vector<ListedFile> files;
  for (const std::string& file : frame_files(folder)) {
    const std::vector<std::string> parts = name_parts(file, plan.separator);
    const auto part = [&](int64_t number) {
      return number > 0 && number <= static_cast<int64_t>(parts.size()) ? parts[static_cast<size_t>(number - 1)] : "";
    };
    files.push_back({file, part(plan.label_part), part(format.group_part), 0});
  }
  return files;
}

/// Where a part of their names is wanted as their groups, it and not what else says what belongs together.
std::vector<ListedFile> with_groups(std::vector<ListedFile> files, const FrameFormat& format) {
  if (format.group_part == 0 || files.empty()) return files;
  std::vector<std::string> names;
  for (const ListedFile& file : files) names.push_back(file.file);
  const char separator = separator_of(names);
  for (ListedFile& file : files) {
    const std::vector<std::string> parts = name_parts(file.file, separator);
    if (separator == 0 || format.group_part > static_cast<int64_t>(parts.size()))
      throw ConfigError(
          fmt::format("[data] group_part counts the parts of names that are all cut into as many at _ or -; got {} for "
                      "names such as {}. Name the groups behind a second tab, or leave group_part out.",
                      format.group_part, fs::path(file.file).filename().string()));
    file.group = parts[static_cast<size_t>(format.group_part - 1)];
  }
  return files;
}

std::vector<ListedFile> by_folders(const std::string& folder) {
  std::vector<ListedFile> files;
  for (const auto& [name, inside] : folders_of(folder))
    for (const std::string& file : inside) files.push_back({file, name, "", 0});
  return files;
}

}  // namespace

void FrameFormat::options(OptionTable& table) {
  table
      .add("label_part", &label_part,
           "Part of a recording's name, cut at _ or -, that is its label, from 1; auto takes the first that repeats.")
      .range(1, 100)
      .automatic();
  table
      .add("image_frames", &image_frames,
           "What of an image is a frame: its rows, or each of its pixels, row after row; see stack_frames too.")
      .one_of({"rows", "pixels"});
  options_of_texts(table);
}

void FrameFormat::options_of_texts(OptionTable& table) {
  table
      .add("group_part", &group_part,
           "Part of a recording's name, from 1, whose equals stay on one side when a dev set is cut (a speaker); 0: "
           "none.")
      .range(0, 100);
  audio.options(table);
}

std::vector<std::string> frame_formats() {
  return {"ts", "idx", "list", "table", "recordings", "folders", "file", "transcripts", "names"};
}

bool gives_texts(const FramePlan& plan) {
  return plan.format == "list" || plan.format == "table" || plan.format == "transcripts";
}

FramePlan plan_frames(const std::vector<std::string>& files, const FrameFormat& wanted) {
  FramePlan plan;
  if (files.empty()) return plan;
  const std::string& file = files.front();
  if (is_folder(file)) return files.size() == 1 ? plan_folder(file, wanted) : plan;
  if (files.size() == 1 && is_frame_file(file)) return {"file", "one file of frames", 0, '_', true, false};
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return plan;
  const std::string head = first_bytes(file, 4);
  if (is_idx(head)) {
    const std::string labels = files.size() > 1 ? files[1] : labels_beside(file);
    const std::string beside =
        labels.empty() ? "without labels" : "with labels in " + fs::path(labels).filename().string();
    return {"idx", fmt::format("images in the format of MNIST, {}; their {} are frames", beside, wanted.image_frames),
            0,     '_',
            true,  false};
  }
  if (files.size() > 1) return plan;
  if (named(file, ".ts")) return {"ts", "a file of the UCR/UEA archive, a series in each row", 0, '_', true, false};
  return plan_list(file);
}

std::vector<ListedFile> list_frames(const std::string& file, const FramePlan& plan, const FrameFormat& format,
                                    const ReadOptions& options) {
  if (plan.format == "list") return with_groups(read_list(file, options), format);
  if (plan.format == "recordings") return by_names(file, plan, format);
  if (plan.format == "folders") return by_folders(file);
  if (plan.format == "table")
    return with_groups(read_frame_table(file, first_table(take_sample(file, options)), options), format);
  if (plan.format == "transcripts") return with_groups(read_transcripts(file, options), format);
  if (plan.format == "names") return read_names(file, options);
  return {{file, "", "", 0}};
}

FrameSet read_frames(const std::vector<std::string>& files, const FramePlan& plan, const FrameFormat& format,
                     const ReadOptions& options) {
  const std::string& file = files.front();
  FrameSet set;
  if (plan.format == "ts") {
    set = read_ts(file, options);
  } else if (plan.format == "idx") {
    set = read_idx(file, files.size() > 1 ? files[1] : labels_beside(file));
    if (format.image_frames == "pixels") {
      for (FrameExample& image : set.examples) image.length *= set.width;
      set.width = 1;
    }
  } else if (!plan.format.empty()) {
    set = read_listed(file, list_frames(file, plan, format, options), format, options);
  } else {
    throw DataError(file, 0, 0,
                    "[data] the file must hold frames; got another kind. Give recordings (wav, flac), NPY files, a .ts "
                    "file, images in the format of MNIST, a folder of these, or a list of lines `path TAB label`.");
  }
  set.format = plan.format;
  if (set.examples.empty())
    throw DataError(file, 0, 0, "[data] at least one sequence of frames is needed; got none. Check the file.");
  return set;
}

bool holds_frame_files(const std::string& folder) {
  return !frame_files(folder).empty();
}

std::vector<std::string> files_of_frames(const std::string& name) {
  const auto all_of = [](const std::vector<ListedFile>& listed) {
    std::vector<std::string> files;
    for (const ListedFile& file : listed) files.push_back(file.file);
    return files;
  };
  if (is_folder(name)) {
    if (!plan_transcripts(name).format.empty()) return files_of_transcripts(name);
    std::vector<std::string> files = frame_files(name);
    return files.empty() ? all_of(by_folders(name)) : files;
  }
  std::vector<std::string> files = {name};
  if (is_frame_file(name)) return files;
  std::error_code error;
  if (!fs::is_regular_file(name, error)) return files;
  if (is_idx(first_bytes(name, 4))) {
    if (const std::string labels = labels_beside(name); !labels.empty()) files.push_back(labels);
  } else if (const std::string format = plan_list(name).format; !format.empty()) {
    ReadOptions options;
    options.on_bad_line = [](const DataError&) {};
    for (std::string& file :
         all_of(format == "table"  ? read_frame_table(name, first_table(take_sample(name, options)), options)
                : format == "list" ? read_list(name, options)
                                   : read_names(name, options)))
      files.push_back(std::move(file));
  }
  return files;
}

}  // namespace carousel::data
