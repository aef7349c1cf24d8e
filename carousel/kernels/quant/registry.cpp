#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>

#include "carousel/base/error.h"
#include "carousel/kernels/quant/bf16.h"
#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/quant/int8.h"
#include "carousel/kernels/table.h"

namespace carousel::kernels::quant {

/// Every format there is, one each.
const std::vector<const Format*>& formats() {
  static const std::vector<const Format*> list = {&int8(), &bf16()};
  return list;
}

const Format& format_named(const std::string& name) {
  std::vector<std::string> names;
  for (const Format* format : formats()) {
    if (name == format->name) return *format;
    names.emplace_back(format->name);
  }
  throw ConfigError(fmt::format("[quantize] the number format must be one of {}; got '{:.40}'. Choose one of them.",
                                fmt::join(names, ", "), name));
}

Multiply multiply_of(const Format& format) {
  return std::string_view(table<float>().name) == "reference" ? format.multiply_plainly : format.multiply_fast;
}

}  // namespace carousel::kernels::quant
