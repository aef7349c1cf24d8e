// Small helps for sentences that people read.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace carousel {

/// "1 example", "3 examples"; `many` for words that do not just take an s ("symbols are").
inline std::string counted(int64_t count, std::string_view one, std::string_view many = "") {
  if (count == 1) return fmt::format("1 {}", one);
  return many.empty() ? fmt::format("{} {}s", count, one) : fmt::format("{} {}", count, many);
}

}  // namespace carousel
