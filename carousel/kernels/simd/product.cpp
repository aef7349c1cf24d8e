// Register-blocked product: B is packed into panels two vectors wide, A is read in place by broadcasts (its rows or,
// when transposed, its columns), and a tile of kTile rows of C stays in registers over a block of k.
#include "carousel/kernels/simd/product.h"

#include <algorithm>
#include <cstring>

#include "carousel/base/memory.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/product.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));
constexpr int64_t kPanel = 2 * kLanes;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
constexpr int kTile = 12;  // 24 accumulators, 2 panel vectors, 1 broadcast of 32 registers
#else
constexpr int kTile = 6;  // 12 accumulators of 16 registers
#endif

int64_t PanelWidth() {
  return kPanel;
}

/// panel [k, kPanel] of columns [j, j + kPanel) of B, zero beyond n.
void PackPanel(bool transposed, const float* b, int64_t ldb, int64_t k, int64_t n, int64_t j, float* panel) {
  const int64_t width = std::min(kPanel, n - j);
  for (int64_t l = 0; l < k; ++l) {
    float* row = panel + l * kPanel;
    for (int64_t i = 0; i < width; ++i) row[i] = transposed ? b[(j + i) * ldb + l] : b[l * ldb + j + i];
    for (int64_t i = width; i < kPanel; ++i) row[i] = 0;
  }
}

/// kRows rows of C against a panel, of which `width` columns are part of C: no more than one vector when kHalf.
template <int kRows, bool kHalf>
HWY_INLINE void Tile(Left left, int64_t k, const float* panel, float* c, int64_t ldc, bool accumulate, int64_t width) {
  const D d;
  V acc0[kRows], acc1[kRows];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) acc0[r] = acc1[r] = hn::Zero(d);
  for (int64_t l = 0; l < k; ++l) {
    const V b0 = hn::LoadU(d, panel + l * kPanel), b1 = hn::LoadU(d, panel + l * kPanel + kLanes);
    const float* a = left.a + l * left.step;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const V x = hn::Set(d, a[r * left.row_stride]);
      acc0[r] = hn::MulAdd(x, b0, acc0[r]);
      if constexpr (!kHalf) acc1[r] = hn::MulAdd(x, b1, acc1[r]);
    }
  }
  HWY_ALIGN float edge[kPanel];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    float* row = c + r * ldc;
    if (width == kPanel) {
      if (accumulate) {
        acc0[r] = hn::Add(acc0[r], hn::LoadU(d, row));
        acc1[r] = hn::Add(acc1[r], hn::LoadU(d, row + kLanes));
      }
      hn::StoreU(acc0[r], d, row);
      hn::StoreU(acc1[r], d, row + kLanes);
    } else {
      hn::Store(acc0[r], d, edge);
      hn::Store(acc1[r], d, edge + kLanes);
      for (int64_t j = 0; j < width; ++j) row[j] = accumulate ? row[j] + edge[j] : edge[j];
    }
  }
}

/// Rows of C in one tile.
int64_t TileRows() {
  return kTile;
}

/// Floats from one copied tile of A to the next. A cache line more than a tile, so that the lines that PackLeft writes
/// side by side fall into different cache sets.
int64_t TileDistance(int64_t k) {
  return k * kTile + 16;
}

/// Copies the full tiles of A (m rows, given transposed: row_stride 1), each [k, kTile].
void PackLeft(Left left, int64_t m, int64_t k, float* tiles) {
  const int64_t distance = TileDistance(k);
  for (int64_t l = 0; l < k; ++l) {
    const float* from = left.a + l * left.step;
    float* to = tiles + l * kTile;
    for (int64_t i = 0; i + kTile <= m; i += kTile, to += distance)
      std::memcpy(to, from + i, sizeof(float) * static_cast<size_t>(kTile));
  }
}

template <bool kHalf>
HWY_INLINE void PanelRows(Left left, const float* tiles, int64_t m, int64_t k, const float* panel, float* c,
                          int64_t ldc, bool accumulate, int64_t width) {
  int64_t i = 0;
  if (tiles)
    for (; i + kTile <= m; i += kTile)
      Tile<kTile, kHalf>({tiles + i / kTile * TileDistance(k), 1, kTile}, k, panel, c + i * ldc, ldc, accumulate,
                         width);
  const auto run = [&]<int kRows>(int64_t at) HWY_ATTR {
    Tile<kRows, kHalf>({left.a + at * left.row_stride, left.row_stride, left.step}, k, panel, c + at * ldc, ldc,
                       accumulate, width);
  };
  for (; i + kTile <= m; i += kTile) run.template operator()<kTile>(i);
  for (; i + 4 <= m; i += 4) run.template operator()<4>(i);
  for (; i + 2 <= m; i += 2) run.template operator()<2>(i);
  for (; i < m; ++i) run.template operator()<1>(i);
}

/// All rows against one panel. `tiles`: the full tiles of A as PackLeft leaves them, or null to read A in place.
void PanelProduct(Left left, const float* tiles, int64_t m, int64_t k, const float* panel, float* c, int64_t ldc,
                  bool accumulate, int64_t width) {
  if (width <= kLanes) {
    PanelRows<true>(left, tiles, m, k, panel, c, ldc, accumulate, width);
  } else {
    PanelRows<false>(left, tiles, m, k, panel, c, ldc, accumulate, width);
  }
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::simd {

HWY_EXPORT(PanelWidth);
HWY_EXPORT(PackPanel);
HWY_EXPORT(TileRows);
HWY_EXPORT(TileDistance);
HWY_EXPORT(PackLeft);
HWY_EXPORT(PanelProduct);

namespace {

constexpr int64_t kBlockRows = 128;

class PanelPacked final : public Packed<float> {
 public:
  PanelPacked(bool transposed, int64_t k, int64_t n)
      : transposed_(transposed), k_(k), n_(n), width_(HWY_DYNAMIC_DISPATCH(PanelWidth)()) {
    const int64_t floats = (n + width_ - 1) / width_ * width_ * k;
    block_ = allocate_block(floats * static_cast<int64_t>(sizeof(float)));
  }

  void assign(const float* b, int64_t ldb) override {
    for (int64_t j = 0; j < n_; j += width_)
      HWY_DYNAMIC_DISPATCH(PackPanel)(transposed_, b, ldb, k_, n_, j, values() + j * k_);
  }

  void multiply(int64_t m, const float* a, float* c, bool accumulate) const override {
    count_gemm_call(1);
    for (int64_t l = 0; l < k_; l += kBlockRows) {
      const int64_t depth = std::min(kBlockRows, k_ - l);
      for (int64_t j = 0; j < n_; j += width_) HWY_DYNAMIC_DISPATCH(PanelProduct)
      ({a + l, k_, 1}, nullptr, m, depth, values() + j * k_ + l * width_, c + j, n_, accumulate || l > 0,
       std::min(width_, n_ - j));
    }
  }

 private:
  float* values() const { return reinterpret_cast<float*>(block_.get()); }

  bool transposed_;
  int64_t k_, n_, width_;
  std::shared_ptr<std::byte> block_;
};

/// A product of which all rows are made together.
void gemm_rows(const Gemm<float>& p) {
  const int64_t width = HWY_DYNAMIC_DISPATCH(PanelWidth)();
  static thread_local std::vector<float> panel, tiles;
  panel.resize(static_cast<size_t>(kBlockRows * width));
  // A transposed is read down its columns: with a row distance of a power of two (4 gates of 256 units) all rows of a
  // tile fall into the same few cache sets, so full tiles are copied once for all panels.
  const int64_t tile_rows = HWY_DYNAMIC_DISPATCH(TileRows)();
  const bool copied = p.trans_a && p.m >= tile_rows && p.n > width;
  if (copied) {
    const int64_t floats = p.m / tile_rows * HWY_DYNAMIC_DISPATCH(TileDistance)(kBlockRows);
    tiles.resize(std::max(tiles.size(), static_cast<size_t>(floats)));
  }
  if (p.k == 0 && !p.accumulate)
    for (int64_t i = 0; i < p.m; ++i) std::fill_n(p.c + i * p.ldc, p.n, 0.0f);
  for (int64_t l = 0; l < p.k; l += kBlockRows) {
    const int64_t depth = std::min(kBlockRows, p.k - l);
    const float* b = p.trans_b ? p.b + l : p.b + l * p.ldb;
    const float* a = p.trans_a ? p.a + l * p.lda : p.a + l;
    if (copied) HWY_DYNAMIC_DISPATCH(PackLeft)({a, 1, p.lda}, p.m, depth, tiles.data());
    for (int64_t j = 0; j < p.n; j += width) {
      HWY_DYNAMIC_DISPATCH(PackPanel)(p.trans_b, b, p.ldb, depth, p.n, j, panel.data());
      HWY_DYNAMIC_DISPATCH(PanelProduct)
      ({a, p.trans_a ? 1 : p.lda, p.trans_a ? p.lda : 1}, copied ? tiles.data() : nullptr, p.m, depth, panel.data(),
       p.c + j, p.ldc, p.accumulate || l > 0, std::min(width, p.n - j));
    }
  }
}

}  // namespace

void gemm(const Gemm<float>& p) {
  count_gemm_call(1);
  // Of a transposed A no more rows at once than leave their copy in the second-level cache. A multiple of the tiles.
  constexpr int64_t kTogether = 480;
  Gemm<float> part = p;
  for (int64_t i = 0; i < p.m; i += part.m) {
    part.m = p.trans_a && p.m - i > 2 * kTogether ? kTogether : p.m - i;
    part.a = p.a + (p.trans_a ? i : i * p.lda);
    part.c = p.c + i * p.ldc;
    gemm_rows(part);
  }
}

std::unique_ptr<Packed<float>> pack(bool transposed, int64_t k, int64_t n) {
  return std::make_unique<PanelPacked>(transposed, k, n);
}

}  // namespace carousel::kernels::simd
#endif
