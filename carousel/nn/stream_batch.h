// Many sequences of one model read a step together: its weights are read once for several of them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "carousel/autograd/parallel.h"
#include "carousel/nn/stream.h"

namespace carousel::nn {

/// Steps streams of one model, any of them each time (cellular batching: Gao et al., EuroSys 2018). Each stream gets
/// the bits that it would get alone, so that streams may be stepped by themselves in between. Split over the threads of
/// the program; not for two threads at once, nor while one of its streams is stepped elsewhere.
class StreamBatch {
 public:
  explicit StreamBatch(std::shared_ptr<const StreamModel> model);

  /// Stream number i reads symbols[i]; its answer lies in row i of `answers` [streams.size(), output_size]. Throws
  /// ShapeError for what the model does not read, sizes that do not fit, streams of other models and one that comes
  /// twice; all streams are then as they were. Allocates only when there are more streams than ever before.
  void step(std::span<Stream* const> streams, std::span<const int32_t> symbols, std::span<float> answers);
  /// The same for frames [streams.size(), input_size].
  void step(std::span<Stream* const> streams, std::span<const float> frames, std::span<float> answers);

 private:
  /// Numbers of one thread.
  struct Room {
    std::vector<float> before, after, scratch, rows[2];
  };

  void check(std::span<Stream* const> streams, size_t inputs, const char* what, size_t room);
  void run(std::span<Stream* const> streams, std::span<float> answers);
  void run_part(std::span<Stream* const> streams, const float* const* inputs, float* answers, Room& room) const;

  std::shared_ptr<const StreamModel> model_;
  int64_t cost_ = 0;  // of one stream's step, in multiplications
  std::vector<const float*> inputs_;
  std::vector<const Stream*> sorted_;
  std::vector<Room> rooms_;
};

}  // namespace carousel::nn
