#include "apps/cli/inflater.h"

#include <fmt/format.h>
#define ZLIB_CONST  // inputs are const
#include <zlib.h>

#include <utility>

#include "carousel/base/error.h"

namespace carousel::cli {

struct Inflater::Stream {
  z_stream z{};
  bool inside = false;  ///< of a member; a file may hold several, one after the other
};

bool Inflater::fits(std::string_view bytes) {
  return bytes.substr(0, 2) == "\x1f\x8b";
}

Inflater::Inflater(std::string name) : name_(std::move(name)), stream_(std::make_unique<Stream>()) {
  constexpr int kGzip = 16 + MAX_WBITS;
  if (inflateInit2(&stream_->z, kGzip) != Z_OK)
    throw ResourceError(fmt::format("[predict] reading {} needs memory; got none. Close other programs.", name_));
}

Inflater::~Inflater() {
  inflateEnd(&stream_->z);
}

void Inflater::refuse(const std::string& got) const {
  throw DataError(name_, 0, 0,
                  fmt::format("[predict] gzip data must be whole; got: {}. Fetch or compress the file again.", got));
}

void Inflater::take(std::string_view bytes) {
  stream_->z.next_in = reinterpret_cast<const Bytef*>(bytes.data());
  stream_->z.avail_in = static_cast<uInt>(bytes.size());
}

bool Inflater::give(std::string* text) {
  constexpr size_t kPiece = size_t{1} << 16;
  z_stream& z = stream_->z;
  const size_t before = text->size();
  while (text->size() == before) {
    if (z.avail_in == 0 && z.avail_out != 0) return false;
    if (!stream_->inside && z.avail_in > 0) {
      if (inflateReset(&z) != Z_OK) refuse("a damaged member");
      stream_->inside = true;
    }
    text->resize(before + kPiece);
    z.next_out = reinterpret_cast<Bytef*>(text->data() + before);
    z.avail_out = kPiece;
    const int status = inflate(&z, Z_NO_FLUSH);
    text->resize(before + kPiece - z.avail_out);
    if (status == Z_STREAM_END) {
      stream_->inside = false;
      z.avail_out = 1;  // nothing waits in there
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      refuse(z.msg != nullptr ? z.msg : "bytes that are none");
    }
  }
  return true;
}

void Inflater::require_end() const {
  if (stream_->inside) refuse("the end in the middle");
}

}  // namespace carousel::cli
