// Small arrays of NumPy for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace carousel::testing {

/// Bytes of an .npy file with [values.size() / width, width] floats.
inline std::string npy(const std::vector<float>& values, int64_t width) {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                             std::to_string(static_cast<int64_t>(values.size()) / width) + ", " +
                             std::to_string(width) + "), }\n";
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header + std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

}  // namespace carousel::testing
