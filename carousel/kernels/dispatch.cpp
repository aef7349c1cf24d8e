// Chooses the kernel set in use.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string_view>

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
    rounding = tables;
    for (Table<float>& t : rounding) {
      t.gemm = t.gemm_bf16;
      t.pack = t.pack_bf16;
    }
  }
  std::array<Table<float>, 3> tables;
  std::array<Table<float>, 3> rounding;  // the same with products in bf16
  size_t count = 2;
};

const Sets& sets() {
  static const Sets instance;
  return instance;
}

/// What was chosen, and the table that follows from it.
struct Choice {
  std::mutex mutex;
  std::optional<size_t> set;
  std::atomic<Precision> precision{Precision::f32};
  bool timed = false;
  std::atomic<const Table<float>*> table{nullptr};
};

Choice& choice() {
  static Choice instance;
  return instance;
}

size_t index_of(const std::string& name) {
  for (size_t i = 0; i < sets().count; ++i)
    if (name == kNames[i]) return i;
  throw ConfigError(
      fmt::format("[kernels] CAROUSEL_KERNELS names a kernel set of this build; got '{}'. Use one of: {}.", name,
                  fmt::join(available(), ", ")));
}

/// oneDNN where it is the fastest and keeps the promise that rows of a product do not depend on how many there are.
size_t default_set() {
#ifdef CAROUSEL_HAVE_ONEDNN
  if (!onednn::gains()) return 1;
#endif
  return sets().count - 1;
}

/// Changes the choice, that of the set made when there is none yet, and gives the table that follows.
template <class Change>
const Table<float>& choose(Change change) {
  Choice& c = choice();
  const std::lock_guard lock(c.mutex);
  change(c);
  if (!c.set) {
    const char* forced = std::getenv("CAROUSEL_KERNELS");
    c.set = forced && *forced ? index_of(forced) : default_set();
  }
  const Table<float>* chosen = &(c.precision == Precision::bf16 ? sets().rounding : sets().tables)[*c.set];
  if (c.timed) chosen = &profiled(*chosen);
  c.table.store(chosen, std::memory_order_release);
  return *chosen;
}

}  // namespace

std::vector<std::string> available() {
  std::vector<std::string> names = {kNames[default_set()]};
  for (size_t i = sets().count; i-- > 0;)
    if (i != default_set()) names.emplace_back(kNames[i]);
  return names;
}

const Table<float>& table_named(const std::string& name) {
  return sets().tables[index_of(name)];
}

void use(const std::string& name) {
  const size_t set = index_of(name);
  choose([set](Choice& c) {
    c.set = set;
    c.timed = false;
  });
}

void use_profiled() {
  choose([](Choice& c) { c.timed = true; });
}

bool bf16_is_fast() {
#ifdef CAROUSEL_HAVE_ONEDNN
  return std::string_view(table<float>().name) == "onednn" && onednn::bf16_gains();
#else
  return false;
#endif
}

Precision precision() {
  return choice().precision;
}

PrecisionScope::PrecisionScope(Precision wanted) : before_(precision()) {
  choose([wanted](Choice& c) { c.precision = wanted; });
}

PrecisionScope::~PrecisionScope() {
  choose([this](Choice& c) { c.precision = before_; });
}

template <>
const Table<float>& table<float>() {
  const Table<float>* chosen = choice().table.load(std::memory_order_acquire);
  return chosen ? *chosen : choose([](Choice&) {});
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
