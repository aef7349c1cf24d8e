// Zstandard (RFC 8878) through libzstd.
#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/codecs/codec.h"

namespace carousel::data {

namespace {

/// Frames of `zstd --long=31` ask for a window of 2 GiB; a hostile one could ask for more than the machine has.
constexpr int kMostWindowLog = 27;

struct Free {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {
    if (!context_) throw ResourceError("[data] unpacking needs memory; got none. Close other programs.");
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMostWindowLog);
  }

  void begin() override {
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    head_.clear();
    written_ = 0;
  }

  size_t step(std::string_view& in, char* out, size_t room, bool& ended) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out, room, 0};
    const size_t wanted = ZSTD_decompressStream(context_.get(), &to, &from);
    if (ZSTD_isError(wanted)) {
      const ZSTD_ErrorCode code = ZSTD_getErrorCode(wanted);
      if (code == ZSTD_error_frameParameter_windowTooLarge)
        throw Damage{"a frame that asks for more",
                     fmt::format("zstd data must need {} MiB of memory at most", (1 << kMostWindowLog) >> 20),
                     "Unpack the file first, or compress it without --long and --ultra."};
      if (code == ZSTD_error_memory_allocation)
        throw ResourceError("[data] unpacking needs memory; got none. Close other programs.");
      throw Damage{ZSTD_getErrorName(wanted)};
    }
    head_.append(in.substr(0, std::min(from.pos, kLongestHead - head_.size())));
    written_ += to.pos;
    in.remove_prefix(from.pos);
    ended = wanted == 0;
    if (ended) require_promised_size();
    return to.pos;
  }

 private:
  static constexpr size_t kLongestHead = 18;  // bytes of a frame's header (section 3.1.1.1)

  /// libzstd 1.5.4 asks for it when a frame is unpacked at once, but not when it ends, piece by piece, with an empty
  /// block.
  void require_promised_size() const {
    const unsigned long long size = ZSTD_getFrameContentSize(head_.data(), head_.size());
    if (size != ZSTD_CONTENTSIZE_UNKNOWN && size != ZSTD_CONTENTSIZE_ERROR && size != written_)
      throw Damage{fmt::format("{} bytes of the {} that the frame promises", written_, size)};
  }

  std::string head_;                // what the frame begins with
  unsigned long long written_ = 0;  // of the frame
  std::unique_ptr<ZSTD_DCtx, Free> context_;
};

}  // namespace

/// A frame, or a skippable one as parallel compressors write before it (section 3.1.2).
bool is_zstd(std::string_view bytes) {
  if (bytes.size() < 4) return false;
  const auto first = static_cast<unsigned char>(bytes[0]);
  return bytes.starts_with("\x28\xB5\x2F\xFD") ||
         (first >= 0x50 && first <= 0x5F && bytes.substr(1, 3) == "\x2A\x4D\x18");
}

std::unique_ptr<Decoder> make_zstd() {
  return std::make_unique<ZstdDecoder>();
}

}  // namespace carousel::data
