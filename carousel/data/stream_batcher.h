// Truncated back-propagation through time: a long text as parallel streams, read in steps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/symbol_store.h"

namespace carousel::data {

/// Cuts a sequence of symbols into `batch_size` streams of equal length, which are read side by side, `steps` symbols
/// at a time; what is left over at the end (fewer than batch_size symbols) is not read.
class StreamBatcher {
 public:
  /// Throws ConfigError when the text is too short for one symbol and its successor in each stream.
  StreamBatcher(int64_t symbols, int64_t batch_size, int64_t steps) : batch_size_(batch_size), steps_(steps) {
    length_ = (symbols - 1) / std::max<int64_t>(batch_size, 1);
    if (batch_size < 1 || steps < 1 || length_ < 1)
      throw ConfigError("[data] the text must give each of the batch_size streams two symbols; got " +
                        std::to_string(symbols) + " symbols for batch_size = " + std::to_string(batch_size) +
                        ". Use a smaller batch_size or more text.");
  }
  int64_t batch_size() const { return batch_size_; }
  int64_t num_batches() const { return (length_ + steps_ - 1) / steps_; }
  /// Symbols that each stream reads in one batch.
  int64_t steps(int64_t batch) const { return std::min(steps_, length_ - batch * steps_); }
  /// Index of the first symbol that stream `stream` reads in `batch`.
  int64_t begin(int64_t batch, int64_t stream) const { return stream * length_ + batch * steps_; }
  /// What is read and what follows it, [steps, batch_size] each, step after step.
  void fill(const SymbolStore& ids, int64_t batch, std::vector<int32_t>& inputs, std::vector<int32_t>& targets) const {
    const auto streams = static_cast<size_t>(batch_size_), length = static_cast<size_t>(steps(batch));
    inputs.resize(length * streams);
    targets.resize(length * streams);
    std::vector<int32_t> stream(length + 1);
    for (size_t b = 0; b < streams; ++b) {
      ids.read(begin(batch, static_cast<int64_t>(b)), stream);
      for (size_t t = 0; t < length; ++t) {
        inputs[t * streams + b] = stream[t];
        targets[t * streams + b] = stream[t + 1];
      }
    }
  }

 private:
  int64_t batch_size_, steps_, length_ = 0;
};

}  // namespace carousel::data
