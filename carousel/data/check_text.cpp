#include "carousel/data/check_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>

#include "carousel/base/error.h"
#include "carousel/data/text_reader.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr size_t kLong = 40;  ///< characters of a line that hardly comes twice by chance

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

size_t hash_of(std::string_view line) {
  return std::hash<std::string_view>()(trim(line));
}

template <class Take>
void each_long_line(const TextFiles& text, Take take) {
  text.each_line(0, text.lines(), [&](std::string_view line, int64_t number) {
    if (count_code_points(line) >= static_cast<int64_t>(kLong)) take(line, number);
  });
}

}  // namespace

bool is_suspicious(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool invisible = c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                         (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF;
  return control || invisible || c == 0xFFFD;
}

void check_text(const std::vector<std::string>& files, const std::vector<std::string>& dev_files, CheckDepth depth,
                const ReadOptions& options, DataReport& report) {
  RunningTextReport found;
  const TextFiles text(files, options);
  found.lines = text.lines();
  report.has_dev = !dev_files.empty();
  std::optional<TextFiles> dev;
  if (report.has_dev) dev.emplace(dev_files, options);
  std::unordered_map<size_t, bool> known;  // hash of a long line of dev -> training has it; it may be of any size
  if (dev) each_long_line(*dev, [&](std::string_view line, int64_t) { known.emplace(hash_of(line), false); });
  text.each_line(0, text.lines(), [&](std::string_view line, int64_t number) {
    if (depth == CheckDepth::full) look_at_line(line, number, text.file(), found);
    if (known.empty() || line.size() < kLong) return;
    const auto place = known.find(hash_of(line));
    if (place != known.end()) place->second = true;
  });
  if (dev) {
    report.dev.examples = dev->lines();
    each_long_line(*dev, [&](std::string_view line, int64_t number) {
      ++found.dev_long_lines;
      if (known[hash_of(line)]) report.dev.leaked.add(fmt::format("{}:{}: {}", dev->file(), number, clip_quoted(line)));
    });
  }
  report.text = std::move(found);
}

}  // namespace carousel::data
