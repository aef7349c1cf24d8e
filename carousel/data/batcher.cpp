#include "carousel/data/batcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"

namespace carousel::data {

namespace {

constexpr uint64_t kExampleStream = 1, kBatchStream = 2;

template <class T>
void shuffle(std::vector<T>& values, Rng rng) {
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[rng.below(i)]);
}

}  // namespace

Batcher::Batcher(std::vector<int64_t> source_lengths, std::vector<int64_t> target_lengths, BatcherConfig config,
                 uint64_t seed)
    : source_lengths_(std::move(source_lengths)),
      target_lengths_(std::move(target_lengths)),
      config_(config),
      seed_(seed) {
  if (source_lengths_.size() != target_lengths_.size() || source_lengths_.empty()) {
    throw ShapeError(
        fmt::format("[batcher] there must be one source and target length per example, and examples; got {} "
                    "and {}. Pass one of each per example.",
                    source_lengths_.size(), target_lengths_.size()));
  }
  if (config_.batch_size < 1) {
    throw ConfigError(
        fmt::format("[batcher] batch_size must be at least 1; got {}. Choose a larger one.", config_.batch_size));
  }
}

int64_t Batcher::num_batches(int64_t epoch) {
  prepare(epoch);
  return static_cast<int64_t>(batches_.size());
}

std::span<const int64_t> Batcher::batch(int64_t epoch, int64_t index) {
  prepare(epoch);
  if (index < 0 || index >= static_cast<int64_t>(batches_.size())) {
    throw ShapeError(fmt::format("[batcher] a batch index must be below {}; got {}. Ask num_batches of this epoch.",
                                 batches_.size(), index));
  }
  const auto [begin, end] = batches_[static_cast<size_t>(index)];
  return {order_.data() + begin, static_cast<size_t>(end - begin)};
}

void Batcher::prepare(int64_t epoch) {
  if (epoch == epoch_) return;
  const auto count = source_lengths_.size();
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), int64_t{0});
  batches_.clear();
  const uint64_t key = mix(seed_, static_cast<uint64_t>(epoch));
  shuffle(order_, Rng(key, kExampleStream));
  const size_t per_chunk = config_.batches_per_chunk > 0 ? static_cast<size_t>(config_.batches_per_chunk) : count;
  const size_t per_batch = std::min(count, static_cast<size_t>(config_.batch_size));
  const size_t chunk = std::min(count, std::min(count, per_chunk) * per_batch);
  for (size_t begin = 0; begin < count; begin += chunk) {
    const std::span<int64_t> part(order_.data() + begin, std::min(chunk, count - begin));
    std::stable_sort(part.begin(), part.end(), [this](int64_t a, int64_t b) {
      const auto i = static_cast<size_t>(a), j = static_cast<size_t>(b);
      return std::tie(target_lengths_[i], source_lengths_[i]) < std::tie(target_lengths_[j], source_lengths_[j]);
    });
    cut(part);
  }
  shuffle(batches_, Rng(key, kBatchStream));
  epoch_ = epoch;
}

void Batcher::cut(std::span<const int64_t> sorted) {
  const int64_t base = sorted.data() - order_.data();
  const auto count = static_cast<int64_t>(sorted.size());
  int64_t begin = 0, tokens = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto example = static_cast<size_t>(sorted[static_cast<size_t>(i)]);
    const int64_t more = source_lengths_[example] + target_lengths_[example];
    const bool full = i - begin == config_.batch_size ||
                      (config_.max_batch_tokens > 0 && i > begin && tokens + more > config_.max_batch_tokens);
    if (full) {
      batches_.emplace_back(base + begin, base + i);
      begin = i;
      tokens = 0;
    }
    tokens += more;
  }
  batches_.emplace_back(base + begin, base + count);
}

std::vector<std::vector<int64_t>> batches_by_length(const std::vector<int64_t>& lengths, int64_t batch_size) {
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return lengths[static_cast<size_t>(a)] > lengths[static_cast<size_t>(b)];
  });
  std::vector<std::vector<int64_t>> batches;
  for (size_t begin = 0; begin < order.size(); begin += static_cast<size_t>(batch_size)) {
    const size_t end = std::min(order.size(), begin + static_cast<size_t>(batch_size));
    batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                         order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return batches;
}

}  // namespace carousel::data
