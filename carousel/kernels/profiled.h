// A kernel set that notes what its kernels cost.
#pragma once

#include "carousel/kernels/table.h"

namespace carousel::kernels {

/// `base` with a clock around each kernel but the shortest (dot, axpy) and those of streams (gemv), whose time counts
/// as the rest. One such set exists at a time: the next call changes it.
const Table<float>& profiled(const Table<float>& base);

}  // namespace carousel::kernels
