// Matrix products by oneDNN's matmul primitive, single-threaded inside our own parallel regions, with operands in f32
// or, for those that ask, rounded to bf16; results and sums are f32 in both.
//
// A primitive costs about 0.3 ms to make, so each thread keeps those it has met. To bound their number with packed
// batches, whose row counts are all different, long products are cut: m into blocks of 128 rows and a rest, k of an
// unpacked product into blocks of 512, a multiple of 16, and a rest.
#include "carousel/kernels/onednn/onednn.h"

#include <fmt/format.h>
#include <omp.h>

#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <tuple>
#include <unordered_map>

#include "carousel/base/error.h"
#include "carousel/base/memory.h"
#include "carousel/kernels/simd/product.h"
#include "carousel/kernels/simd/rounding.h"

namespace carousel::kernels::onednn {

namespace {

using dnnl::memory;
using Dims = memory::dims;

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

dnnl::stream& stream() {
  static thread_local dnnl::stream instance(engine());
  return instance;
}

struct Key {
  int64_t m, n, k, lda, ldb, ldc;
  uint32_t flags;  // bit 0 trans_a, 1 trans_b, 2 accumulate, 3 packed, 4 inside a parallel region, 5 operands in bf16
  friend bool operator==(const Key&, const Key&) = default;
};

struct KeyHash {
  size_t operator()(const Key& key) const {
    uint64_t h = key.flags;
    for (const int64_t v : {key.m, key.n, key.k, key.lda, key.ldb, key.ldc})
      h = (h ^ static_cast<uint64_t>(v)) * 0x9E3779B97F4A7C15u;
    return static_cast<size_t>(h ^ (h >> 32));
  }
};

/// A primitive with its memory objects; only the data handles change from call to call.
struct Product {
  dnnl::matmul primitive;
  memory a, b, c;
  std::unordered_map<int, memory> arguments;
};

constexpr size_t kMaxCached = 4096;

/// The type of operands.
using Type = memory::data_type;

memory::desc matrix(Type type, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
  return {{rows, columns}, type, Dims{row_stride, column_stride}};
}

uint32_t type_flag(Type type) {
  return type == Type::bf16 ? 32u : 0u;
}

/// Memory of this thread for operands rounded to bf16; it grows to the largest.
class Rounded {
 public:
  /// [rows, columns], rows `ld` apart, as dense bf16. Valid until the next call.
  const void* of(int64_t rows, int64_t columns, const float* from, int64_t ld) {
    const int64_t count = rows * columns;
    if (count > size_) {
      block_ = allocate_block(count * int64_t{sizeof(uint16_t)});
      size_ = count;
    }
    auto* to = reinterpret_cast<uint16_t*>(block_.get());
    if (ld == columns) {
      simd::to_bf16(count, from, to);
    } else {
      for (int64_t i = 0; i < rows; ++i) simd::to_bf16(columns, from + i * ld, to + i * columns);
    }
    return to;
  }

 private:
  std::shared_ptr<std::byte> block_;
  int64_t size_ = 0;
};

struct RoundedOperands {
  Rounded a, b;
};

RoundedOperands& rounded() {
  static thread_local RoundedOperands instance;
  return instance;
}

Product make_product(const memory::desc& a, const memory::desc& b, const memory::desc& c, bool accumulate) {
  dnnl::primitive_attr attributes;
  if (accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), attributes, engine());
  Product p{dnnl::matmul(description),
            memory(a, engine(), nullptr),
            memory(b, engine(), nullptr),
            memory(c, engine(), nullptr),
            {}};
  p.arguments = {{DNNL_ARG_SRC, p.a}, {DNNL_ARG_WEIGHTS, p.b}, {DNNL_ARG_DST, p.c}};
  return p;
}

void run(Product& p, const void* a, const void* b, float* c) {
  p.a.set_data_handle(const_cast<void*>(a));
  p.b.set_data_handle(const_cast<void*>(b));
  p.c.set_data_handle(c);
  p.primitive.execute(stream(), p.arguments);
}

uint32_t region_flag() {
  return omp_in_parallel() ? 16u : 0u;
}

/// Calls work() and turns what oneDNN throws, for lack of memory mostly, into one of our errors.
template <class Work>
auto guarded(const char* what, int64_t k, int64_t n, Work work) {
  try {
    return work();
  } catch (const dnnl::error& e) {
    throw ResourceError(
        fmt::format("[onednn] {} of a matrix [{}, {}] failed; got {}. Free memory, or set CAROUSEL_KERNELS=simd to do "
                    "without oneDNN.",
                    what, k, n, e.what()));
  }
}

template <class Make>
Product& cached(std::unordered_map<Key, Product, KeyHash>& cache, const Key& key, Make make) {
  const auto found = cache.find(key);
  if (found != cache.end()) return found->second;
  if (cache.size() >= kMaxCached) cache.clear();
  try {
    return cache.emplace(key, make()).first->second;
  } catch (const dnnl::error& e) {
    throw Error(
        fmt::format("[onednn] a product [{}, {}] x [{}, {}] could not be prepared; got {}. "
                    "Set CAROUSEL_KERNELS=simd to do without oneDNN.",
                    key.m, key.k, key.k, key.n, e.what()));
  }
}

/// One product whose operands lie as `p` says, in `type`.
void gemm_block(Type type, const Gemm<float>& p, const void* a, const void* b) {
  static thread_local std::unordered_map<Key, Product, KeyHash> cache;
  const Key key{
      p.m,
      p.n,
      p.k,
      p.lda,
      p.ldb,
      p.ldc,
      (p.trans_a ? 1u : 0u) | (p.trans_b ? 2u : 0u) | (p.accumulate ? 4u : 0u) | region_flag() | type_flag(type)};
  Product& product = cached(cache, key, [&] {
    return make_product(p.trans_a ? matrix(type, p.m, p.k, 1, p.lda) : matrix(type, p.m, p.k, p.lda, 1),
                        p.trans_b ? matrix(type, p.k, p.n, 1, p.ldb) : matrix(type, p.k, p.n, p.ldb, 1),
                        matrix(Type::f32, p.m, p.n, p.ldc, 1), p.accumulate);
  });
  run(product, a, b, p.c);
}

/// Weight gradients: A transposed, so oneDNN copies it, and cuts k as below. While B stays in the second-level cache
/// our own product, which reads A in place, is 5-10 % faster; beyond, and for a large C, oneDNN blocks better.
bool better_in_place(const Gemm<float>& p) {
  return p.trans_a && p.k * p.n <= 300000 && p.m * p.n <= (int64_t{1} << 20);
}

/// The product cut into blocks.
void gemm_blocks(Type type, const Gemm<float>& p) {
  count_gemm_call(2);
  if (p.m == 0 || p.n == 0) return;
  if (p.k == 0) {
    if (!p.accumulate)
      for (int64_t i = 0; i < p.m; ++i) std::fill_n(p.c + i * p.ldc, p.n, 0.0f);
    return;
  }
  for (int64_t l = 0; l < p.k;) {
    // Only activations have arbitrary m (then A is not transposed) or arbitrary k (then it is).
    const int64_t left = p.k - l;
    Gemm<float> block = p;
    block.k = !p.trans_a ? left : left >= 512 ? 512 : left >= 16 ? left & ~int64_t{15} : left;
    block.accumulate = p.accumulate || l > 0;
    const void* b = block.b = p.b + (p.trans_b ? l : l * p.ldb);
    if (type == Type::bf16) {
      const int64_t rows = p.trans_b ? p.n : block.k;
      block.ldb = p.trans_b ? block.k : p.n;
      b = rounded().b.of(rows, block.ldb, block.b, p.ldb);
    }
    for (int64_t i = 0; i < p.m; i += block.m) {
      block.m = p.trans_a || p.m - i < 128 ? p.m - i : 128;
      block.c = p.c + i * p.ldc;
      const void* a = block.a = p.a + (p.trans_a ? l * p.lda + i : i * p.lda + l);
      if (type == Type::bf16) {
        const int64_t rows = p.trans_a ? block.k : block.m;
        block.lda = p.trans_a ? block.m : block.k;
        a = rounded().a.of(rows, block.lda, block.a, p.lda);
      }
      gemm_block(type, block, a, b);
    }
    l += block.k;
  }
}

void gemm(const Gemm<float>& p) {
  if (better_in_place(p)) {
    count_gemm_call(2);
    simd::gemm(p);
  } else {
    gemm_blocks(Type::f32, p);
  }
}

void gemm_in_bf16(const Gemm<float>& p) {
  gemm_blocks(Type::bf16, p);
}

/// The packed layout of a [k, n] right-hand matrix: chosen once for a middling row count, so that primitives for all
/// other row counts may be shared by all matrices of this size.
const memory::desc& packed_layout(Type type, int64_t k, int64_t n) {
  static std::mutex mutex;
  static std::map<std::tuple<Type, int64_t, int64_t>, memory::desc> layouts;
  const std::lock_guard lock(mutex);
  auto& layout = layouts[{type, k, n}];
  if (layout.is_zero()) {
    const dnnl::matmul::primitive_desc description(
        dnnl::matmul::desc(matrix(type, 32, k, k, 1), {{k, n}, type, memory::format_tag::any},
                           matrix(Type::f32, 32, n, n, 1)),
        engine());
    layout = description.weights_desc();
  }
  return layout;
}

class OnednnPacked final : public Packed<float> {
 public:
  OnednnPacked(Type type, bool transposed, int64_t k, int64_t n) : type_(type), transposed_(transposed), k_(k), n_(n) {
    guarded("the packing", k, n, [&] {
      layout_ = packed_layout(type, k, n);
      block_ = allocate_block(static_cast<int64_t>(layout_.get_size()));
      packed_ = memory(layout_, engine(), block_.get());
    });
  }

  void assign(const float* b, int64_t ldb) override {
    guarded("the packing", k_, n_, [&] {
      const memory::desc plain = transposed_ ? matrix(Type::f32, k_, n_, 1, ldb) : matrix(Type::f32, k_, n_, ldb, 1);
      memory source(plain, engine(), const_cast<float*>(b));
      if (!reorder_ || ldb != ldb_) {
        reorder_ = std::make_unique<dnnl::reorder>(source, packed_);
        ldb_ = ldb;
      }
      reorder_->execute(stream(), source, packed_);
    });
  }

  void multiply(int64_t m, const float* a, float* c, bool accumulate) const override {
    static thread_local std::unordered_map<Key, Product, KeyHash> cache;
    count_gemm_call(2);
    for (int64_t i = 0; i < m;) {
      const int64_t rows = m - i < 128 ? m - i : 128;
      const Key key{rows, n_, k_, k_, 0, n_, (accumulate ? 4u : 0u) | 8u | region_flag() | type_flag(type_)};
      Product& product = cached(cache, key, [&] {
        return make_product(matrix(type_, rows, k_, k_, 1), layout_, matrix(Type::f32, rows, n_, n_, 1), accumulate);
      });
      const void* left = a + i * k_;
      if (type_ == Type::bf16) left = rounded().a.of(rows, k_, a + i * k_, k_);
      run(product, left, packed_.get_data_handle(), c + i * n_);
      i += rows;
    }
  }

 private:
  Type type_;
  bool transposed_;
  int64_t k_, n_;
  int64_t ldb_ = -1;
  memory::desc layout_;
  std::shared_ptr<std::byte> block_;
  memory packed_;
  std::unique_ptr<dnnl::reorder> reorder_;
};

template <Type type>
std::unique_ptr<Packed<float>> pack(bool transposed, int64_t k, int64_t n) {
  return std::make_unique<OnednnPacked>(type, transposed, k, n);
}

/// Whether oneDNN may use all instructions of `isa` here.
bool has(dnnl::cpu_isa isa) {
  const auto wanted = static_cast<unsigned>(isa);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

}  // namespace

bool gains() {
#if defined(__x86_64__)
  return has(dnnl::cpu_isa::avx512_core);
#else
  return false;
#endif
}

bool bf16_gains() {
  if (!has(dnnl::cpu_isa::avx512_core_bf16)) return false;
#if defined(__x86_64__)
  return has(dnnl::cpu_isa::avx512_core_amx) || __builtin_cpu_is("amd");
#else
  return true;
#endif
}

void fill(Table<float>& table) {
  table.gemm = gemm;
  table.pack = pack<Type::f32>;
  if (!has(dnnl::cpu_isa::avx512_core_bf16)) return;  // oneDNN would convert at each product; rounding first is as good
  table.gemm_bf16 = gemm_in_bf16;
  table.pack_bf16 = pack<Type::bf16>;
}

std::string version() {
  const dnnl::version_t* v = dnnl::version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

}  // namespace carousel::kernels::onednn
