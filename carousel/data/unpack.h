// The one place where bytes of data files are unpacked: gzip and zstd, recognised by their content, never by a name.
// Damaged and cut-off archives are refused, and so is one that unpacks to far more than it weighs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/base/options.h"

namespace carousel::data {

struct Codec;
class Decoder;

/// Bounds that keep a small file from filling memory or disk. The environment overrides them:
/// CAROUSEL_DATA_MAX_UNPACKED_RATIO, CAROUSEL_DATA_MAX_UNPACKED_BYTES.
struct UnpackLimits {
  /// Text packs to a tenth, logs to a fiftieth; deflate ends at a 1032nd, where nothing but zeros goes.
  double ratio = 100;
  /// 0: 64 GiB of what is read piece by piece, 4 GiB of what is held as a whole.
  int64_t bytes = 0;

  static constexpr int64_t kAlwaysAllowed = int64_t{1} << 26;  ///< the ratio binds beyond
  static constexpr int64_t kMostRead = int64_t{1} << 36;
  static constexpr int64_t kMostHeld = int64_t{1} << 32;

  void options(OptionTable& table);
  /// With what the environment says. Throws ConfigError.
  static UnpackLimits in_force();
  int64_t most_read() const { return bytes > 0 ? bytes : kMostRead; }
  int64_t most_held() const { return bytes > 0 ? bytes : kMostHeld; }
  /// Whether `packed` bytes may have become `unpacked` ones.
  bool allows(int64_t packed, int64_t unpacked) const;
};

/// `file` without the ending of a compression format: words.tsv for words.tsv.gz and words.tsv.zst.
std::string_view without_packing(std::string_view file);
/// Whether the name ends so, packed or not.
bool named(std::string_view file, std::string_view ending);
/// ".gz", ".zst".
std::vector<std::string> packed_endings();

/// Unpacks a stream as its bytes come, so that a pipe is answered at once. What is not packed goes through as it is.
class Unpacker {
 public:
  /// `name` is the file as messages call it, `where` what they begin with ("data"); `size` is its size in bytes where
  /// it is known.
  Unpacker(std::string name, std::string where, int64_t size = 0);
  ~Unpacker();
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  /// Whether begin() has found packed bytes.
  bool packed() const { return codec_ != nullptr; }
  /// Looks at the first bytes of the stream, its first four where it has them.
  void begin(std::string_view first);
  /// Takes bytes off the front of `in` and writes at most `room` to `out`; returns how many, 0 when more must come.
  /// Throws DataError (at `line`): damaged data, more than the limits allow.
  size_t step(std::string_view& in, char* out, size_t room, int64_t line = 0);
  /// Throws DataError when the stream ends in the middle.
  void require_end(int64_t line = 0) const;

 private:
  [[noreturn]] void refuse(const std::string& got, int64_t line, const std::string& rule = "",
                           const std::string& remedy = "") const;

  std::string name_, where_;
  int64_t size_;
  UnpackLimits limits_;
  const Codec* codec_ = nullptr;
  std::unique_ptr<Decoder> decoder_;
  bool inside_ = false;   ///< of a member
  bool padding_ = false;  ///< zeros after the last member, as tapes have them
  int64_t taken_ = 0, given_ = 0;
};

/// A file read from its beginning, unpacked.
class UnpackedFile {
 public:
  /// `rule` is what messages ask of it: "the file must be readable text". Throws DataError: no such file, a directory,
  /// no permission, a pipe (data is looked at before it is read); ConfigError for an empty name.
  explicit UnpackedFile(std::string file, const char* rule = "the file must be readable");
  ~UnpackedFile();
  UnpackedFile(const UnpackedFile&) = delete;
  UnpackedFile& operator=(const UnpackedFile&) = delete;

  /// Fills `out` with the next bytes, `room` unless the file ends; returns how many. `line` is where messages place
  /// what is wrong.
  size_t read(char* out, size_t room, int64_t line = 0);
  const std::string& name() const { return name_; }

 private:
  struct Packed;
  size_t read_raw(char* out, size_t room) const;
  [[noreturn]] void refuse(const std::string& got, const char* remedy) const;

  std::string name_;
  const char* rule_;
  int descriptor_ = -1;
  std::unique_ptr<Packed> packed_;  ///< made by the first read
};

/// All bytes of a file, unpacked. DataError when it is missing, damaged or holds more than `max_bytes` (0: the limits
/// in force).
std::string read_unpacked(const std::string& file, int64_t max_bytes = 0);
/// Its first bytes, unpacked; "" where there are none or they are damaged.
std::string first_bytes(const std::string& file, int64_t count);

/// Unpacks a bare deflate stream (RFC 1951), as zip archives hold it, of `size` bytes into `out`. False when it is
/// damaged or of another size.
bool inflate_bare(std::string_view packed, char* out, size_t size);

}  // namespace carousel::data
