// Any bytes as a model file: they load or throw FormatError; what loads is written and read back unchanged.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/tensor/archive.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carousel;
  try {
    const Archive archive = parse_archive(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
    const std::string bytes = serialize_archive(archive);
    if (serialize_archive(parse_archive(bytes, "again")) != bytes) std::abort();
  } catch (const FormatError&) {
    // The answer to a hostile file.
  }
  return 0;
}
