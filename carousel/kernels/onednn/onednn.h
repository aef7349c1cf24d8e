// The oneDNN set: matrix products; everything else comes from the Highway set.
#pragma once

#include <string>

#include "carousel/kernels/table.h"

namespace carousel::kernels::onednn {

void fill(Table<float>& table);
/// Whether this processor multiplies bf16 by itself.
bool has_bf16();
/// "2.6.3".
std::string version();

}  // namespace carousel::kernels::onednn
