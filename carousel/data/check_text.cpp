#include "carousel/data/check_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "carousel/base/error.h"
#include "carousel/data/text_reader.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr int64_t kLong = 40;  ///< characters of a line that hardly comes twice by chance

void look_at_line(std::string_view line, int64_t number, const std::string& file, RunningTextReport& report) {
  report.words += static_cast<int64_t>(split_words(line).size());
  const int64_t length = count_code_points(line);
  report.characters += length;
  if (length > report.longest) report.longest = length, report.longest_line = number;
  report.blank_lines += trim(line).empty();
  for (const std::string_view c : code_points(line)) {
    const char32_t point = first_code_point(c);
    if (point == '\t' || !is_suspicious(point)) continue;
    report.suspicious.add(fmt::format("{}:{}: U+{:04X}", file, number, static_cast<uint32_t>(point)));
    return;
  }
}

}  // namespace

bool is_suspicious(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool invisible = c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                         (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF;
  return control || invisible || c == 0xFFFD;
}

void check_text(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                const ReadOptions& options, DataReport& report) {
  RunningTextReport found;
  const TextFiles text(files, options);
  found.lines = text.lines();
  std::unordered_set<size_t> known;  // hashes: the text may be of any size
  const bool compared = !dev_files.empty();
  text.each_line(0, text.lines(), [&](std::string_view line, int64_t number) {
    look_at_line(line, number, text.file(), found);
    if (compared) known.insert(std::hash<std::string_view>()(trim(line)));
  });
  report.has_dev = compared;
  if (compared) {
    const TextFiles held_out(dev_files, options);
    report.dev.examples = held_out.lines();
    held_out.each_line(0, held_out.lines(), [&](std::string_view line, int64_t number) {
      if (count_code_points(line) < kLong) return;
      ++found.dev_long_lines;
      if (!known.contains(std::hash<std::string_view>()(trim(line)))) return;
      report.dev.leaked.add(fmt::format("{}:{}: {}", held_out.file(), number, clip_quoted(line)));
    });
  }
  report.text = std::move(found);
}

}  // namespace carousel::data
