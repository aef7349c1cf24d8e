// Lines of text files, plain or packed (unpack.h): every way in which a file can be bad ends in a DataError with its
// position.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "carousel/base/error.h"

namespace carousel::data {

/// Bounds that keep a hostile or mistaken file from exhausting the machine.
struct ReadOptions {
  int64_t max_line_bytes = int64_t{1} << 20;
  /// Bytes of text in one file, unpacked; 0: UnpackLimits decide.
  int64_t max_text_bytes = 0;
  /// Called instead of throwing for a fault of a single line, which is then skipped: to list all faults of a file.
  std::function<void(const DataError&)> on_bad_line;

  /// Hands the error to on_bad_line, or throws it when there is none.
  void bad_line(const DataError& error) const;
};

/// Reads a file line by line. LF and CRLF end a line; the last line needs no end. A UTF-8 byte order mark is skipped.
/// Memory use is bounded by the longest line. A packed file (gzip, zstd) is unpacked as it is read.
///
/// DataError: no such file, not readable, a directory, empty, a line longer than max_line_bytes, invalid UTF-8 (with
/// the byte), a NUL byte, damaged packed data, more text than max_text_bytes or than UnpackLimits allow. ConfigError:
/// an empty name.
class LineReader {
 public:
  explicit LineReader(std::string file, const ReadOptions& options = {});
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;

  /// The next line without its end, or false at the end of the file. The view is valid until the next call.
  bool next(std::string_view& line);
  /// Number of the line that `next` gave last, from 1.
  int64_t line() const;
  const std::string& file() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Throws DataError when `line` holds a NUL byte or invalid UTF-8; `number` is its line number in `file`.
void check_text(std::string_view line, const std::string& file, int64_t number);

}  // namespace carousel::data
