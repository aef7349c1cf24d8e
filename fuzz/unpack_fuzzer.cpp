// Any bytes as a packed stream, in one piece and in many: the same text, or the same refusal.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/data/unpack.h"

namespace {

constexpr size_t kLongest = size_t{1} << 18;

/// What `bytes` unpack to, taken `piece` at a time; "refused" in front where they are damaged.
std::string unpacked(std::string_view bytes, size_t piece, size_t room) {
  std::string text, block(room, '\0');
  try {
    carousel::data::Unpacker unpacker("x", "data");
    unpacker.begin(bytes);
    while (!bytes.empty()) {
      std::string_view in = bytes.substr(0, piece);
      bytes.remove_prefix(in.size());
      for (size_t got = 1; got > 0;) {
        text.append(block, 0, got = unpacker.step(in, block.data(), room));
        if (text.size() > kLongest) return "long";
      }
      if (!in.empty()) std::abort();
    }
    unpacker.require_end();
  } catch (const carousel::DataError&) {
    return "refused";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = unpacked(bytes, bytes.size() + 1, 1 << 16);
  const std::string parts = unpacked(bytes, 7, 5);
  // What is damaged behind the longest text is found by one that takes larger steps alone.
  if (whole != "long" && parts != "long" && whole != parts) std::abort();
  return 0;
}
