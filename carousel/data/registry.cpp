#include "carousel/data/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/place.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

constexpr int64_t kSampleLines = 1000;

/// 1000 -> "1,000".
std::string with_commas(int64_t number) {
  std::string text = fmt::format("{}", number);
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > 0; at -= 3) text.insert(static_cast<size_t>(at), 1, ',');
  return text;
}

std::string detect_in_out(const std::vector<Sample>& samples, const PairFormat&, const ReadOptions&) {
  if (samples.size() != 1) return "";
  int64_t lines = 0, fitting = 0;
  for (const std::string& line : samples.front().lines) {
    if (trim(line).empty()) continue;
    ++lines;
    fitting += is_in_out_line(line);
  }
  return fitting * 2 > lines ? "lines `IN: source OUT: target`" : "";
}

PairData read_in_out(const std::vector<std::string>& files, const PairFormat&, const ReadOptions& options) {
  return read_in_out_pairs(files.front(), options);
}

std::string detect_table(const std::vector<Sample>& samples, const PairFormat& wanted, const ReadOptions& options) {
  return samples.size() != 1 ? "" : find_pair_table(samples.front().file, wanted, options).reason;
}

PairData read_table(const std::vector<std::string>& files, const PairFormat& wanted, const ReadOptions& options) {
  return read_pair_table(files.front(), find_pair_table(files.front(), wanted, options), options);
}

/// A few bad lines do not change the format: the reader then names them with their position.
std::string detect_tsv(const std::vector<Sample>& samples, const PairFormat&, const ReadOptions&) {
  if (samples.size() != 1) return "";
  const Sample& sample = samples.front();
  int64_t lines = 0, with_two = 0;
  for (const std::string& line : sample.lines) {
    if (trim(line).empty()) continue;
    ++lines;
    if (std::count(line.begin(), line.end(), '\t') == 1) ++with_two;
  }
  if (lines == 0 || with_two * 2 < lines) {
    return named(sample.file, ".tsv") ? "the name ends in .tsv" : "";
  }
  const std::string where = sample.whole_file ? fmt::format("the {} lines", with_commas(lines))
                                              : fmt::format("the first {} lines", with_commas(lines));
  if (with_two == lines) return fmt::format("two tab-separated columns in all of {}", where);
  return fmt::format("two tab-separated columns in {} of {}", with_commas(with_two), where);
}

PairData read_tsv(const std::vector<std::string>& files, const PairFormat&, const ReadOptions& options) {
  return read_tsv_pairs(files.front(), options);
}

std::string detect_aligned(const std::vector<Sample>& samples, const PairFormat&, const ReadOptions&) {
  return samples.size() == 2 ? "two files, taken as line-aligned source and target" : "";
}

PairData read_aligned(const std::vector<std::string>& files, const PairFormat&, const ReadOptions& options) {
  return read_aligned_pairs(files[0], files[1], options);
}

/// A table is no text: its mistakes shall be told.
std::string detect_text(const std::vector<Sample>& samples, const PairFormat&, const ReadOptions&) {
  if (samples.size() != 1) return "";
  int64_t lines = 0, with_tab = 0;
  for (const std::string& line : samples.front().lines) {
    if (trim(line).empty()) continue;
    ++lines;
    if (line.find('\t') != std::string::npos) ++with_tab;
  }
  if (lines == 0 || with_tab * 10 > lines) return "";
  return fmt::format("running text without columns in {} {} lines",
                     samples.front().whole_file ? "all of the" : "the first", with_commas(lines));
}

}  // namespace

Sample take_sample(const std::string& file, const ReadOptions& options) {
  Sample sample;
  sample.file = file;
  ReadOptions sampling = options;
  if (sampling.on_bad_line)
    sampling.on_bad_line = [&](const DataError& error) {  // the reader will name them
      if (sample.bad_lines++ == 0) sample.fault = error;
    };
  LineReader reader(file, sampling);
  std::string_view line;
  while (static_cast<int64_t>(sample.lines.size()) < kSampleLines) {
    if (!reader.next(line)) {
      sample.whole_file = true;
      break;
    }
    sample.lines.emplace_back(line);
    if (!trim(line).empty() && sample.filled++ == 0) sample.first = reader.line();
  }
  return sample;
}

const std::vector<Format>& formats() {
  static const std::vector<Format> rows = {
      {"in-out", "one file of lines `IN: source OUT: target`", detect_in_out, read_in_out},
      {"table", "a table (CSV, TSV, JSON lines) that names or is told its columns source and target", detect_table,
       read_table},
      {"tsv", "one file with two tab-separated columns, source and target", detect_tsv, read_tsv},
      {"aligned", "two files, line n of the first is the source of line n of the second", detect_aligned, read_aligned},
      {"text", "one file of running text", detect_text, nullptr},
  };
  return rows;
}

Detection detect_format(const std::vector<std::string>& files, const ReadOptions& options, const PairFormat& wanted) {
  std::vector<Sample> samples;
  for (const std::string& file : files) {
    samples.push_back(take_sample(file, options));
    const Sample& sample = samples.back();
    // What is no text line by line has no format: then its first fault says more.
    if (sample.bad_lines > sample.filled) throw DataError(*sample.fault);
  }
  for (const Format& format : formats()) {
    if (std::string reason = format.detect(samples, wanted, options); !reason.empty())
      return {&format, std::move(reason)};
  }
  std::string known;
  for (const Format& format : formats())
    known += fmt::format("{}{} ({})", known.empty() ? "" : "; ", format.name, format.summary);
  if (samples.size() != 1) {
    throw DataError(files.empty() ? "data" : files.front(), 0, 0,
                    fmt::format("[data] the format must be known; got {} files. Known: {}.", files.size(), known));
  }
  const auto& lines = samples.front().lines;
  const auto first = std::find_if(lines.begin(), lines.end(), [](const auto& line) { return !trim(line).empty(); });
  if (first == lines.end())
    throw DataError(files.front(), 0, 0,
                    fmt::format("[data] the format must be known; got blank lines only. Known: {}.", known));
  throw error_at(
      files.front(), {samples.front().first, column_of(*first, trim(*first))},
      fmt::format("[data] the format must be known; got lines such as {}. Known: {}.", clip_quoted(*first), known));
}

PairData read_pairs(const std::vector<std::string>& files, const ReadOptions& options, const PairFormat& wanted) {
  const Format& format = *detect_format(files, options, wanted).format;
  if (format.read_pairs == nullptr) {
    throw DataError(files.front(), 0, 0,
                    fmt::format("[data] this task needs sources and targets; got {}. Give one file with two "
                                "tab-separated columns, or say what a table's columns are: --columns source,target.",
                                format.summary));
  }
  return format.read_pairs(files, wanted, options);
}

}  // namespace carousel::data
