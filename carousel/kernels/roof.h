// How fast this processor multiplies and adds when nothing else is in the way: the roof over every product.
#pragma once

#include <string>

namespace carousel::kernels {

/// Multiply-adds of values that stay in registers, twelve chains of them, on the calling thread.
struct RoofLoop {
  const char* instruction;  ///< "vfmadd231ps zmm" and the like
  double operations;        ///< of one run(): a multiplication and an addition for each pair of operands
  void (*run)();            ///< milliseconds
};

/// The loop for operands in "f32", "bf16" or "int8" (sums in f32 and int32); null where the processor has no
/// instruction for them.
const RoofLoop* roof_loop(const std::string& numbers);

/// Operations a second of the fastest of `rounds` runs.
double roof_rate(const RoofLoop& loop, int rounds);

}  // namespace carousel::kernels
