#include "carousel/nn/dropout.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"

namespace carousel::nn {

Var sequence_dropout(Tape* tape, const Packing& packing, const Var& x, double drop, uint64_t key, uint64_t stream) {
  if (drop == 0) return x;
  const Var ones(Tensor::full({packing.batch_size(), x.value().dim(1)}, 1, x.value().dtype()));
  const Var mask = ops::dropout(nullptr, ones, drop, key, stream);
  std::vector<int64_t> sequence_of_row;
  sequence_of_row.reserve(static_cast<size_t>(packing.rows()));
  for (const int64_t running : packing.batch_sizes)
    for (int64_t j = 0; j < running; ++j) sequence_of_row.push_back(packing.order[static_cast<size_t>(j)]);
  return ops::mul(tape, x, ops::gather_rows(nullptr, mask, std::move(sequence_of_row)));
}

Var embedding_dropout(Tape* tape, std::span<const int32_t> ids, const Var& x, double drop, uint64_t key,
                      uint64_t stream) {
  if (!(drop >= 0 && drop < 1))
    throw ConfigError(
        fmt::format("[dropout] the probability must lie in [0, 1); got {}. Use 0 to switch it off.", drop));
  const int64_t rows = x.value().dim(0), width = x.value().dim(1);
  if (rows != static_cast<int64_t>(ids.size()))
    throw ShapeError(
        fmt::format("[dropout] each row needs the symbol it stands for; got {} symbols for {} rows. Pass one for each.",
                    ids.size(), rows));
  if (drop == 0) return x;
  Tensor mask = Tensor::empty(x.value().shape(), x.value().dtype());
  ops::with_scalar(mask.dtype(), [&]<class T>() {
    T* to = mask.data<T>();
    for (int64_t r = 0; r < rows; ++r, to += width) {
      const auto symbol = static_cast<uint64_t>(ids[static_cast<size_t>(r)]);
      const bool keep = Rng(key, mix(stream, symbol)).uniform() >= drop;
      std::fill_n(to, width, keep ? static_cast<T>(1 / (1 - drop)) : T{0});
    }
  });
  return ops::mul(tape, x, Var(mask));
}

}  // namespace carousel::nn
