// How long does one step of a sequence take, when steps come one at a time? A recurrent layer as wide as its input, as
// in the peers' programs, with weights in f32, bf16 and int8: the middle of the steps and their slowest hundredth, with
// all in the caches that fits, and with 4 MiB of other data read between two steps. Each step reads all weights once:
// the roof is how fast this machine reads as many bytes over and over. Workloads lstm_batch_*: 64 sequences that are
// stepped together; times are those of one sequence's step.
// Usage: bench_stream [threads, 1 or 2] [thousands of steps] [workload]
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "benchmarks/measure.h"
#include "carousel/base/threads.h"
#include "carousel/nn/init.h"
#include "carousel/nn/stream_batch.h"

using namespace carousel;

namespace {

#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
uint32_t
sum_of(const uint32_t* values, size_t count) {
  uint32_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  return sum;
}

thread_local volatile uint32_t sink = 0;

/// A block of memory that can be read.
class Block {
 public:
  explicit Block(int64_t bytes) : values_(Tensor::full({bytes / 4}, 1, DType::i32)) {}
  void read() const { sink = sink + sum_of(static_cast<const uint32_t*>(values_.raw()), size()); }
  size_t size() const { return static_cast<size_t>(values_.numel()); }

 private:
  Tensor values_;
};

/// Best seconds for reading `bytes` once, over and over, each thread its share.
double read_seconds(int64_t bytes, int threads) {
  const int loops = static_cast<int>((int64_t{256} << 20) / bytes) + 1;
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    double slowest = 0;
#pragma omp parallel num_threads(threads) reduction(max : slowest)
    {
      const Block block(bytes / threads);
      block.read();
#pragma omp barrier
      const double start = bench::now();
      for (int i = 0; i < loops; ++i) block.read();
      slowest = (bench::now() - start) / loops;
    }
    best = std::min(best, slowest);
  }
  return best;
}

struct Times {
  double p50, p99, min;
};

/// Seconds of each of `steps` steps of one of `streams` sequences, `between` them unmeasured work.
template <class Between>
Times time_steps(const std::shared_ptr<const nn::StreamModel>& model, int64_t streams, int64_t steps, int threads,
                 Between between) {
  const int64_t width = model->input_size();
  const Tensor frames = nn::normal_init({64, width}, 1, Rng(1, 2));
  std::vector<nn::Stream> all;
  for (int64_t i = 0; i < streams; ++i) all.emplace_back(model);
  all[0].set_threads(threads);
  std::vector<nn::Stream*> pointers;
  for (nn::Stream& stream : all) pointers.push_back(&stream);
  std::vector<float> answers(static_cast<size_t>(streams * model->output_size()));
  nn::StreamBatch batch(model);
  std::vector<double> seconds;
  seconds.reserve(static_cast<size_t>(steps));
  for (int64_t i = -steps / 10; i < steps; ++i) {  // the first tenth warms up
    between();
    const double start = bench::now();
    if (streams > 1) {
      batch.step(pointers, frames.span<float>().first(static_cast<size_t>(streams * width)), answers);
    } else {
      all[0].step(frames.span<float>().subspan(static_cast<size_t>((i & 63) * width), static_cast<size_t>(width)));
    }
    if (i >= 0) seconds.push_back((bench::now() - start) / static_cast<double>(streams));
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds[seconds.size() * 99 / 100], seconds.front()};
}

struct Workload {
  nn::CellOptions cell;
  int64_t hidden;
  const kernels::quant::Format* format = nullptr;  // null: f32
  int64_t streams = 1;

  std::string name() const {
    return cell.cell + (streams > 1 ? "_batch_" : "_stream_") + std::to_string(hidden) +
           (format ? std::string("_") + format->name : "");
  }
};

void report(const Workload& w, int64_t steps, int threads) {
  const int64_t hidden = w.hidden;
  nn::StackConfig config;
  config.cell = w.cell;
  config.hidden_size = {hidden};
  const nn::RecurrentStack stack(config, hidden, 1);
  if (w.format)
    for (const Var& weight : {stack.layer(0).weights[0].w_ih, stack.layer(0).weights[0].w_hh})
      weight.set_format(w.format);
  const auto model = std::make_shared<const nn::StreamModel>(nn::StreamNetwork{{}, hidden, &stack, {}});
  set_threads(threads);
  const int64_t value_bytes = w.format ? w.format->code_bytes : int64_t{sizeof(float)};
  const int64_t bytes = stack.cell().num_gates() * hidden * 2 * hidden * value_bytes;
  const Block other(int64_t{4} << 20);
  const Times warm = time_steps(model, w.streams, steps, threads, [] {});
  const Times cold = time_steps(model, w.streams, std::max<int64_t>(steps / 50, 100), threads, [&] { other.read(); });
  const double roof = read_seconds(bytes, threads);
  std::printf(
      "{\"program\": \"carousel\", \"kernels\": \"%s%s%s\", \"threads\": %d, \"workload\": \"%s\", \"steps\": %lld, "
      "\"seconds\": %.4g, \"p99\": %.4g, \"min\": %.4g, \"cold_seconds\": %.4g, \"cold_p99\": %.4g, \"bytes\": %lld, "
      "\"gb_per_second\": %.1f, \"share_of_read_roof\": %.3f}\n",
      kernels::describe_active().c_str(), w.format ? ", " : "", w.format ? w.format->target() : "", threads,
      w.name().c_str(), static_cast<long long>(steps), warm.p50, warm.p99, warm.min, cold.p50, cold.p99,
      static_cast<long long>(bytes), 1e-9 * static_cast<double>(bytes) / warm.p50, roof / warm.p50);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::clamp(std::atoi(argv[1]), 1, 2) : 1;
  const int64_t thousands = argc > 2 ? std::max(1, std::atoi(argv[2])) : 0;
  const std::string only = argc > 3 ? argv[3] : "";
  bool found = false;
  nn::CellOptions lstm, gru;
  gru.cell = "gru";
  gru.reset = "after";
  std::vector<Workload> workloads = {{lstm, 128}, {lstm, 256}, {lstm, 512}, {lstm, 1024}, {gru, 256}};
  for (const kernels::quant::Format* format :
       {&kernels::quant::format_named("bf16"), &kernels::quant::format_named("int8")})
    for (const int64_t hidden : {128, 256, 512, 1024}) workloads.push_back({lstm, hidden, format});
  for (const kernels::quant::Format* format :
       {static_cast<const kernels::quant::Format*>(nullptr), &kernels::quant::format_named("bf16"),
        &kernels::quant::format_named("int8")})
    workloads.push_back({lstm, 512, format, 64});
  for (const Workload& workload : workloads) {
    if (!only.empty() && only != workload.name()) continue;
    found = true;
    report(workload,
           1000 *
               (thousands > 0            ? thousands
                : workload.hidden < 1024 ? 100
                                         : 20) /
               workload.streams,
           threads);
  }
  if (found) return 0;
  std::fprintf(stderr,
               "bench_stream: no workload is called %s; one of lstm_stream_{128,256,512,1024}, the same with _bf16 and "
               "_int8, lstm_batch_512, gru_stream_256\n",
               only.c_str());
  return 2;
}
