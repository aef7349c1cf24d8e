// How a batch of sequences of unequal lengths lies in memory without padding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace carousel {

/// Time-major packing (as PyTorch's PackedSequence): sequences sorted by length, longest first; the rows of step t of
/// all sequences that are that long lie side by side, so row (t, j) is at offsets[t] + j for j < batch_sizes[t].
struct Packing {
  /// lengths: one per sequence, each >= 1 (ShapeError otherwise). The sort is stable.
  static Packing make(std::span<const int64_t> lengths);
  /// The packing of sequences of ids.
  static Packing of(const std::vector<std::vector<int32_t>>& sequences);
  /// The ids of these sequences in the order of packed rows.
  std::vector<int32_t> pack(const std::vector<std::vector<int32_t>>& sequences) const;

  std::vector<int64_t> order;        ///< [B] packed position -> index in the caller's batch
  std::vector<int64_t> position;     ///< [B] index in the caller's batch -> packed position
  std::vector<int64_t> lengths;      ///< [B] by packed position, non-increasing
  std::vector<int64_t> batch_sizes;  ///< [T] sequences still running at step t, non-increasing
  std::vector<int64_t> offsets;      ///< [T + 1] first row of step t; the last is the number of rows
  int64_t batch_size() const { return static_cast<int64_t>(lengths.size()); }
  int64_t seq_len() const { return static_cast<int64_t>(batch_sizes.size()); }
  int64_t rows() const { return offsets.empty() ? 0 : offsets.back(); }
  int64_t row(int64_t t, int64_t j) const { return offsets[static_cast<size_t>(t)] + j; }
};

}  // namespace carousel
