// Decompresses gzip data as it comes, so that a pipe is answered at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace carousel::cli {

class Inflater {
 public:
  /// True for the beginning of a gzip file (RFC 1952).
  static bool fits(std::string_view bytes);

  /// `name` is the file as messages call it. Throws ResourceError.
  explicit Inflater(std::string name);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Hands in the next compressed bytes, which must live until give() has used them up.
  void take(std::string_view bytes);
  /// Appends decompressed text, 64 KiB at most; false when more bytes are needed for that. Throws DataError when the
  /// data is damaged.
  bool give(std::string* text);
  /// Throws DataError when the file ends in the middle.
  void require_end() const;

 private:
  struct Stream;
  [[noreturn]] void refuse(const std::string& got) const;
  std::string name_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace carousel::cli
