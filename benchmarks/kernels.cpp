// How fast are the kernels alone, on one thread, with their operands in the caches? Products in the shapes of recurrent
// training, in f32, bf16 and, with constant weights, int8; the cells, softmax, attention and optimizer by the element.
// Usage: bench_kernels [repeat]
#include <cstdlib>

#include "benchmarks/measure.h"
#include "carousel/nn/init.h"

using namespace carousel;

namespace {

Tensor values(int64_t count) {
  return nn::normal_init({count}, 0.1, Rng(1, static_cast<uint64_t>(count)));
}

void print_product(const std::string& name, const char* numbers, double gflop, const engine::BenchTimes& times) {
  std::printf(
      "{\"program\": \"carousel\", \"kernels\": \"%s\", \"workload\": \"%s\", \"numbers\": \"%s\", "
      "\"seconds\": %.4g, \"gflops\": %.1f}\n",
      kernels::describe_active().c_str(), name.c_str(), numbers, times.median, gflop / times.median);
  std::fflush(stdout);
}

/// x [m, k] times constant weights [n, k], packed once.
void products(int64_t m, int64_t n, int64_t k, int repeat) {
  const std::string name = "product_" + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
  const double gflop = 2e-9 * static_cast<double>(m * n * k);
  const int inner = static_cast<int>(0.05 / gflop) + 1;
  const Tensor a = values(m * k), w = values(n * k);
  Tensor c = Tensor::zeros({m * n});
  for (const auto precision : {kernels::Precision::f32, kernels::Precision::bf16}) {
    const kernels::PrecisionScope rounding(precision);
    const auto packed = kernels::table<float>().pack(true, k, n);
    packed->assign(w.data<float>(), k);
    const auto times = engine::time_work({[&] { packed->multiply(m, a.data<float>(), c.data<float>(), false); }, gflop},
                                         repeat, inner);
    print_product(name, precision == kernels::Precision::f32 ? "f32" : "bf16", gflop, times);
  }
  const kernels::quant::Format& int8 = kernels::quant::format_named("int8");
  Tensor codes = Tensor::empty({n * k}, DType::i8), scales = Tensor::empty({n});
  Tensor packed = Tensor::empty({int8.packed_bytes(n, k)}, DType::i8);
  int8.encode(n, k, w.data<float>(), codes.raw(), scales.data<float>());
  int8.pack({n, k, k, codes.raw(), scales.data<float>()}, static_cast<std::byte*>(packed.raw()));
  const auto multiply = kernels::quant::multiply_of(int8);
  const auto* weights = static_cast<const std::byte*>(packed.raw());
  const auto times = engine::time_work({[&] {
                                          multiply({m, n, k, weights, a.data<float>(), c.data<float>(), false});
                                        },
                                        gflop},
                                       repeat, inner);
  print_product(name, "int8", gflop, times);
}

/// Kernels whose time goes by the element.
void by_the_element(int repeat) {
  constexpr int64_t kRows = 16, kHidden = 512;
  const auto& k = kernels::table<float>();
  Tensor gates = values(kRows * 4 * kHidden), c = values(kRows * kHidden), h = values(kRows * kHidden);
  Tensor dh = values(kRows * kHidden), dc = values(kRows * kHidden), scores = Tensor::zeros({kHidden});
  const Tensor bias = values(4 * kHidden), before = values(kRows * kHidden), keys = values(32 * kHidden);
  const Tensor given = values(kRows * 4 * kHidden);
  Tensor moments = Tensor::zeros({2 * kRows * 4 * kHidden});
  struct Kernel {
    const char* name;
    int64_t elements;
    std::function<void()> run;
  };
  // In place kernels are given fresh numbers each time, or they would run into the flat ends of their curves.
  const auto renew = [&] { std::copy_n(given.data<float>(), gates.numel(), gates.data<float>()); };
  const std::vector<Kernel> all = {
      {"lstm_forward", kRows * kHidden,
       [&] {
         renew();
         k.lstm_forward({.rows = kRows,
                         .hidden = kHidden,
                         .gates = gates.data<float>(),
                         .bias = bias.data<float>(),
                         .c_prev = before.data<float>(),
                         .c = c.data<float>(),
                         .h = h.data<float>(),
                         .ldh = kHidden});
       }},
      {"lstm_backward", kRows * kHidden,
       [&] {
         renew();
         k.lstm_backward({.rows = kRows,
                          .hidden = kHidden,
                          .gates = gates.data<float>(),
                          .c = c.data<float>(),
                          .c_prev = before.data<float>(),
                          .dh = dh.data<float>(),
                          .dc = dc.data<float>()});
       }},
      {"additive_forward", 32 * kHidden,
       [&] {
         k.additive_forward(
             {32, kHidden, keys.data<float>(), before.data<float>(), bias.data<float>(), scores.data<float>()});
       }},
      {"softmax", kRows * 4 * kHidden,
       [&] {
         renew();
         k.softmax(gates.numel(), gates.data<float>());
       }},
      {"tanh", kRows * 4 * kHidden, [&] { k.tanh(gates.numel(), given.data<float>(), gates.data<float>()); }},
      {"adam", kRows * 4 * kHidden, [&] {
         kernels::AdamUpdate<float> update;
         update.n = gates.numel();
         update.w = gates.data<float>();
         update.m = moments.data<float>();
         update.v = moments.data<float>() + gates.numel();
         update.g = given.data<float>();
         k.adam(update);
       }}};
  for (const Kernel& kernel : all) {
    const engine::BenchTimes times = engine::time_work({kernel.run, 0}, repeat, 50);
    std::printf(
        "{\"program\": \"carousel\", \"kernels\": \"%s\", \"workload\": \"%s\", \"elements\": %lld, "
        "\"seconds\": %.4g, \"nanoseconds_an_element\": %.4f}\n",
        kernels::describe_active().c_str(), kernel.name, static_cast<long long>(kernel.elements), times.median,
        1e9 * times.median / static_cast<double>(kernel.elements));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int repeat = argc > 1 ? std::atoi(argv[1]) : 9;
  set_threads(1);
  const FlushDenormals flush;
  for (const int64_t m : {1, 4, 16, 32, 128}) products(m, 2048, 512, repeat);
  products(32, 1024, 256, repeat);
  products(128, 10000, 650, repeat);
  by_the_element(repeat);
}
