#include "carousel/base/scratch_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "carousel/base/error.h"

namespace carousel {

ScratchFile::ScratchFile() {
  const char* wanted = std::getenv("TMPDIR");
  folder_ = wanted != nullptr && *wanted != '\0' ? wanted : "/var/tmp";
  file_ = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
  if (file_ >= 0) return;
  // Not all file systems have files without a name.
  std::string name = folder_ + "/.carousel-XXXXXX";
  file_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0) fail("be writable", errno);
  ::unlink(name.c_str());
}

ScratchFile::~ScratchFile() {
  ::close(file_);
}

void ScratchFile::fail(const char* doing, int error) const {
  throw ResourceError(
      fmt::format("[scratch] the folder for temporary files, {}, must {}; got: {}. Make room there, or name another "
                  "folder in the environment variable TMPDIR.",
                  folder_, doing, std::generic_category().message(error)));
}

void ScratchFile::append(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(file_, bytes.data(), bytes.size(), size_);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail("take what does not fit in memory", errno);
    size_ += wrote;
    bytes = bytes.subspan(static_cast<size_t>(wrote));
  }
}

void ScratchFile::read(int64_t offset, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(file_, bytes.data(), bytes.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("give back what was written", got < 0 ? errno : EIO);
    offset += got;
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
}

}  // namespace carousel
