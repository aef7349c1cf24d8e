#include "carousel/engine/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "carousel/base/error.h"
#include "carousel/base/threads.h"
#include "carousel/kernels/roof.h"

namespace carousel::engine {

namespace {

using kernels::Precision;

/// A measurement: its row's name and numbers, and how to fill the rest.
struct Measurement {
  std::string name;
  std::string numbers;
  std::function<void(BenchRow&)> measure;
};

Precision precision_of(const std::string& numbers) {
  return numbers == "bf16" ? Precision::bf16 : Precision::f32;
}

const kernels::quant::Format* named_format(const std::string& numbers) {
  return numbers == "f32" ? nullptr : &kernels::quant::format_named(numbers);
}

int repeats(double count, double scale) {
  return std::max(1, static_cast<int>(count * scale));
}

class Bench {
 public:
  explicit Bench(double scale) : scale_(scale), threads_(num_threads()) {}
  ~Bench() { set_threads(threads_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  std::vector<Measurement> measurements() {
    std::vector<Measurement> all;
    std::vector<std::string> precisions = {"f32"};
    if (kernels::bf16_is_fast()) precisions.emplace_back("bf16");
    for (const char* numbers : {"f32", "bf16", "int8"})
      if (kernels::roof_loop(numbers))
        all.push_back({"multiply_add", numbers, [this](BenchRow& row) { row.rate = roof(row.numbers); }});
    for (const std::string& numbers : precisions)
      all.push_back({"product_512", numbers, [this](BenchRow& row) {
                       const kernels::PrecisionScope rounding(precision_of(row.numbers));
                       row.rate = product_rate();
                       row.share = row.rate / roof(row.numbers);
                     }});
    for (const int64_t kib : {256, 4096, 65536})
      all.push_back({fmt::format("read_{}_KiB", kib), "", [kib](BenchRow& row) {
                       const int64_t bytes = kib * 1024 * num_threads();
                       row.unit = "GB/s";
                       row.rate = 1e-9 * static_cast<double>(bytes) / read_roof_seconds(bytes, num_threads());
                     }});
    LayerWork wide, narrow, gru, answers;
    narrow.input_size = narrow.hidden_size = 128;
    narrow.batch_size = 16;
    narrow.seq_len = 50;
    gru.cell.cell = "gru";
    answers.batch_size = 64;
    answers.training = false;
    for (const std::string& numbers : precisions) {
      add_layers(all, "lstm_train_512", numbers, wide);
      add_layers(all, "lstm_train_128", numbers, narrow);
      add_layers(all, "gru_train_512", numbers, gru);
      add_layers(all, "lstm_infer_b64_512", numbers, answers);
    }
    for (const int64_t hidden : {128, 256, 512})
      for (const char* numbers : {"f32", "bf16", "int8"}) add_stream(all, hidden, numbers);
    return all;
  }

 private:
  double roof(const std::string& numbers) {
    const auto [known, fresh] = roofs_.try_emplace(numbers);
    if (fresh) known->second = arithmetic_roof(numbers);
    return known->second;
  }

  void add_layers(std::vector<Measurement>& all, const char* name, const std::string& numbers,
                  const LayerWork& layers) {
    all.push_back({name, numbers, [this, layers](BenchRow& row) {
                     const double best = roof(row.numbers);
                     const kernels::PrecisionScope rounding(precision_of(row.numbers));
                     const BenchWork work = layer_work(layers);
                     row.seconds = time_work(work, repeats(20, scale_)).median;
                     row.rate = work.gflop / row.seconds;
                     row.share = row.rate / best;
                   }});
  }

  void add_stream(std::vector<Measurement>& all, int64_t hidden, const char* numbers) {
    all.push_back({fmt::format("lstm_stream_{}", hidden), numbers, [this, hidden](BenchRow& row) {
                     StreamWork work;
                     work.hidden_size = hidden;
                     work.weights = named_format(row.numbers);
                     work.threads = std::min(threads_, 2);
                     work.steps = repeats(100000, scale_);
                     const StreamTimes times = time_streams(work);
                     set_threads(threads_);
                     row.seconds = times.p50;
                     row.p99 = times.p99;
                     row.unit = "GB/s";
                     row.rate = 1e-9 * static_cast<double>(times.weight_bytes) / times.p50;
                     row.share = times.read_seconds / times.p50;
                   }});
  }

  double scale_;
  int threads_;
  std::map<std::string, double> roofs_;
};

}  // namespace

std::vector<BenchRow> bench(const BenchRequest& request) {
  if (!(request.scale > 0 && request.scale <= 100))
    throw ConfigError(fmt::format(
        "[bench] the share of the usual repeats must lie above 0 and be at most 100; got {}. Use 1.", request.scale));
  const FlushDenormals flush;
  Bench bench(request.scale);
  std::vector<BenchRow> rows;
  std::string known;
  for (const Measurement& one : bench.measurements()) {
    if (known.find(one.name + ",") == std::string::npos) known += one.name + ", ";
    if (!one.name.starts_with(request.only)) continue;
    if (request.stop && request.stop()) break;
    BenchRow row;
    row.name = one.name;
    row.numbers = one.numbers;
    one.measure(row);
    if (request.row) request.row(row);
    rows.push_back(std::move(row));
  }
  if (rows.empty() && !(request.stop && request.stop()))
    throw ConfigError(
        fmt::format("[bench] a measurement must begin with the name asked for; got '{:.40}'. There are {}.",
                    request.only, known.substr(0, known.size() - 2)));
  return rows;
}

}  // namespace carousel::engine
