#include "carousel/data/unpack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/codecs/codec.h"

namespace carousel::data {

namespace {

constexpr size_t kSmallBlock = size_t{1} << 12, kUnpackedBlock = size_t{1} << 18;

}  // namespace

void UnpackLimits::options(OptionTable& table) {
  table.section("data");
  table
      .add("max_unpacked_ratio", &ratio,
           "Bytes that a byte of a packed file may become, beyond the first 64 MiB of it.")
      .range(1, 1e9);
  table
      .add("max_unpacked_bytes", &bytes,
           "Most bytes of one file, unpacked; auto: 64 GiB, and 4 GiB of what is held in memory as a whole.")
      .range(1, 1e15)
      .automatic();
}

UnpackLimits UnpackLimits::in_force() {
  UnpackLimits limits;
  OptionTable table;
  limits.options(table);
  table.read_environment();
  return limits;
}

bool UnpackLimits::allows(int64_t packed, int64_t unpacked) const {
  return static_cast<double>(unpacked) <= static_cast<double>(kAlwaysAllowed) + ratio * static_cast<double>(packed);
}

std::string_view without_packing(std::string_view file) {
  for (const Codec& codec : codecs())
    if (file.ends_with(codec.ending)) return file.substr(0, file.size() - codec.ending.size());
  return file;
}

bool named(std::string_view file, std::string_view ending) {
  return without_packing(file).ends_with(ending);
}

std::vector<std::string> packed_endings() {
  std::vector<std::string> endings;
  for (const Codec& codec : codecs()) endings.push_back(codec.ending);
  return endings;
}

Unpacker::Unpacker(std::string name, std::string where, int64_t size)
    : name_(std::move(name)), where_(std::move(where)), size_(size), limits_(UnpackLimits::in_force()) {}

Unpacker::~Unpacker() = default;

void Unpacker::begin(std::string_view first) {
  for (const Codec& codec : codecs()) {
    if (!codec.fits(first)) continue;
    codec_ = &codec;
    decoder_ = codec.make();
    return;
  }
}

void Unpacker::refuse(const std::string& got, int64_t line, const std::string& rule, const std::string& remedy) const {
  throw DataError(name_, line, 0,
                  fmt::format("[{}] {}; got: {}. {}", where_,
                              rule.empty() ? fmt::format("{} data must be whole", codec_->name) : rule, got,
                              remedy.empty() ? "Fetch or compress the file again." : remedy));
}

size_t Unpacker::step(std::string_view& in, char* out, size_t room, int64_t line) {
  if (!packed()) {
    const size_t count = std::min(in.size(), room);
    std::copy_n(in.data(), count, out);
    in.remove_prefix(count);
    return count;
  }
  for (;;) {
    if (!inside_) {
      if (in.empty()) return 0;
      padding_ = padding_ || (taken_ > 0 && in.front() == '\0');
      if (padding_) {
        if (in.find_first_not_of('\0') != std::string_view::npos) refuse("other bytes after its end", line);
        in = {};
        return 0;
      }
      decoder_->begin();
      inside_ = true;
    }
    const size_t before = in.size();
    bool ended = false;
    size_t got = 0;
    try {
      got = decoder_->step(in, out, room, ended);
    } catch (const Damage& damage) {
      refuse(damage.got, line, damage.rule, damage.remedy);
    }
    inside_ = !ended;
    taken_ += static_cast<int64_t>(before - in.size());
    given_ += static_cast<int64_t>(got);
    if (!limits_.allows(std::max(taken_, size_), given_))
      refuse(fmt::format("{} from {}", given_, std::max(taken_, size_)), line,
             fmt::format("a packed file may hold {} bytes, and {:g} for each byte of its size",
                         UnpackLimits::kAlwaysAllowed, limits_.ratio),
             "Is it damaged or hostile? If not, unpack it first, or set CAROUSEL_DATA_MAX_UNPACKED_RATIO higher.");
    if (got > 0) return got;
    if (!ended && in.size() == before) return 0;
  }
}

void Unpacker::require_end(int64_t line) const {
  if (inside_) refuse("the end in the middle", line);
}

/// Bytes as they lie in the file, and what unpacks them.
struct UnpackedFile::Packed {
  Packed(const std::string& name, int64_t size) : unpacker(name, "data", size) {}
  Unpacker unpacker;
  /// kUnpackedBlock bytes. Nobody clears them: of a small file's block most pages are never touched.
  std::unique_ptr<char[]> block = std::make_unique_for_overwrite<char[]>(kUnpackedBlock);
  std::string_view rest;  ///< of the block
  bool ended = false;
};

UnpackedFile::UnpackedFile(std::string file, const char* rule) : name_(std::move(file)), rule_(rule) {
  if (name_.empty()) throw ConfigError("[data] a file needs a name; got an empty one. Name the file.");
  struct stat status {};
  // Before it is opened: that waits until somebody writes into a pipe.
  if (::stat(name_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) refuse("a directory", "Name a file in it.");
    if (!S_ISREG(status.st_mode))
      refuse("a pipe or a device, which gives its content only once", "Write it to a file and name that.");
  }
  descriptor_ = ::open(name_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) {
    const int error = errno;
    if (error == ENOENT) refuse("no such file", "Check the path.");
    if (error == EACCES) refuse("permission denied", "Make the file readable for this user.");
    refuse(std::strerror(error), "Check the path and the file system.");
  }
  try {
    packed_ = std::make_unique<Packed>(name_, static_cast<int64_t>(status.st_size));
    packed_->rest = {packed_->block.get(), read_raw(packed_->block.get(), kUnpackedBlock)};
    packed_->unpacker.begin(packed_->rest);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

UnpackedFile::~UnpackedFile() {
  ::close(descriptor_);
}

void UnpackedFile::refuse(const std::string& got, const char* remedy) const {
  throw DataError(name_, 0, 0, fmt::format("[data] {}; got {}. {}", rule_, got, remedy));
}

/// As many bytes as there are: one call may give fewer than asked for.
size_t UnpackedFile::read_raw(char* out, size_t room) const {
  size_t filled = 0;
  while (filled < room) {
    const ssize_t got = ::read(descriptor_, out + filled, room - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(std::strerror(errno), "Check the disk.");
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  return filled;
}

size_t UnpackedFile::read(char* out, size_t room, int64_t line) {
  Packed& p = *packed_;
  size_t filled = 0;
  while (filled < room) {
    if (!p.unpacker.packed() && p.rest.empty()) return filled + read_raw(out + filled, room - filled);
    const size_t got = p.unpacker.step(p.rest, out + filled, room - filled, line);
    filled += got;
    if (got > 0) continue;
    if (p.ended) {
      p.unpacker.require_end(line);
      break;
    }
    p.rest = {p.block.get(), read_raw(p.block.get(), kUnpackedBlock)};
    p.ended = p.rest.empty();
  }
  return filled;
}

std::string read_unpacked(const std::string& file, int64_t max_bytes) {
  const int64_t most = max_bytes > 0 ? max_bytes : UnpackLimits::in_force().most_held();
  UnpackedFile from(file);
  std::string bytes;
  for (;;) {
    const size_t before = bytes.size();
    const size_t room = std::clamp(before, kSmallBlock, kUnpackedBlock);
    bytes.resize(before + room);
    bytes.resize(before + from.read(bytes.data() + before, room));
    if (bytes.size() == before) return bytes;
    if (static_cast<int64_t>(bytes.size()) > most)
      throw DataError(file, 0, 0,
                      fmt::format("[data] a file may hold at most {} bytes, unpacked; got more. Cut it into pieces, or "
                                  "set CAROUSEL_DATA_MAX_UNPACKED_BYTES higher.",
                                  most));
  }
}

std::string first_bytes(const std::string& file, int64_t count) {
  UnpackedFile from(file);
  std::string bytes(static_cast<size_t>(count), '\0');
  try {
    bytes.resize(from.read(bytes.data(), bytes.size()));
  } catch (const DataError&) {
    bytes.clear();  // whoever reads the file as a whole says what is wrong with it
  }
  return bytes;
}

}  // namespace carousel::data
