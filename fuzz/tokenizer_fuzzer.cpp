// Any bytes as the JSON of a tokenizer: one that loads, encodes and decodes; the rest is refused with a FormatError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/tokenizer.h"

using carousel::data::Tokenizer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string json(reinterpret_cast<const char*>(bytes), size);
  try {
    const auto tokenizer = Tokenizer::from_json(json, "fuzz");
    const std::string text = tokenizer->to_json();
    if (Tokenizer::from_json(text, "fuzz")->to_json() != text) std::abort();
    const auto ids = tokenizer->encode("the cat's 42 m\xC3\xA9tres \xEA\xB0\x81");
    for (const int32_t id : ids) {
      if (id < 0 || id >= tokenizer->vocabulary().size()) std::abort();
    }
    std::vector<int32_t> all(static_cast<size_t>(tokenizer->vocabulary().size()));
    std::iota(all.begin(), all.end(), 0);
    tokenizer->decode(all);
    tokenizer->symbols(all);
  } catch (const carousel::FormatError&) {
  }
  return 0;
}
