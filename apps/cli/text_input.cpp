#include "apps/cli/text_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "apps/cli/output.h"
#include "carousel/base/error.h"
#include "carousel/data/line_reader.h"

namespace carousel::cli {

namespace {

constexpr size_t kLongestLine = size_t{1} << 20;

}  // namespace

LineSource::LineSource(std::string path)
    : path_(std::move(path)),
      name_(path_ == "-" ? "(standard input)" : path_),
      file_(STDIN_FILENO),
      unpacker_(name_, "predict") {
  if (path_ == "-") return;
  if (path_.empty()) throw ConfigError("[predict] a file needs a name; got an empty one. Name the file.");
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    throw DataError(name_, 0, 0, "[predict] the file must exist; got none of this name. Check the path.");
  }
  if (file_ < 0 && errno == EACCES) {
    throw DataError(name_, 0, 0, "[predict] the file must be readable; got: permission denied. Make it readable.");
  }
  if (file_ < 0) {
    throw ResourceError(fmt::format("[predict] {} must be readable; got: {}. Check its permissions.", name_,
                                    std::generic_category().message(errno)));
  }
}

LineSource::~LineSource() {
  if (path_ != "-" && file_ >= 0) ::close(file_);
}

/// Reads what is there into piece_; nothing at the end of the file.
void LineSource::read_piece() {
  constexpr size_t kPiece = size_t{1} << 16;
  piece_.resize(kPiece);
  ssize_t count = -1;
  do {
    count = ::read(file_, piece_.data(), kPiece);
  } while (count < 0 && errno == EINTR);
  const int error = errno;
  piece_.resize(static_cast<size_t>(count > 0 ? count : 0));
  if (count < 0 && error == EISDIR) {
    throw DataError(name_, 0, 0, "[predict] a file is needed; got a directory. Name a file in it.");
  }
  if (count < 0) {
    throw ResourceError(fmt::format("[predict] {} must be readable to its end; got: {}. Check the disk.", name_,
                                    std::generic_category().message(error)));
  }
}

/// Finds out whether the file is packed. A pipe may bring the first bytes of a packed one singly; a line of text is not
/// held up.
void LineSource::begin() {
  constexpr std::array<std::string_view, 2> kBeginnings = {"\x1F\x8B", "\x28\xB5\x2F\xFD"};
  std::string first = piece_;
  const auto may_be_packed = [&](std::string_view magic) {
    return first.size() < magic.size() && magic.starts_with(first);
  };
  while (!first.empty() && std::any_of(kBeginnings.begin(), kBeginnings.end(), may_be_packed)) {
    read_piece();
    if (piece_.empty()) break;
    first += piece_;
  }
  piece_ = std::move(first);
  unpacker_.begin(piece_);
  begun_ = true;
}

bool LineSource::fill() {
  constexpr size_t kPiece = size_t{1} << 16;  // a packed file is taken in small steps: a kilobyte can be a megabyte
  buffer_.erase(0, used_);
  used_ = 0;
  const size_t before = buffer_.size();
  for (;;) {
    buffer_.resize(before + kPiece);
    buffer_.resize(before + unpacker_.step(rest_, buffer_.data() + before, kPiece));
    if (buffer_.size() > before) return true;
    read_piece();
    if (!begun_) begin();
    rest_ = piece_;
    if (piece_.empty()) {
      unpacker_.require_end();
      return false;
    }
  }
}

/// False when the line is refused: fault_ says why.
bool LineSource::add(std::vector<std::string>* lines, std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (++line_ == 1 && line.rfind("\xEF\xBB\xBF", 0) == 0) line.erase(0, 3);
  try {
    if (line.size() > kLongestLine) {
      throw DataError(name_, line_, kLongestLine + 1,
                      fmt::format("[predict] a line may hold {} bytes; got more. Split it.", kLongestLine));
    }
    data::check_text(line, name_, line_);
  } catch (const DataError& error) {
    fault_ = error;
    return false;
  }
  lines->push_back(std::move(line));
  return true;
}

void LineSource::take_complete_lines(std::vector<std::string>* lines, size_t most) {
  while (lines->size() < most) {
    const size_t end = buffer_.find('\n', used_);
    if (end == std::string::npos) return;
    std::string line = buffer_.substr(used_, end - used_);
    used_ = end + 1;
    if (!add(lines, std::move(line))) return;
  }
}

bool LineSource::next(std::vector<std::string>* lines, size_t most) {
  lines->clear();
  if (!fault_) take_complete_lines(lines, most);
  while (lines->empty() && !ended_ && !fault_) {
    if (!fill()) {
      ended_ = true;
      if (!buffer_.empty()) add(lines, std::exchange(buffer_, ""));
      break;
    }
    take_complete_lines(lines, most);
    // Not kept to its end: it may have none.
    if (!fault_ && buffer_.size() - used_ > kLongestLine + 1) add(lines, std::exchange(buffer_, "").substr(used_));
  }
  if (lines->empty() && fault_) throw DataError(*fault_);
  return !lines->empty();
}

std::string first_input(const std::string& path) {
  try {
    // A pipe would block or lose its data: only a file can be looked at again.
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "example";
    LineSource source(path);
    std::vector<std::string> lines;
    while (source.next(&lines, 64)) {
      for (const std::string& line : lines) {
        const std::string input = line.substr(0, line.find('\t'));
        constexpr size_t kLongestExample = 200;
        // A compressed file shows as bytes that no terminal should see.
        const bool shows = input.size() <= kLongestExample && printable(input) == input;
        if (!input.empty()) return shows ? input : "example";
      }
    }
  } catch (const Error&) {
    return "example";  // only a hint: the file was good when it was trained on
  }
  return "example";
}

}  // namespace carousel::cli
