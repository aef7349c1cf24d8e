// Files of the UCR/UEA archive of time series.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/each_line.h"
#include "carousel/data/frames/readers.h"
#include "carousel/data/place.h"
#include "carousel/data/series.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr int64_t kLongestRow = int64_t{1} << 28;  ///< bytes: a row holds a whole series of many dimensions

/// "@classLabel true a b" -> {"classlabel", "true a b"}.
std::pair<std::string, std::string_view> key_and_value(std::string_view line) {
  const size_t end = std::min(line.find_first_of(" \t"), line.size());
  return {fold_case(line.substr(1, end - 1), LetterCase::lower), trim(line.substr(end))};
}

std::vector<std::string_view> cut(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(trim(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return parts;
}

/// Straight lines over what is missing; at the ends the nearest value. False where there is no value at all.
bool fill_gaps(std::vector<float>& values) {
  std::optional<size_t> last;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    const size_t from = last ? *last + 1 : 0;
    for (size_t k = from; k < i; ++k) {
      const double share = last ? static_cast<double>(k - *last) / static_cast<double>(i - *last) : 1;
      const auto to = static_cast<double>(values[i]), before = last ? static_cast<double>(values[*last]) : to;
      values[k] = static_cast<float>(before + share * (to - before));
    }
    last = i;
  }
  if (!last) return false;
  for (size_t k = *last + 1; k < values.size(); ++k) values[k] = values[*last];
  return true;
}

constexpr size_t kClassesShown = 10;

using Classes = std::set<std::string, std::less<>>;

std::string text_of(const Classes& classes) {
  std::vector<std::string> shown(classes.begin(), classes.end());
  if (shown.size() > kClassesShown) {
    shown.resize(kClassesShown);
    shown.emplace_back("...");
  }
  return fmt::format("{}", fmt::join(shown, ", "));
}

class TsReader {
 public:
  TsReader(const std::string& file, const ReadOptions& options) : options_(options) {
    options_.max_line_bytes = kLongestRow;
    set_.file = file;
    set_.format = "ts";
  }

  FrameSet read() {
    LineReader reader(set_.file, options_);
    bool data = false;
    each_line(
        reader, options_, [] {},
        [&](std::string_view line) {
          whole_ = line;
          line = trim(line);
          line_ = reader.line();
          if (line.starts_with('#')) return;
          if (data) {
            add(line);
          } else if (line.starts_with('@')) {
            data = header(line);
          } else {
            fail("before @data there are only lines that begin with @ or #", line, line, "Check the file.");
          }
        });
    if (!data)
      throw DataError(set_.file, 0, 0,
                      "[data] a .ts file has a line @data before its series; got \"none\". Check that the file is "
                      "whole.");
    if (filled_ > 0)
      set_.notes.push_back(fmt::format(
          "{} between neighbours",
          counted(filled_, "missing value was put on a straight line", "missing values were put on straight lines")));
    return std::move(set_);
  }

 private:
  /// `at` is the part of the line that is wrong.
  [[noreturn]] void fail(const std::string& rule, std::string_view at, std::string_view got,
                         const std::string& remedy) const {
    throw error_at(set_.file, {line_, column_of(whole_, at)},
                   fmt::format("[data] {}; got {}. {}", rule, clip_quoted(got), remedy));
  }

  bool header(std::string_view line) {
    const auto [key, value] = key_and_value(line);
    const std::string folded = fold_case(value, LetterCase::lower);
    if (key == "timestamps" && folded == "true")
      fail("series must be sampled at equal steps", value, "@timeStamps true", "Interpolate them to equal steps.");
    if (key == "targetlabel" && folded == "true")
      fail("series must have labels", value, "@targetLabel true, which are numbers to estimate",
           "Give labelled series.");
    if (key == "classlabel") {
      labelled_ = !folded.starts_with("false");
      const std::vector<std::string_view> words = split_words(value);
      if (folded.starts_with("true")) classes_.insert(words.begin() + 1, words.end());
    }
    return key == "data";
  }

  void add(std::string_view line) {
    std::vector<std::string_view> parts = cut(line, ':');
    FrameExample example;
    example.line = line_;
    example.column = column_of(whole_, parts.back());
    example.name = fmt::format("series {}", set_.examples.size() + 1);
    if (labelled_) {
      if (parts.back().empty()) fail("a series ends with its label", parts.back(), parts.back(), "Give it one.");
      require_known(parts.back());
      example.target = parts.back() == "?" ? "" : std::string(parts.back());
      parts.pop_back();
    }
    if (parts.empty()) fail("a row must hold a series", line, line, "Write its values, and its label last.");
    const auto width = static_cast<int64_t>(parts.size());
    if (set_.width == 0) set_.width = width;
    if (width != set_.width)
      fail(fmt::format("every series must have {} dimensions, as the first one", set_.width),
           width > set_.width ? parts[static_cast<size_t>(set_.width)] : behind(parts.back()), fmt::format("{}", width),
           "Check the colons between them.");
    std::vector<std::vector<float>> dimensions;
    for (const std::string_view part : parts) {
      dimensions.push_back(dimension_of(part));
      if (dimensions.back().size() == dimensions.front().size()) continue;
      const std::vector<std::string_view> cells = cut(part, ',');
      const size_t length = dimensions.front().size();
      fail(fmt::format("all dimensions of a series must have {} values, as its first", length),
           cells.size() > length ? cells[length] : behind(part), fmt::format("{}", cells.size()), "Check the row.");
    }
    example.length = static_cast<int64_t>(dimensions.front().size());
    for (size_t t = 0; t < dimensions.front().size(); ++t)
      for (const std::vector<float>& dimension : dimensions) example.values.push_back(dimension[t]);
    set_.examples.push_back(std::move(example));
  }

  /// Where a part ends.
  static std::string_view behind(std::string_view part) { return part.substr(part.size()); }

  void require_known(std::string_view label) const {
    if (classes_.empty() || label == "?" || classes_.contains(label)) return;
    fail(fmt::format("a label must be one that @classLabel names ({})", text_of(classes_)), label, label,
         "Correct it, or add it to @classLabel.");
  }

  std::vector<float> dimension_of(std::string_view text) {
    std::vector<float> values;
    for (const std::string_view cell : cut(text, ',')) {
      double number = 0;
      if (parse_number(cell, number)) {
        values.push_back(static_cast<float>(number));
        if (!std::isfinite(values.back())) fail("values must fit into 32 bits", cell, cell, "Scale them.");
      } else if (is_missing(cell) && !cell.empty()) {
        values.push_back(std::numeric_limits<float>::quiet_NaN());
        ++filled_;
      } else {
        fail("a value must be a number, or ? where it is missing", cell, cell, "Check the row.");
      }
    }
    if (!fill_gaps(values)) fail("a dimension must hold a value", text, text, "Take the series out.");
    return values;
  }

  ReadOptions options_;
  FrameSet set_;
  bool labelled_ = true;
  Classes classes_;         ///< that the file says it has; empty: it does not say
  std::string_view whole_;  ///< the line, with the blanks around it
  int64_t line_ = 0, filled_ = 0;
};

}  // namespace

FrameSet read_ts(const std::string& file, const ReadOptions& options) {
  return TsReader(file, options).read();
}

}  // namespace carousel::data
