// Bytes that need not lie in memory: a file without a name, gone when it is closed or the program ends in any way.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace carousel {

/// Lies in the folder $TMPDIR, or without one in /var/tmp, which unlike /tmp is on a disk. All members throw
/// ResourceError that names the folder and the system's reason.
class ScratchFile {
 public:
  ScratchFile();
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void append(std::span<const char> bytes);
  /// Fills `bytes` from `offset` on; they must have been written. Several threads may read.
  void read(int64_t offset, std::span<char> bytes) const;
  int64_t size() const { return size_; }

 private:
  [[noreturn]] void fail(const char* doing, int error) const;
  std::string folder_;
  int file_ = -1;
  int64_t size_ = 0;
};

}  // namespace carousel
