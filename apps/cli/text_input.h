// Lines of text from a file or a pipe, as they come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "carousel/base/error.h"

namespace carousel::cli {

/// Reads lines in portions: whatever one read() gives, so that a pipe is answered at once and a file in large batches.
class LineSource {
 public:
  /// `path` "-": standard input. Throws DataError or ResourceError.
  explicit LineSource(std::string path);
  ~LineSource();
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;

  /// The next lines, at most `most`, without their ends (LF or CR LF); false at the end of the input. A last line
  /// without an end counts; a byte order mark at the start does not. Throws DataError for a line that is longer than
  /// 1 MiB (training's default), no UTF-8 or holds NUL; the lines before it are given first.
  bool next(std::vector<std::string>* lines, size_t most);

 private:
  bool fill();
  void take_complete_lines(std::vector<std::string>* lines, size_t most);
  bool add(std::vector<std::string>* lines, std::string line);

  std::string path_;
  std::string name_;
  int file_;
  std::string buffer_;
  size_t used_ = 0;  ///< bytes of buffer_ already handed out
  int64_t line_ = 0;
  bool ended_ = false;
  std::optional<DataError> fault_;  ///< of the line after those handed out
};

/// The first column of the first non-empty line, as an example to show; "example" when there is none.
std::string first_input(const std::string& path);

}  // namespace carousel::cli
