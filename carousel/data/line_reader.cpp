#include "carousel/data/line_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[noreturn]] void refuse(const std::string& file, const std::string& got, const std::string& remedy) {
  throw DataError(file, 0, 0, fmt::format("[data] the file must be readable text; got {}. {}", got, remedy));
}

/// Opens for reading; the descriptor belongs to the caller.
int open_file(const std::string& file) {
  if (file.empty()) throw ConfigError("[data] a file needs a name; got an empty one. Name the file.");
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const int error = errno;
    if (error == ENOENT) refuse(file, "no such file", "Check the path.");
    if (error == EACCES) refuse(file, "permission denied", "Make the file readable for this user.");
    refuse(file, std::strerror(error), "Check the path and the file system.");
  }
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(descriptor);
    refuse(file, "a directory", "Name a file in it.");
  }
  return descriptor;
}

void check_length(int64_t bytes, int64_t most, const std::string& file, int64_t line) {
  if (bytes <= most) return;
  throw DataError(
      file, line, 0,
      fmt::format("[data] a line may have at most {} bytes (max_line_bytes); got {}. Check that line ends are "
                  "not missing, or raise max_line_bytes.",
                  most, bytes));
}

}  // namespace

void ReadOptions::bad_line(const DataError& error) const {
  if (!on_bad_line) throw error;
  on_bad_line(error);
}

struct LineReader::State {
  State(std::string name, const ReadOptions& limits) : file(std::move(name)), options(limits), block(kBlockBytes) {
    const int descriptor = open_file(file);
    stream = gzdopen(descriptor, "rb");  // reads plain files as they are
    if (stream == nullptr) {
      ::close(descriptor);
      throw ResourceError(fmt::format("[data] opening {} needs memory; got none. Close other programs.", file));
    }
    gzbuffer(stream, kBlockBytes);
    try {
      fill();
      if (filled == 0) refuse(file, "an empty file", "Write one example per line into it.");
      const std::string_view start(block.data(), filled);
      if (start.starts_with(kByteOrderMark)) used = kByteOrderMark.size();
      if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
        throw DataError(file, 1, 1,
                        "[data] text must be UTF-8; got a UTF-16 byte order mark. Convert the file: "
                        "iconv -f UTF-16 -t UTF-8 FILE > NEW.");
      }
    } catch (...) {
      gzclose(stream);
      throw;
    }
  }
  ~State() { gzclose(stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// Reads the next block; `filled` is 0 at the end.
  void fill() {
    used = 0;
    const int got = gzread(stream, block.data(), static_cast<unsigned>(block.size()));
    int error = Z_OK;
    const char* text = gzerror(stream, &error);
    // A truncated gzip file reads as a short count and then Z_BUF_ERROR.
    if (got < 0 || (error != Z_OK && error != Z_STREAM_END)) {
      if (error == Z_ERRNO) refuse(file, std::strerror(errno), "Check the disk.");
      throw DataError(file, line + 1, 0,
                      fmt::format("[data] gzip data must be whole; got: {}. Fetch or compress the file again.", text));
    }
    filled = static_cast<size_t>(got);
    total += got;
    if (total > options.max_text_bytes) {
      throw DataError(file, line + 1, 0,
                      fmt::format("[data] a file may hold at most {} bytes of text; got more. Split the file.",
                                  options.max_text_bytes));
    }
  }

  /// Finds the next line end; the line's text is in `out`, which points into the block or into `carry`. A line that is
  /// too long is read to its end, so that the next call finds the line after it, but not kept.
  bool next(std::string_view& out) {
    carry.clear();
    length = 0;
    bool started = false;
    for (;;) {
      if (used == filled) {
        if (filled != 0) fill();
        if (filled == 0) {
          out = carry;
          return started;
        }
      }
      if (!started) ++line;
      started = true;
      const char* begin = block.data() + used;
      const auto* end = static_cast<const char*>(std::memchr(begin, '\n', filled - used));
      const size_t part = end != nullptr ? static_cast<size_t>(end - begin) : filled - used;
      length += static_cast<int64_t>(part);
      used += part + (end != nullptr ? 1 : 0);
      if (end != nullptr && carry.empty()) {
        out = {begin, part};
        return true;
      }
      if (length <= options.max_line_bytes + 1) carry.append(begin, part);  // one more for a carriage return
      if (end != nullptr) {
        out = carry;
        return true;
      }
    }
  }

  std::string file;
  ReadOptions options;
  gzFile stream = nullptr;
  std::vector<char> block;
  std::string carry;  // a line that spans blocks
  size_t used = 0, filled = 0;
  int64_t total = 0;
  int64_t line = 0;
  int64_t length = 0;  // bytes of the line read last, its end not counted
};

LineReader::LineReader(std::string file, const ReadOptions& options)
    : state_(std::make_unique<State>(std::move(file), options)) {}
LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;

bool LineReader::next(std::string_view& line) {
  const ReadOptions& options = state_->options;
  while (state_->next(line)) {
    try {
      const bool carriage_return = line.ends_with('\r');
      if (carriage_return) line.remove_suffix(1);
      check_length(state_->length - (carriage_return ? 1 : 0), options.max_line_bytes, state_->file, state_->line);
      check_text(line, state_->file, state_->line);
      return true;
    } catch (const DataError& error) {
      options.bad_line(error);
    }
  }
  return false;
}

int64_t LineReader::line() const {
  return state_->line;
}
const std::string& LineReader::file() const {
  return state_->file;
}

void check_text(std::string_view line, const std::string& file, int64_t number) {
  const size_t nul = line.find('\0');
  if (nul != std::string_view::npos) {
    throw DataError(file, number, static_cast<int64_t>(nul) + 1,
                    "[data] text must not hold NUL bytes; got one. Is this a binary or UTF-16 file? Convert it: "
                    "iconv -f UTF-16 -t UTF-8 FILE > NEW.");
  }
  const int64_t bad = find_invalid_utf8(line);
  if (bad >= 0) {
    throw DataError(file, number, bad + 1,
                    fmt::format("[data] text must be UTF-8; got byte 0x{:02X}. Convert the file, for example: "
                                "iconv -f LATIN1 -t UTF-8 FILE > NEW.",
                                static_cast<uint8_t>(line[static_cast<size_t>(bad)])));
  }
}

}  // namespace carousel::data
