// gzip (RFC 1952) and bare deflate (RFC 1951) through zlib.
#define ZLIB_CONST  // inputs are const
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "carousel/base/error.h"
#include "carousel/data/codecs/codec.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

constexpr int kGzip = 16 + MAX_WBITS;
constexpr size_t kMostAtOnce = std::numeric_limits<uInt>::max();

class Inflater final : public Decoder {
 public:
  explicit Inflater(int window_bits) {
    if (inflateInit2(&stream_, window_bits) != Z_OK)
      throw ResourceError("[data] unpacking needs memory; got none. Close other programs.");
  }
  ~Inflater() override { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void begin() override { inflateReset(&stream_); }

  size_t step(std::string_view& in, char* out, size_t room, bool& ended) override {
    stream_.next_in = reinterpret_cast<const Bytef*>(in.data());
    stream_.avail_in = static_cast<uInt>(std::min(in.size(), kMostAtOnce));
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min(room, kMostAtOnce));
    const int status = inflate(&stream_, Z_NO_FLUSH);
    in.remove_prefix(static_cast<size_t>(reinterpret_cast<const char*>(stream_.next_in) - in.data()));
    ended = status == Z_STREAM_END;
    if (!ended && status != Z_OK && status != Z_BUF_ERROR)
      throw Damage{stream_.msg != nullptr ? stream_.msg : "bytes that are none"};
    return static_cast<size_t>(reinterpret_cast<char*>(stream_.next_out) - out);
  }

 private:
  z_stream stream_{};
};

}  // namespace

bool is_gzip(std::string_view bytes) {
  return bytes.starts_with("\x1f\x8b");
}

std::unique_ptr<Decoder> make_gzip() {
  return std::make_unique<Inflater>(kGzip);
}

bool inflate_bare(std::string_view packed, char* out, size_t size) {
  Inflater inflater(-MAX_WBITS);
  bool ended = false;
  size_t written = 0;
  try {
    while (!ended) {
      const size_t before = packed.size();
      const size_t got = inflater.step(packed, out + written, size - written, ended);
      written += got;
      if (got == 0 && packed.size() == before) break;  // it asks for more than there is
    }
  } catch (const Damage&) {
    return false;
  }
  return ended && written == size;
}

}  // namespace carousel::data
