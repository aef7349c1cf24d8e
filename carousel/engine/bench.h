// What this machine can do, and how much of it Carousel reaches: units of work to be timed, and the roofs beside them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/table.h"
#include "carousel/nn/cells/cell.h"

namespace carousel::engine {

/// Monotonic seconds.
double now_seconds();

// --- Roofs. ---

/// Best GFLOP/s, or of int8 GOP/s, of multiply-adds in registers on all threads together; `numbers`: what is
/// multiplied, "f32", "bf16" or "int8". 0 where the processor has no instruction for them.
double arithmetic_roof(const std::string& numbers);
/// Best GFLOP/s of products of two matrices [512, 512], one for each thread, in the precision in force.
double product_rate();
/// Best seconds for reading `bytes` once, over and over, each of `threads` threads its share.
double read_roof_seconds(int64_t bytes, int threads);

/// Memory of its own that can be read: to drive other data out of the caches.
class ReadBlock {
 public:
  explicit ReadBlock(int64_t bytes);
  ~ReadBlock();
  ReadBlock(const ReadBlock&) = delete;
  ReadBlock& operator=(const ReadBlock&) = delete;
  void read() const;

 private:
  struct Values;
  std::unique_ptr<Values> values_;
};

// --- Whole sequences. ---

/// One unit of work and its arithmetic.
struct BenchWork {
  std::function<void()> run;
  double gflop = 0;
};

/// Recurrent layers over one batch, of full length unless `lengths` says otherwise.
struct LayerWork {
  nn::CellOptions cell;
  int64_t input_size = 512, hidden_size = 512, batch_size = 32, seq_len = 100;
  int64_t num_layers = 1;
  bool bidirectional = false;
  bool training = true;  ///< forward and backward with gradients for input and weights; false: forward alone
  const kernels::quant::Format* weights = nullptr;  ///< number format of constant weights; null: f32
  std::vector<int64_t> lengths = {};                ///< of the sequences, in place of batch_size and seq_len
};
BenchWork layer_work(const LayerWork& layers);

/// Median and least seconds of `repeat` units after three that warm up.
struct BenchTimes {
  double median = 0, min = 0;
};
BenchTimes time_work(const BenchWork& work, int repeat, int inner = 1);

// --- Single steps. ---

/// One LSTM or other layer as wide as its input, stepped one input at a time.
struct StreamWork {
  nn::CellOptions cell;
  int64_t hidden_size = 128;
  const kernels::quant::Format* weights = nullptr;
  int64_t streams = 1;  ///< sequences stepped together; times are those of one sequence's step
  int threads = 1;
  int64_t steps = 1000;
};
struct StreamTimes {
  double p50 = 0, p99 = 0, min = 0;   ///< seconds of a step
  double cold_p50 = 0, cold_p99 = 0;  ///< with 4 MiB of other data read between two steps
  int64_t weight_bytes = 0;           ///< that a step reads
  double read_seconds = 0;            ///< best seconds for reading as many bytes
};
StreamTimes time_streams(const StreamWork& work);

// --- All of it in a few minutes. ---

struct BenchRow {
  std::string name;     ///< "lstm_train_512", "lstm_stream_128", "multiply_add", "product_512", "read_4096_KiB"
  std::string numbers;  ///< "f32", "bf16", "int8": operands of products, or weights
  double seconds = 0;   ///< of one unit of work: the median
  double p99 = 0;       ///< of single steps
  double rate = 0;      ///< GFLOP/s, or of reading and single steps GB/s
  const char* unit = "GFLOP/s";
  double share = 0;  ///< of the roof; 0 for roofs themselves
};

struct BenchRequest {
  double scale = 1;                          ///< of the number of repeats, above 0
  std::string only;                          ///< names that begin so; "": all
  std::function<bool()> stop;                ///< asked between rows; may be empty
  std::function<void(const BenchRow&)> row;  ///< each row as it is measured; may be empty
};
/// Throws ConfigError when `only` fits no row.
std::vector<BenchRow> bench(const BenchRequest& request);

}  // namespace carousel::engine
