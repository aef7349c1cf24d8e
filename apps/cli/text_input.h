// Lines of text from a file or a pipe, as they come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/unpack.h"

namespace carousel::cli {

/// Reads lines in portions: whatever one read() gives, so that a pipe is answered at once and a file in large batches.
class LineSource {
 public:
  /// `path` "-": standard input. What begins like a packed file (gzip, zstd) is unpacked. Throws DataError,
  /// ResourceError, or ConfigError for an empty path.
  explicit LineSource(std::string path);
  ~LineSource();
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;

  /// The next lines, at most `most`, without their ends (LF or CR LF); false at the end of the input. A last line
  /// without an end counts; a byte order mark at the start does not. Throws DataError for damaged packed data and for a
  /// line that is longer than 1 MiB (training's default), no UTF-8 or holds NUL; the lines before it are given first.
  bool next(std::vector<std::string>* lines, size_t most);

  /// The file as messages name it.
  const std::string& name() const { return name_; }

 private:
  bool fill();
  void read_piece();
  void begin();
  void take_complete_lines(std::vector<std::string>* lines, size_t most);
  bool add(std::vector<std::string>* lines, std::string line);

  std::string path_;
  std::string name_;
  int file_;
  std::string piece_;      ///< of the file, as read last
  std::string_view rest_;  ///< of piece_
  data::Unpacker unpacker_;
  bool begun_ = false;
  std::string buffer_;
  size_t used_ = 0;  ///< bytes of buffer_ already handed out
  int64_t line_ = 0;
  bool ended_ = false;
  std::optional<DataError> fault_;  ///< of the line after those handed out
};

/// The first column of the first non-empty line, as an example to show; "example" when there is none.
std::string first_input(const std::string& path);

}  // namespace carousel::cli
