// The Highway set: every target from one source, chosen at run time.
#pragma once

#include <string>

#include "carousel/kernels/table.h"

namespace carousel::kernels::simd {

/// Replaces the entries that have a vector form.
void fill(Table<float>& table);
/// The instruction set in use, Highway's name ("AVX3").
std::string target_name();

}  // namespace carousel::kernels::simd
