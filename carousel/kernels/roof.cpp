#include "carousel/kernels/roof.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)  // false alarms on what these headers leave undefined, GCC bug 105593
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif

namespace carousel::kernels {

namespace {

constexpr int64_t kRounds = 200000;
constexpr int kChains = 12;  // hide the latency of any of these instructions, and fit the registers of AVX2

constexpr double operations_of(int64_t pairs) {
  return 2.0 * static_cast<double>(kRounds * kChains * pairs);
}

thread_local volatile float sink = 0;

/// What any compiler makes of it.
void run_plain() {
  float sum[kChains][4] = {};
  const float factor = 1 - 0x1p-20f;
  for (int64_t i = 0; i < kRounds; ++i)
    for (auto& chain : sum)
      for (float& value : chain) value = value * factor + 1;
  float all = 0;
  for (const auto& chain : sum)
    for (const float value : chain) all += value;
  sink = all;
}

#if defined(__x86_64__)

__attribute__((target("avx2,fma"))) void run_avx2() {
  __m256 sum[kChains];
  const __m256 factor = _mm256_set1_ps(1 - 0x1p-20f), one = _mm256_set1_ps(1);
  for (auto& chain : sum) chain = one;
  for (int64_t i = 0; i < kRounds; ++i)
    for (auto& chain : sum) chain = _mm256_fmadd_ps(chain, factor, one);
  for (const auto& chain : sum) sink = sink + _mm256_cvtss_f32(chain);
}

__attribute__((target("avx512f"))) void run_avx512() {
  __m512 sum[kChains];
  const __m512 factor = _mm512_set1_ps(1 - 0x1p-20f), one = _mm512_set1_ps(1);
  for (auto& chain : sum) chain = one;
  for (int64_t i = 0; i < kRounds; ++i)
    for (auto& chain : sum) chain = _mm512_fmadd_ps(chain, factor, one);
  for (const auto& chain : sum) sink = sink + _mm512_cvtss_f32(chain);
}

__attribute__((target("avx512f,avx512bf16"))) void run_bf16() {
  __m512 sum[kChains];
  const auto one = (__m512bh)_mm512_set1_epi16(0x3f80), small = (__m512bh)_mm512_set1_epi16(0x3a00);
  for (auto& chain : sum) chain = _mm512_setzero_ps();
  for (int64_t i = 0; i < kRounds; ++i)
    for (auto& chain : sum) chain = _mm512_dpbf16_ps(chain, one, small);
  for (const auto& chain : sum) sink = sink + _mm512_cvtss_f32(chain);
}

__attribute__((target("avx512f,avx512vnni"))) void run_int8() {
  __m512i sum[kChains];
  const __m512i three = _mm512_set1_epi8(3), one = _mm512_set1_epi8(1);
  for (auto& chain : sum) chain = _mm512_setzero_si512();
  for (int64_t i = 0; i < kRounds; ++i)
    for (auto& chain : sum) chain = _mm512_dpbusd_epi32(chain, three, one);
  for (const auto& chain : sum) sink = sink + static_cast<float>(_mm512_reduce_add_epi32(chain));
}

#endif

}  // namespace

const RoofLoop* roof_loop(const std::string& numbers) {
#if defined(__x86_64__)
  static constexpr RoofLoop kAvx512 = {"vfmadd231ps zmm", operations_of(16), run_avx512};
  static constexpr RoofLoop kAvx2 = {"vfmadd231ps ymm", operations_of(8), run_avx2};
  static constexpr RoofLoop kBf16 = {"vdpbf16ps zmm", operations_of(32), run_bf16};
  static constexpr RoofLoop kInt8 = {"vpdpbusd zmm", operations_of(64), run_int8};
  if (numbers == "bf16") return __builtin_cpu_supports("avx512bf16") ? &kBf16 : nullptr;
  if (numbers == "int8") return __builtin_cpu_supports("avx512vnni") ? &kInt8 : nullptr;
  if (numbers == "f32" && __builtin_cpu_supports("avx512f")) return &kAvx512;
  if (numbers == "f32" && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &kAvx2;
#endif
  static constexpr RoofLoop kPlain = {"compiled", operations_of(4), run_plain};
  return numbers == "f32" ? &kPlain : nullptr;
}

double roof_rate(const RoofLoop& loop, int rounds) {
  using Clock = std::chrono::steady_clock;
  double least = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const auto start = Clock::now();
    loop.run();
    least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return loop.operations / least;
}

}  // namespace carousel::kernels
