// Ops that move rows and columns.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "carousel/autograd/tape.h"

namespace carousel::ops {

/// y[i] = table[ids[i]]; table [V, E], y [N, E]. The gradient is summed per id in order of i. Throws ShapeError for an
/// id outside [0, V).
Var embedding(Tape* tape, std::span<const int32_t> ids, const Var& table);

/// y[i] = x[index[i]], or zeros where index[i] is -1; x [M, C], y [N, C]. An index may occur many times.
Var gather_rows(Tape* tape, const Var& x, std::vector<int64_t> index);

/// [N, A], [N, B], ... -> [N, A + B + ...].
Var concat_columns(Tape* tape, const std::vector<Var>& parts);

/// [N, C], [M, C], ... -> [N + M + ..., C].
Var concat_rows(Tape* tape, const std::vector<Var>& parts);

/// Columns [begin, end) of x [N, C].
Var slice_columns(Tape* tape, const Var& x, int64_t begin, int64_t end);

/// Rows [begin, end) of x [N, ...]; the value shares the memory of x.
Var slice_rows(Tape* tape, const Var& x, int64_t begin, int64_t end);

/// The same elements under another shape; shares the memory of x.
Var reshape(Tape* tape, const Var& x, const Shape& shape);

}  // namespace carousel::ops
