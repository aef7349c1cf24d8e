// Any bytes as the JSON of a vocabulary or a symbol map: loaded and written again alike, or refused with a FormatError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "carousel/base/error.h"
#include "carousel/data/symbol_map.h"
#include "carousel/data/vocabulary.h"

using carousel::FormatError;
using carousel::data::SymbolMap;
using carousel::data::Vocabulary;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string json(reinterpret_cast<const char*>(bytes), size);
  try {
    const std::string text = Vocabulary::from_json(json, "fuzz").to_json();
    if (Vocabulary::from_json(text, "fuzz").to_json() != text) std::abort();
  } catch (const FormatError&) {
  }
  try {
    const std::string text = SymbolMap::from_json(json, "fuzz", 100).to_json();
    if (SymbolMap::from_json(text, "fuzz", 100).to_json() != text) std::abort();
  } catch (const FormatError&) {
  }
  return 0;
}
