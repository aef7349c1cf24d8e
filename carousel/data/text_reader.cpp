#include "carousel/data/text_reader.h"

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

TextData read_text(const std::vector<std::string>& files, const ReadOptions& options) {
  if (files.empty()) throw ConfigError("[data] at least one file is needed; got none. Name one.");
  TextData data;
  data.file = files.front();
  bool anything = false;
  for (const std::string& file : files) {
    LineReader reader(file, options);
    std::string_view line;
    while (reader.next(line)) {
      data.lines.push_back({std::string(line), reader.line()});
      anything = anything || !trim(line).empty();
    }
  }
  if (!anything)
    throw DataError(data.file, 0, 0,
                    "[data] a text needs a line with something in it; got blank lines only. Check it.");
  return data;
}

int64_t TokenStream::line_of(int64_t index) const {
  const auto after = std::upper_bound(starts.begin(), starts.end(), index);
  return after == starts.begin() ? 0 : lines[static_cast<size_t>(after - starts.begin() - 1)];
}

TokenStream make_stream(const Tokenizer& tokenizer, const TextData& text, size_t begin, size_t end) {
  TokenStream stream;
  for (size_t i = begin; i < end; ++i) {
    const TextLine& line = text.lines[i];
    stream.starts.push_back(stream.size());
    stream.lines.push_back(line.line);
    const std::vector<int32_t> ids = tokenizer.encode(line.text);
    stream.unknown += std::count(ids.begin(), ids.end(), Vocabulary::kUnk);
    stream.ids.insert(stream.ids.end(), ids.begin(), ids.end());
    stream.ids.push_back(Vocabulary::kEos);
    const std::string form = tokenizer.form().apply(line.text);
    stream.characters += 1 + std::count_if(form.begin(), form.end(), [](char c) { return (c & 0xC0) != 0x80; });
  }
  return stream;
}

}  // namespace carousel::data
