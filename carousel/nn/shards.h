// How the sequences of a packed batch are dealt to threads, and which earlier rows a time step continues.
#pragma once

#include <algorithm>
#include <vector>

#include "carousel/tensor/packing.h"

namespace carousel::nn {

/// Boundaries [S + 1] of contiguous shards of packed positions with about equal numbers of rows.
inline std::vector<int64_t> shard_boundaries(const Packing& packing, int64_t shards) {
  std::vector<int64_t> bounds{0};
  int64_t done = 0, j = 0;
  for (int64_t s = 1; s < shards; ++s) {
    while (j < packing.batch_size() && done * shards < packing.rows() * s)
      done += packing.lengths[static_cast<size_t>(j++)];
    bounds.push_back(j);
  }
  bounds.push_back(packing.batch_size());
  return bounds;
}

/// The rows of one shard at one step, in the order in which a direction visits the steps.
struct StepRows {
  int64_t row;          ///< first row in the packed matrix
  int64_t first, last;  ///< packed positions [first, last)
  int64_t previous;     ///< row of position `first` at the step visited before
  int64_t continued;    ///< positions [first, continued) continue that step, [continued, last) begin here
  int64_t count() const { return last - first; }
};

inline StepRows step_rows(const Packing& p, int64_t t, bool reverse, int64_t shard_begin, int64_t shard_end) {
  const auto at = static_cast<size_t>(t);
  const int64_t running = p.batch_sizes[at];
  StepRows r{};
  r.first = std::min(shard_begin, running);
  r.last = std::min(shard_end, running);
  r.row = p.offsets[at] + r.first;
  const int64_t before = reverse ? t + 1 : t - 1;
  const int64_t alive =
      before < 0 || before >= p.seq_len() ? 0 : std::min(running, p.batch_sizes[static_cast<size_t>(before)]);
  r.continued = std::clamp(alive, r.first, r.last);
  r.previous = alive > 0 ? p.offsets[static_cast<size_t>(before)] + r.first : 0;
  return r;
}

}  // namespace carousel::nn
