// The oneDNN set: matrix products; everything else comes from the Highway set.
#pragma once

#include <string>

#include "carousel/kernels/table.h"

namespace carousel::kernels::onednn {

void fill(Table<float>& table);
/// Whether its products are the faster ones here, and give a row the same bits among any number of others, as answers
/// in pieces need: with AVX-512. For AVX2 version 2.6 sums in another order for each number of rows, and is slower than
/// the Highway set (BENCHMARKS.md).
bool gains();
/// Whether this processor multiplies bf16 itself, and faster than f32: by the tiles of AMX, or on AMD's processors,
/// whose vdpbf16ps has twice the rate of f32. On a Xeon that showed no AMX it had half of it. A property of the
/// processor and not of a stopwatch: the same machine gives the same model.
bool bf16_gains();
/// "2.6.3".
std::string version();

}  // namespace carousel::kernels::onednn
