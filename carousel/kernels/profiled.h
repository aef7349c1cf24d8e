// A kernel set that notes what its kernels cost.
#pragma once

#include "carousel/kernels/table.h"

namespace carousel::kernels {

/// `base` with a clock around each kernel but the shortest (dot, axpy), whose time counts as the rest. There is one
/// such set for each address of `base`; only the latest one's kernels may be called.
const Table<float>& profiled(const Table<float>& base);

}  // namespace carousel::kernels
