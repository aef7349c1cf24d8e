// Products with operands rounded to bf16, in their plain form: rounded operands go through a product in f32.
//
//     C = bf16(A) bf16(B)
//
// Each product of two elements is exact in f32 and sums are f32, so sets differ in the order of their sums alone.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "carousel/kernels/table.h"

namespace carousel::kernels {

/// The products of a set made of its products in f32 and its rounding.
template <auto f32_gemm, auto f32_pack, auto round>
struct RoundedProducts {
  static void gemm(const Gemm<float>& p) {
    static thread_local std::vector<float> a, b;
    Gemm<float> rounded = p;
    rounded.lda = p.trans_a ? p.m : p.k;
    rounded.a = rounded_rows(a, p.trans_a ? p.k : p.m, rounded.lda, p.a, p.lda);
    rounded.ldb = p.trans_b ? p.k : p.n;
    rounded.b = rounded_rows(b, p.trans_b ? p.n : p.k, rounded.ldb, p.b, p.ldb);
    f32_gemm(rounded);
  }

  static std::unique_ptr<Packed<float>> pack(bool transposed, int64_t k, int64_t n) {
    return std::make_unique<Matrix>(transposed, k, n);
  }

 private:
  /// [rows, columns], rows `ld` apart, rounded into `to`, which grows to the largest.
  static const float* rounded_rows(std::vector<float>& to, int64_t rows, int64_t columns, const float* from,
                                   int64_t ld) {
    to.resize(std::max(to.size(), static_cast<size_t>(rows * columns)));
    for (int64_t i = 0; i < rows; ++i) round(columns, from + i * ld, to.data() + i * columns);
    return to.data();
  }

  class Matrix final : public Packed<float> {
   public:
    Matrix(bool transposed, int64_t k, int64_t n)
        : rows_(transposed ? n : k), columns_(transposed ? k : n), k_(k), inner_(f32_pack(transposed, k, n)) {}

    void assign(const float* b, int64_t ldb) override {
      std::vector<float> rounded;
      inner_->assign(rounded_rows(rounded, rows_, columns_, b, ldb), columns_);
    }

    void multiply(int64_t m, const float* a, float* c, bool accumulate) const override {
      static thread_local std::vector<float> rounded;
      inner_->multiply(m, rounded_rows(rounded, m, k_, a, k_), c, accumulate);
    }

   private:
    int64_t rows_, columns_, k_;
    std::unique_ptr<Packed<float>> inner_;
  };
};

}  // namespace carousel::kernels
