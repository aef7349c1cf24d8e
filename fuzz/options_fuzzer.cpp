// Any bytes as a TOML file or JSON text of options: set, or refused with a ConfigError, DataError or FormatError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/base/options.h"
#include "carousel/data/config.h"

namespace {

/// A row of every type.
struct Fields {
  carousel::data::DataConfig data;
  bool flag = false;
  std::vector<int64_t> sizes = {1, 2};

  carousel::OptionTable table() {
    carousel::OptionTable table;
    data.options(table);
    table.section("other");
    table.add("flag", &flag, "A switch.");
    table.add("sizes", &sizes, "Some sizes.");
    return table;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  try {
    Fields fields, again;
    carousel::OptionTable table = fields.table(), copy = again.table();
    table.read_toml(text, "fuzz.toml");
    copy.from_json(table.to_json(), "fuzz.json");
    if (copy.to_json() != table.to_json()) std::abort();
  } catch (const carousel::Error&) {
  }
  try {
    Fields fields;
    fields.table().from_json(text, "fuzz.json");
  } catch (const carousel::Error&) {
  }
  return 0;
}
