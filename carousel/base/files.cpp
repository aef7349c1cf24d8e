#include "carousel/base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>

#include "carousel/base/error.h"

namespace carousel {

namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

/// Closes the descriptor at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

int open_to_read(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    throw DataError("(file name)", 0, 0, "[read] a file name has no NUL byte; got one. Check the name.");
  }
  int number = -1;
  do {
    number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (number < 0 && errno == EINTR);
  if (number >= 0) return number;
  const int error = errno;
  if (error == ENOENT || error == ENOTDIR) {
    throw DataError(path, 0, 0, "[read] the file must exist; got none of this name. Check the path.");
  }
  throw ResourceError(fmt::format("[read] {} must be readable; got: {}. Check its permissions.", path, reason(error)));
}

/// Hands the file to `take` in pieces, in order.
void read_pieces(const std::string& path, const std::function<void(std::string_view)>& take) {
  const Descriptor file(open_to_read(path));
  struct stat status {};
  if (::fstat(file.number(), &status) == 0 && S_ISDIR(status.st_mode)) {
    throw DataError(path, 0, 0, "[read] a file is needed; got a directory. Name a file in it.");
  }
  std::vector<char> piece(size_t{1} << 18);
  while (true) {
    const ssize_t count = ::read(file.number(), piece.data(), piece.size());
    if (count == 0) return;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw ResourceError(
          fmt::format("[read] {} must be readable to its end; got: {}. Check the disk.", path, reason(errno)));
    }
    take(std::string_view(piece.data(), static_cast<size_t>(count)));
  }
}

/// Folder part of a path, "." when there is none.
std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// The path behind symbolic links when it exists, else the path itself.
std::string follow_links(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : path;
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(std::string_view bytes) { check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1); }
  std::string hex() {
    std::array<unsigned char, 32> digest{};
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
    std::string text;
    for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
    return text;
  }

 private:
  static void check(bool good) {
    if (!good) throw ResourceError("[sha256] OpenSSL must offer SHA-256; got a refusal. Check its configuration.");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

bool is_folder(const std::string& name) {
  struct stat status {};
  return ::stat(name.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string read_file(const std::string& path, int64_t max_bytes) {
  std::string content;
  try {
    read_pieces(path, [&](std::string_view piece) {
      if (static_cast<int64_t>(content.size() + piece.size()) > max_bytes) {
        throw ResourceError(fmt::format("[read] {} may hold at most {} bytes; got more. Split it.", path, max_bytes));
      }
      content += piece;
    });
  } catch (const std::bad_alloc&) {
    throw ResourceError(
        fmt::format("[read] {} must fit in memory; got no more after {} bytes. Split it.", path, content.size()));
  } catch (const std::length_error&) {
    throw ResourceError(
        fmt::format("[read] {} must fit in memory; got no more after {} bytes. Split it.", path, content.size()));
  }
  return content;
}

AtomicFile::AtomicFile(const std::string& path) : path_(path), target_(follow_links(path)) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    throw ResourceError("[write] a file name has at least one character and no NUL; got another. Name the file.");
  }
  struct stat status {};
  if (::stat(target_.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw ResourceError(fmt::format("[write] {} must be a regular file or not exist; got {}. Name another file.", path_,
                                    S_ISDIR(status.st_mode) ? "a directory" : "a device or pipe"));
  }
  const size_t slash = target_.rfind('/');
  const std::string name = slash == std::string::npos ? target_ : target_.substr(slash + 1);
  temporary_ = folder_of(target_) + "/." + name + ".tmp";
  open_temporary();
  take_mode_of_old_file();
}

void AtomicFile::open_temporary() {
  // A fixed name under a lock: a killed run leaves at most one such file, and the next run takes it over.
  while (true) {
    file_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file_ < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      throw ResourceError(
          fmt::format("[write] {} must be writable; got: {}. Check that the folder exists and may be "
                      "written.",
                      path_, reason(error)));
    }
    while (::flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
    struct stat ours {
    }, named{};
    const bool in_place = ::fstat(file_, &ours) == 0 && ::stat(temporary_.c_str(), &named) == 0 &&
                          ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
    if (in_place) break;
    ::close(file_);  // the writer before us has renamed or removed this file: open the name anew
  }
  if (::ftruncate(file_, 0) != 0) fail("emptied", errno);
}

void AtomicFile::take_mode_of_old_file() {
  struct stat status {};
  if (::stat(target_.c_str(), &status) == 0) (void)::fchmod(file_, status.st_mode & 07777);
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() noexcept {
  if (file_ < 0) return;
  ::unlink(temporary_.c_str());  // before close(): the lock still keeps others from taking the name over
  ::close(file_);
  file_ = -1;
}

void AtomicFile::fail(const char* doing, int error) {
  discard();
  throw ResourceError(
      fmt::format("[write] {} must be {} completely; got: {}. The old file, if any, is intact; free space "
                  "or name another place.",
                  path_, doing, reason(error)));
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    constexpr size_t kMost = size_t{1} << 30;  // one call writes at most 2 GiB on Linux
    const ssize_t count = ::write(file_, bytes.data(), std::min(bytes.size(), kMost));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("written", errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail("stored", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("put in place", errno);
  ::close(file_);
  file_ = -1;
  const Descriptor folder(::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number() < 0 && errno == EACCES) return;  // a folder that may be written but not listed
  // Some file systems refuse to sync a folder (EINVAL): there the rename is as durable as it can be.
  if (folder.number() < 0 || (::fsync(folder.number()) != 0 && errno != EINVAL)) {
    throw ResourceError(
        fmt::format("[write] the folder of {} must be stored; got: {}. The file is written but may be lost "
                    "in a power cut.",
                    path_, reason(errno)));
  }
}

void atomic_write(const std::string& path, const std::vector<std::string_view>& parts) {
  AtomicFile file(path);
  for (const std::string_view part : parts) file.write(part);
  file.commit();
}

void atomic_write(const std::string& path, std::string_view content) {
  atomic_write(path, std::vector<std::string_view>{content});
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

std::string sha256_file(const std::string& path) {
  Sha256 hash;
  read_pieces(path, [&](std::string_view piece) { hash.add(piece); });
  return hash.hex();
}

}  // namespace carousel
