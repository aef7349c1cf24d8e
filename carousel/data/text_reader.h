// Running text: files of lines without columns, of any size. A text is read as often as it is needed and never held.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/line_reader.h"
#include "carousel/data/symbol_store.h"
#include "carousel/data/tokenizer.h"

namespace carousel::data {

/// All lines of some files, one after the other, blank ones included.
class TextFiles {
 public:
  /// Reads them once and counts their lines. Throws what LineReader throws, DataError when no line holds anything, and
  /// ConfigError without a file.
  TextFiles(std::vector<std::string> files, const ReadOptions& options = {});

  /// The first file.
  const std::string& file() const { return files_.front(); }
  int64_t lines() const { return lines_; }
  /// Calls take(line, its number in its file) for lines [begin, end), counted from 0 through all files. Throws
  /// DataError when the files have another number of lines by now.
  void each_line(int64_t begin, int64_t end, const std::function<void(std::string_view, int64_t)>& take) const;

 private:
  std::vector<std::string> files_;
  ReadOptions options_;
  std::vector<int64_t> lines_of_;  ///< of each file
  int64_t lines_ = 0;
};

/// A text as one sequence of symbols; every line ends with Vocabulary::kEos.
struct TokenStream {
  SymbolStore ids;
  std::vector<int64_t> counts;  ///< [V] how often each symbol stands in it
  int64_t lines = 0;
  int64_t characters = 0;  ///< code points of the lines as the tokenizer sees them, and one for each line end
  int64_t unknown = 0;     ///< ids that are Vocabulary::kUnk

  int64_t size() const { return ids.size(); }
  /// Number, in its file, of the line that holds ids[index].
  int64_t line_of(int64_t index) const;

  struct Mark {
    int64_t index = 0, line = 0;
  };
  std::vector<Mark> marks;  ///< beginnings of lines: of each file, and now and then in between
};

/// Lines [begin, end) of a text. More than `held_bytes` of symbols lie in a scratch file, see SymbolStore.
TokenStream make_stream(const Tokenizer& tokenizer, const TextFiles& text, int64_t begin = 0,
                        int64_t end = std::numeric_limits<int64_t>::max(),
                        int64_t held_bytes = SymbolStore::kHeldBytes);

}  // namespace carousel::data
