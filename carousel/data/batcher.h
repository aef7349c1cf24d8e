// The order and grouping of examples into batches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace carousel::data {

struct BatcherConfig {
  int64_t batch_size = 64;  ///< sequences in a batch at most
  int64_t max_batch_tokens =
      0;  ///< source and target symbols of a batch at most (a longer example goes alone); 0: no bound
  int64_t batches_per_chunk = 50;  ///< batches that are sorted by length together; 0: all
};

/// All examples once, longest first, cut into batches: for whoever answers many at a time.
std::vector<std::vector<int64_t>> batches_by_length(const std::vector<int64_t>& lengths, int64_t batch_size);

/// Batches of examples of similar length. The batches of an epoch are a pure function of (seed, epoch): every example
/// exactly once, shuffled, then sorted by length within chunks of some batches, cut, and the batches shuffled.
class Batcher {
 public:
  /// Lengths in symbols, by example. Throws ShapeError when the two differ in number or are none, ConfigError for
  /// batch_size < 1.
  Batcher(std::vector<int64_t> source_lengths, std::vector<int64_t> target_lengths, BatcherConfig config,
          uint64_t seed);

  int64_t num_examples() const { return static_cast<int64_t>(source_lengths_.size()); }
  /// Batches of an epoch. Without max_batch_tokens the same in all epochs.
  int64_t num_batches(int64_t epoch);
  /// Examples (indices into the lengths) of a batch. The span is valid until another epoch is asked for. Throws
  /// ShapeError when there is no such batch.
  std::span<const int64_t> batch(int64_t epoch, int64_t index);

 private:
  void prepare(int64_t epoch);
  void cut(std::span<const int64_t> sorted);

  std::vector<int64_t> source_lengths_, target_lengths_;
  BatcherConfig config_;
  uint64_t seed_;
  int64_t epoch_ = -1;  // that order_ and batches_ are for
  std::vector<int64_t> order_;
  std::vector<std::pair<int64_t, int64_t>> batches_;  // begin, end in order_
};

}  // namespace carousel::data
