// Chooses the kernel set in use.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <atomic>
#include <cstdlib>

#include "carousel/base/error.h"
#include "carousel/kernels/profiled.h"
#include "carousel/kernels/reference/reference.h"
#include "carousel/kernels/simd/simd.h"
#include "carousel/kernels/table.h"
#ifdef CAROUSEL_HAVE_ONEDNN
#include "carousel/kernels/onednn/onednn.h"
#endif

namespace carousel::kernels {

namespace {

/// Slowest first: each set starts from the one before it and replaces what it does better. The index is the set number
/// of count_gemm_call.
constexpr std::array<const char*, 3> kNames = {"reference", "simd", "onednn"};
std::array<std::atomic<int64_t>, 3> calls{};

struct Sets {
  Sets() {
    tables[0] = reference::make_table<float>();
    tables[1] = tables[0];
    tables[1].name = kNames[1];
    simd::fill(tables[1]);
#ifdef CAROUSEL_HAVE_ONEDNN
    tables[2] = tables[1];
    tables[2].name = kNames[2];
    onednn::fill(tables[2]);
    count = 3;
#endif
  }
  std::array<Table<float>, 3> tables;
  size_t count = 2;
};

const Sets& sets() {
  static const Sets instance;
  return instance;
}

std::atomic<const Table<float>*> active_table{nullptr};

}  // namespace

std::vector<std::string> available() {
  std::vector<std::string> names;
  for (size_t i = sets().count; i-- > 0;) names.emplace_back(kNames[i]);
  return names;
}

const Table<float>& table_named(const std::string& name) {
  for (size_t i = 0; i < sets().count; ++i)
    if (name == kNames[i]) return sets().tables[i];
  throw ConfigError(
      fmt::format("[kernels] CAROUSEL_KERNELS names a kernel set of this build; got '{}'. Use one of: {}.", name,
                  fmt::join(available(), ", ")));
}

void use(const std::string& name) {
  active_table = &table_named(name);
}

void use_profiled() {
  active_table = &profiled(table<float>());
}

template <>
const Table<float>& table<float>() {
  const Table<float>* chosen = active_table.load(std::memory_order_acquire);
  if (chosen) return *chosen;
  const char* forced = std::getenv("CAROUSEL_KERNELS");
  chosen = &table_named(forced && *forced ? forced : kNames[sets().count - 1]);
  active_table.store(chosen, std::memory_order_release);
  return *chosen;
}

template <>
const Table<double>& table<double>() {
  static const Table<double> instance = reference::make_table<double>();
  return instance;
}

std::string describe_active() {
  std::string name = table<float>().name;
  if (name == "reference") return name;
#ifdef CAROUSEL_HAVE_ONEDNN
  if (name == "onednn") return fmt::format("onednn {} + highway {}", onednn::version(), simd::target_name());
#endif
  return fmt::format("highway {}", simd::target_name());
}

int64_t gemm_calls(const std::string& name) {
  for (size_t i = 0; i < kNames.size(); ++i)
    if (name == kNames[i]) return calls[i].load();
  return 0;
}

void count_gemm_call(int set) {
  calls[static_cast<size_t>(set)].fetch_add(1, std::memory_order_relaxed);
}

}  // namespace carousel::kernels
