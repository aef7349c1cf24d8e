// Running text: files of lines without columns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/data/line_reader.h"
#include "carousel/data/tokenizer.h"

namespace carousel::data {

/// A place in some files.
struct TextLine {
  std::string text;
  int64_t line = 0;  ///< from 1
};

struct TextData {
  std::string file;  ///< the first file
  std::vector<TextLine> lines;
};

/// All lines of the files, one after the other, blank ones included. Throws what LineReader throws, and DataError when
/// no line holds anything.
TextData read_text(const std::vector<std::string>& files, const ReadOptions& options = {});

/// A text as one sequence of symbols; every line ends with Vocabulary::kEos.
struct TokenStream {
  std::vector<int32_t> ids;
  std::vector<int64_t> starts;  ///< of each line, in ids
  std::vector<int64_t> lines;   ///< its number in its file
  int64_t characters = 0;       ///< code points of the lines as the tokenizer sees them, and one for each line end
  int64_t unknown = 0;          ///< ids that are Vocabulary::kUnk

  int64_t size() const { return static_cast<int64_t>(ids.size()); }
  /// Number, in its file, of the line that holds ids[index].
  int64_t line_of(int64_t index) const;
};

/// Lines [begin, end) of a text.
TokenStream make_stream(const Tokenizer& tokenizer, const TextData& text, size_t begin, size_t end);

}  // namespace carousel::data
