// What a compression format is to whoever unpacks (data/unpack.h). A row of the registry; one file for each.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::data {

/// What is wrong with packed bytes, for a DataError that also knows the file and the line.
struct Damage {
  std::string got;
  std::string rule = "";    ///< "": the data must be whole
  std::string remedy = "";  ///< "": fetch the file again
};

/// Unpacks one member (gzip) or frame (zstd) after the other; a file may hold several.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Makes ready for a member. Throws ResourceError without memory.
  virtual void begin() = 0;
  /// Takes bytes off the front of `in` and writes at most `room` to `out`. Returns how many; `ended` becomes true when
  /// the member has been written as a whole. Throws Damage.
  virtual size_t step(std::string_view& in, char* out, size_t room, bool& ended) = 0;
};

struct Codec {
  std::string name;    ///< "gzip"
  std::string ending;  ///< of names: ".gz"
  /// Whether a file that begins with these bytes (its first four at least, where it has them) is packed so.
  bool (*fits)(std::string_view bytes);
  std::unique_ptr<Decoder> (*make)();
};

/// All formats. To add one, write `<format>.cpp` and a row in registry.cpp.
const std::vector<Codec>& codecs();

bool is_gzip(std::string_view bytes);
std::unique_ptr<Decoder> make_gzip();
bool is_zstd(std::string_view bytes);
std::unique_ptr<Decoder> make_zstd();

}  // namespace carousel::data
