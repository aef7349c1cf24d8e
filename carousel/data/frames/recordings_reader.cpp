// Recordings and arrays: one by one, in folders, and named by lists.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/each_line.h"
#include "carousel/data/frames/audio_file.h"
#include "carousel/data/frames/readers.h"
#include "carousel/data/registry.h"
#include "carousel/data/table_reader.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

namespace fs = std::filesystem;

bool is_array_name(const std::string& file) {
  return named(file, ".npy") || named(file, ".npz");
}

/// The first that is not blank; empty where there is none.
std::string first_line_of(const std::string& file, const ReadOptions& options) {
  for (const std::string& line : take_sample(file, options).lines)
    if (!trim(line).empty()) return line;
  return "";
}

}  // namespace

bool is_audio_name(const std::string& file) {
  constexpr std::array<std::string_view, 6> kEndings = {".wav", ".flac", ".ogg", ".aiff", ".aif", ".au"};
  const std::string name = fold_case(file, LetterCase::lower);
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

bool is_frame_file(const std::string& file) {
  return is_audio_name(file) || is_array_name(file);
}

std::vector<std::string> frame_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with('.') && is_frame_file(name) && it->is_regular_file(error))
      files.push_back(it->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> name_parts(const std::string& file, char separator) {
  const std::string stem = fs::path(file).stem().string();
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= stem.size();) {
    const size_t end = std::min(stem.find(separator, begin), stem.size());
    parts.push_back(stem.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<std::string> list_cells(const std::string& row, char separator) {
  std::vector<std::string> cells;
  try {
    cells = cells_of_row(row, separator, "", 0).cells;
  } catch (const DataError&) {
    return {};  // whoever reads the file will say so
  }
  for (std::string& cell : cells) cell = std::string(trim(cell));
  return cells;
}

char list_separator(const std::string& row) {
  if (row.find('\t') != std::string::npos) return '\t';
  for (const char candidate : {',', ';'}) {
    const std::vector<std::string> cells = list_cells(row, candidate);
    if (cells.size() > 1 && is_frame_file(cells[0])) return candidate;
  }
  return '\t';
}

namespace {

/// `cells` as `row` gave them.
ListedFile listed_file(const std::vector<std::string>& cells, char separator, const TableReader& row) {
  const bool tabs = separator == '\t';
  const size_t most = tabs ? 3 : 2;
  std::vector<std::string> trimmed;
  size_t late_quote = cells.size();
  for (const std::string& cell : cells) {
    trimmed.emplace_back(trim(cell));
    if (late_quote == cells.size() && !tabs && trimmed.back().starts_with('"') && !cell.starts_with('"'))
      late_quote = trimmed.size() - 1;
  }
  const bool late = late_quote < cells.size();
  std::optional<Place> fault;
  if (late) {
    fault = row.place(late_quote);
  } else if (cells.size() < 2) {
    fault = row.place_of_width(2);
  } else if (cells.size() > most) {
    fault = row.place_of_width(most);
  } else if (trimmed[0].empty() || trimmed[1].empty()) {
    fault = row.place(trimmed[0].empty() ? 0 : 1);
  }
  if (fault)
    throw error_at(row.file(), *fault,
                   fmt::format("[data] a row of a list is a path, a {} and what the recording is or says; got {}. {}",
                               tabs               ? "tab"
                               : separator == ',' ? "comma"
                                                  : "semicolon",
                               clip_quoted(fmt::format("{}", fmt::join(cells, std::string(1, separator)))),
                               tabs   ? "Check the row."
                               : late ? "Take the blank before the quote away."
                                      : "Put a text with such a character into quotes; a third column needs tabs."));
  const fs::path path(trimmed[0]);
  const Place place = row.place(0);
  return {(path.is_absolute() ? path : fs::path(row.file()).parent_path() / path).string(),
          trimmed[1],
          trimmed.size() > 2 ? trimmed[2] : "",
          place.line,
          row.file(),
          place.column};
}

}  // namespace

std::vector<ListedFile> read_list(const std::string& file, const ReadOptions& options) {
  const char separator = list_separator(first_line_of(file, options));
  std::vector<ListedFile> listed;
  TableReader reader(file, separator, options);
  for (std::vector<std::string> cells; reader.next(cells);) {
    try {
      listed.push_back(listed_file(cells, separator, reader));
    } catch (const DataError& error) {
      options.bad_line(error);
    }
  }
  return listed;
}

std::vector<ListedFile> read_names(const std::string& file, const ReadOptions& options) {
  const fs::path folder = fs::path(file).parent_path();
  std::vector<ListedFile> listed;
  LineReader reader(file, options);
  each_line(
      reader, options, [] {},
      [&](std::string_view line) {
        const std::string_view name = trim(line);
        const fs::path path(name);
        listed.push_back(
            {(path.is_absolute() ? path : folder / path).string(), "", "", reader.line(), file, column_of(line, name)});
      });
  return listed;
}

DataError in_list(const ListedFile& listed, const DataError& error) {
  return listed.list.empty() ? error : error_at(listed.list, {listed.line, listed.column}, error.what());
}

FrameSet read_listed(const std::string& source, const std::vector<ListedFile>& files, const FrameFormat& format,
                     const ReadOptions& options) {
  FrameSet set;
  set.file = source;
  AudioFeatures audio = format.audio;
  std::unique_ptr<FeatureMaker> maker;
  int64_t resampled = 0;
  for (const ListedFile& listed : files) {
    FrameExample example;
    example.name = listed.file;
    example.target = listed.target;
    example.group = listed.group;
    example.line = listed.line;
    example.column = listed.column;
    try {
      int64_t width = 0;
      if (is_array_name(listed.file)) {
        width = read_npy(listed.file, example);
      } else {
        const Audio sound = read_audio(listed.file);
        if (audio.sample_rate == 0) audio.sample_rate = sound.sample_rate;
        if (!maker) maker = std::make_unique<FeatureMaker>(audio);
        resampled += sound.sample_rate != audio.sample_rate;
        width = maker->width();
        example.values = maker->make(resample(sound, audio.sample_rate).samples);
        if (!std::all_of(example.values.begin(), example.values.end(), [](float v) { return std::isfinite(v); }))
          throw DataError(
              listed.file, 0, 0,
              "[audio] the energies of a recording must be finite; got samples whose squares are not. Bring "
              "the samples between -1 and 1.");
        example.length = static_cast<int64_t>(example.values.size()) / width;
      }
      if (set.width == 0) set.width = width;
      if (width != set.width)
        throw DataError(listed.file, 0, 0,
                        fmt::format("[data] all frames must have {} numbers, as the first ones; got {}. Do not mix "
                                    "arrays of other widths.",
                                    set.width, width));
    } catch (const DataError& error) {
      options.bad_line(in_list(listed, error));
      continue;
    }
    set.examples.push_back(std::move(example));
  }
  set.sample_rate = maker ? audio.sample_rate : 0;
  if (resampled > 0)
    set.notes.push_back(
        fmt::format("{} brought to {} Hz", counted(resampled, "recording was", "recordings were"), audio.sample_rate));
  return set;
}

}  // namespace carousel::data
