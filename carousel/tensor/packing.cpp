#include "carousel/tensor/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "carousel/base/error.h"

namespace carousel {

Packing Packing::make(std::span<const int64_t> lengths) {
  for (size_t i = 0; i < lengths.size(); ++i)
    if (lengths[i] < 1)
      throw ShapeError(fmt::format(
          "[packing] every sequence needs at least one step; got length {} for sequence {}. Drop empty sequences.",
          lengths[i], i));
  Packing p;
  const size_t batch = lengths.size();
  p.order.resize(batch);
  std::iota(p.order.begin(), p.order.end(), 0);
  std::stable_sort(p.order.begin(), p.order.end(), [&](int64_t a, int64_t b) {
    return lengths[static_cast<size_t>(a)] > lengths[static_cast<size_t>(b)];
  });
  p.position.resize(batch);
  p.lengths.resize(batch);
  for (size_t j = 0; j < batch; ++j) {
    const auto from = static_cast<size_t>(p.order[j]);
    p.position[from] = static_cast<int64_t>(j);
    p.lengths[j] = lengths[from];
  }
  const int64_t steps = batch == 0 ? 0 : p.lengths[0];
  p.offsets.push_back(0);
  auto running = static_cast<int64_t>(batch);
  for (int64_t t = 0; t < steps; ++t) {
    while (running > 0 && p.lengths[static_cast<size_t>(running - 1)] <= t) --running;
    p.batch_sizes.push_back(running);
    p.offsets.push_back(p.offsets.back() + running);
  }
  return p;
}

Packing Packing::of(const std::vector<std::vector<int32_t>>& sequences) {
  std::vector<int64_t> lengths;
  lengths.reserve(sequences.size());
  for (const auto& sequence : sequences) lengths.push_back(static_cast<int64_t>(sequence.size()));
  return make(lengths);
}

std::vector<int32_t> Packing::pack(const std::vector<std::vector<int32_t>>& sequences) const {
  std::vector<int32_t> ids;
  ids.reserve(static_cast<size_t>(rows()));
  for (size_t t = 0; t < batch_sizes.size(); ++t)
    for (size_t j = 0; j < static_cast<size_t>(batch_sizes[t]); ++j)
      ids.push_back(sequences[static_cast<size_t>(order[j])][t]);
  return ids;
}

}  // namespace carousel
