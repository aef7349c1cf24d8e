#include "carousel/data/text_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr int64_t kMarkEvery = 4096;       ///< symbols between marks
constexpr size_t kAppendedAtOnce = 65536;  ///< symbols

}  // namespace

TextFiles::TextFiles(std::vector<std::string> files, const ReadOptions& options)
    : files_(std::move(files)), options_(options) {
  if (files_.empty()) throw ConfigError("[data] at least one file is needed; got none. Name one.");
  bool anything = false;
  for (const std::string& file : files_) {
    LineReader reader(file, options_);
    std::string_view line;
    int64_t lines = 0;
    for (; reader.next(line); ++lines) anything = anything || !trim(line).empty();
    lines_of_.push_back(lines);
    lines_ += lines;
  }
  if (!anything)
    throw DataError(file(), 0, 0, "[data] a text needs a line with something in it; got blank lines only. Check it.");
}

void TextFiles::each_line(int64_t begin, int64_t end,
                          const std::function<void(std::string_view, int64_t)>& take) const {
  ReadOptions again = options_;
  if (again.on_bad_line) again.on_bad_line = [](const DataError&) {};  // told when the lines were counted
  int64_t first = 0;                                                   // of the file
  for (size_t f = 0; f < files_.size() && first < end; first += lines_of_[f++]) {
    const int64_t last = std::min(end - first, lines_of_[f]);
    if (begin - first >= lines_of_[f]) continue;
    LineReader reader(files_[f], again);
    std::string_view line;
    int64_t at = 0;
    while (at < last && reader.next(line)) {
      if (first + at++ >= begin) take(line, reader.line());
    }
    if (at < last || (last == lines_of_[f] && reader.next(line)))
      throw DataError(files_[f], 0, 0,
                      fmt::format("[data] a text must stay as it is while it is read; got {} lines and then another "
                                  "number. Write to a copy of it.",
                                  lines_of_[f]));
  }
}

int64_t TokenStream::line_of(int64_t index) const {
  const auto after =
      std::upper_bound(marks.begin(), marks.end(), index, [](int64_t i, const Mark& mark) { return i < mark.index; });
  if (after == marks.begin()) return 0;
  const Mark& mark = *std::prev(after);
  std::vector<int32_t> between(static_cast<size_t>(index - mark.index));
  ids.read(mark.index, between);
  return mark.line + std::count(between.begin(), between.end(), Vocabulary::kEos);
}

TokenStream make_stream(const Tokenizer& tokenizer, const TextFiles& text, int64_t begin, int64_t end,
                        int64_t held_bytes) {
  TokenStream stream;
  const int64_t vocab_size = tokenizer.vocabulary().size();
  stream.ids = SymbolStore(vocab_size, held_bytes);
  stream.counts.assign(static_cast<size_t>(vocab_size), 0);
  Encoder encoder(tokenizer);
  std::vector<int32_t> ids;
  int64_t size = 0;
  text.each_line(begin, end, [&](std::string_view line, int64_t number) {
    // A file begins with its line 1: lines between two marks follow one another in one file.
    if (stream.marks.empty() || number == 1 || size - stream.marks.back().index >= kMarkEvery)
      stream.marks.push_back({size, number});
    const size_t before = ids.size();
    stream.characters += 1 + encoder.encode(line, ids);
    ids.push_back(Vocabulary::kEos);
    for (size_t i = before; i < ids.size(); ++i) ++stream.counts[static_cast<size_t>(ids[i])];
    size += static_cast<int64_t>(ids.size() - before);
    ++stream.lines;
    if (ids.size() < kAppendedAtOnce) return;
    stream.ids.append(ids);
    ids.clear();
  });
  stream.ids.append(ids);
  stream.unknown = stream.counts[static_cast<size_t>(Vocabulary::kUnk)];
  return stream;
}

}  // namespace carousel::data
