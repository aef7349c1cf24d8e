// Number formats: weights in fewer bits than f32, and products with them.
//
// A matrix W [n, k] is stored as codes, row by row, in some formats with a scale for each row. For products codes are
// packed: panels of up to 128 outputs, of which each step along k lies together, so that a product reads a panel once
// from its beginning to its end and needs no sums across a vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace carousel::kernels::quant {

/// y[m, n] = x[m, k] W^T (+ y when accumulate). x and y are dense.
struct Product {
  int64_t m = 0, n = 0, k = 0;
  const std::byte* packed = nullptr;  ///< W as pack() laid it out, at best 64-byte aligned
  const float* x = nullptr;
  float* y = nullptr;  ///< not x
  bool accumulate = false;
};
using Multiply = void (*)(const Product&);

/// Codes of W [n, k] to be packed: rows `ld` codes apart, of which the first k are taken; scales [n], null where the
/// format has none.
struct Codes {
  int64_t n = 0, k = 0, ld = 0;
  const void* codes = nullptr;
  const float* scales = nullptr;
};

struct Format {
  const char* name;         ///< "int8"
  const char* summary;      ///< for people
  int64_t code_bytes;       ///< of one stored value
  bool scaled;              ///< each row has a scale
  bool multiplies_batches;  ///< false: whole batches are multiplied by the decoded values, in f32
  int64_t max_columns;      ///< of W

  /// w [n, k], finite -> codes [n, k] and scales [n]. Encoding what decode() gave gives the same codes and scales.
  void (*encode)(int64_t n, int64_t k, const float* w, void* codes, float* scales);
  void (*decode)(int64_t n, int64_t k, const void* codes, const float* scales, float* w);
  /// False for what encode() never writes.
  bool (*sound)(int64_t n, int64_t k, const void* codes, const float* scales);

  int64_t (*packed_bytes)(int64_t n, int64_t k);
  void (*pack)(const Codes& w, std::byte* packed);
  /// Plain loops: they define the numbers.
  Multiply multiply_plainly;
  /// The same numbers, bit for bit, as fast as this processor can. Each row of y depends on its row of x and each
  /// column on its row of W alone. Neither allocates nor locks.
  Multiply multiply_fast;
  /// What the fast product runs on: "avx512vnni", "avx2" and the like.
  const char* (*target)();
};

/// Every format there is.
const std::vector<const Format*>& formats();
/// A format by name; ConfigError with the known names otherwise.
const Format& format_named(const std::string& name);
/// The product of the kernel set in use: plain loops in the set "reference", else the fast one.
Multiply multiply_of(const Format& format);

}  // namespace carousel::kernels::quant
