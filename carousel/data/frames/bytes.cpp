#include <fmt/format.h>
#include <zlib.h>

#include <filesystem>
#include <memory>

#include "carousel/base/error.h"
#include "carousel/data/frames/readers.h"

namespace carousel::data {

namespace {

constexpr unsigned kBlockBytes = 1U << 18;

struct Close {
  void operator()(gzFile_s* stream) const { gzclose(stream); }
};
using Stream = std::unique_ptr<gzFile_s, Close>;

[[noreturn]] void refuse(const std::string& file, const std::string& got, const char* remedy) {
  throw DataError(file, 0, 0, fmt::format("[data] the file must be readable; got {}. {}", got, remedy));
}

Stream open(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) refuse(file, "a directory", "Name a file in it.");
  Stream stream(gzopen(file.c_str(), "rbe"));  // reads plain files as they are
  if (!stream) refuse(file, "no file that can be opened", "Check the path.");
  gzbuffer(stream.get(), kBlockBytes);
  return stream;
}

}  // namespace

std::string first_bytes(const std::string& file, int64_t count) {
  const Stream stream = open(file);
  std::string bytes(static_cast<size_t>(count), '\0');
  const int got = gzread(stream.get(), bytes.data(), static_cast<unsigned>(count));
  bytes.resize(static_cast<size_t>(std::max(got, 0)));
  return bytes;
}

std::string read_unpacked(const std::string& file, int64_t max_bytes) {
  const Stream stream = open(file);
  std::string bytes, block(kBlockBytes, '\0');
  for (;;) {
    const int got = gzread(stream.get(), block.data(), kBlockBytes);
    int code = Z_OK;
    const char* text = gzerror(stream.get(), &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END))
      refuse(file, fmt::format("damaged gzip data ({})", text), "Fetch it again.");
    if (got == 0) return bytes;
    bytes.append(block.data(), static_cast<size_t>(got));
    if (static_cast<int64_t>(bytes.size()) > max_bytes)
      refuse(file, fmt::format("more than {} bytes", max_bytes), "Cut it into pieces.");
  }
}

}  // namespace carousel::data
