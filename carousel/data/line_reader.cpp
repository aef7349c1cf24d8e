#include "carousel/data/line_reader.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

void check_length(int64_t bytes, int64_t most, const std::string& file, int64_t line) {
  if (bytes <= most) return;
  throw DataError(
      file, line, most + 1,
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
  State(std::string name, const ReadOptions& limits)
      : stream(std::move(name), "the file must be readable text"), options(limits) {
    if (options.max_text_bytes <= 0) options.max_text_bytes = UnpackLimits::in_force().most_read();
    fill();
    if (filled == 0)
      throw DataError(file(), 0, 0,
                      "[data] the file must be readable text; got an empty file. Write one example per line into it.");
    const std::string_view start(block.get(), filled);
    if (start.starts_with(kByteOrderMark)) used = kByteOrderMark.size();
    if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
      throw DataError(file(), 1, 1,
                      "[data] text must be UTF-8; got a UTF-16 byte order mark. Convert the file: "
                      "iconv -f UTF-16 -t UTF-8 FILE > NEW.");
    }
  }

  const std::string& file() const { return stream.name(); }

  /// Reads the next block; `filled` is 0 at the end.
  void fill() {
    used = 0;
    filled = stream.read(block.get(), kBlockBytes, line + 1);
    total += static_cast<int64_t>(filled);
    if (total > options.max_text_bytes) {
      throw DataError(file(), line + 1, 0,
                      fmt::format("[data] a file may hold at most {} bytes of text; got more. Split the file, or set "
                                  "CAROUSEL_DATA_MAX_UNPACKED_BYTES higher.",
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
      const char* begin = block.get() + used;
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

  UnpackedFile stream;
  ReadOptions options;
  std::unique_ptr<char[]> block = std::make_unique_for_overwrite<char[]>(kBlockBytes);  // nobody need clear it
  std::string carry;                                                                    // a line that spans blocks
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
      check_length(state_->length - (carriage_return ? 1 : 0), options.max_line_bytes, state_->file(), state_->line);
      check_text(line, state_->file(), state_->line);
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
  return state_->file();
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
