// Whole files in, whole files out: reading with clear errors, writing that never leaves half a file, fingerprints.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carousel {

/// Reads a file (or pipe) to its end; an empty one gives "". Throws DataError when it is missing or a directory,
/// ResourceError when it cannot be read, is larger than `max_bytes` or does not fit in memory.
std::string read_file(const std::string& path, int64_t max_bytes = int64_t{1} << 35);

/// Whether there is a folder of this name; not when nobody may look.
bool is_folder(const std::string& name);

/// A file that appears whole or not at all: what is written goes to `.NAME.tmp` in the same folder, and commit() makes
/// it durable (fsync), puts it in place (rename) and makes that durable too (fsync of the folder). Until then, and
/// after any failure or a kill, the old file is intact. Two writers of one path wait for each other. A symbolic link is
/// followed. All members throw ResourceError naming the path and the system's reason (disk full, no permission, ...).
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  /// Without commit(): removes the temporary file.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  void open_temporary();
  void take_mode_of_old_file();
  [[noreturn]] void fail(const char* doing, int error);
  void discard() noexcept;

  std::string path_;    ///< as the user named it, for messages
  std::string target_;  ///< with symbolic links followed
  std::string temporary_;
  int file_ = -1;
};

/// AtomicFile in one call: writes the parts one after the other.
void atomic_write(const std::string& path, const std::vector<std::string_view>& parts);
void atomic_write(const std::string& path, std::string_view content);

/// SHA-256 of the bytes in lower-case hex, as `sha256sum` prints it.
std::string sha256(std::string_view bytes);
/// SHA-256 of a file, read in pieces. Errors as read_file.
std::string sha256_file(const std::string& path);

}  // namespace carousel
