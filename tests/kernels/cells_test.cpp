// Fused recurrent cells of every kernel set against the reference in double.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "carousel/base/rng.h"
#include "carousel/kernels/table.h"

namespace carousel::kernels {
namespace cells_test {

struct CellCase {
  std::string name;
  int64_t gates;
  CellForwardKernel<float> Table<float>::*forward;
  CellBackwardKernel<float> Table<float>::*backward;
  CellForwardKernel<double> Table<double>::*exact_forward;
  CellBackwardKernel<double> Table<double>::*exact_backward;
  bool peephole = false, keep = false, relu = false;
};

#define CAROUSEL_CASE(name, gates)                                                   \
#name, gates, &Table < float> ::name##_forward, &Table < float> ::name##_backward, \
      &Table < double> ::name##_forward, &Table < double> ::name##_backward

const std::vector<CellCase>& cases() {
  static const std::vector<CellCase> list = {
      {CAROUSEL_CASE(lstm, 4)},
      {CAROUSEL_CASE(lstm, 4), true},
      {CAROUSEL_CASE(rnn, 1)},
      {CAROUSEL_CASE(rnn, 1), false, false, true},
      {CAROUSEL_CASE(min_gru, 2), false, false},
      {CAROUSEL_CASE(min_gru, 2), false, true},
      {CAROUSEL_CASE(gru_after, 3), false, false},
      {CAROUSEL_CASE(gru_after, 3), false, true},
      {CAROUSEL_CASE(gru_before_reset, 2)},
      {CAROUSEL_CASE(gru_before_output, 1), false, false},
      {CAROUSEL_CASE(gru_before_output, 1), false, true},
  };
  return list;
}

/// Everything a kernel may read or write, in one precision; the same numbers in both.
template <class T>
struct Buffers {
  static constexpr int64_t kRows = 3;

  Buffers(int64_t gates, int64_t n) : hidden(n), ldh(n + 5) {
    uint64_t seed = 0;
    const auto fill = [&](std::vector<T>& v, int64_t count, double scale, bool positive = false) {
      Rng rng(++seed, 3);
      v.resize(static_cast<size_t>(count));
      for (T& x : v) {
        const auto drawn = static_cast<float>(scale) * rng.normal();
        x = static_cast<T>(positive ? 1 / (1 + std::exp(-drawn)) : drawn);
      }
    };
    fill(g, kRows * gates * n, 2);
    fill(bias, gates * n, 1);
    fill(recurrent, kRows * gates * n, 1);
    fill(recurrent_bias, gates * n, 1);
    fill(peephole, 3 * n, 1);
    fill(reset_update, kRows * 2 * n, 1, true);
    fill(c_prev, kRows * n, 1);
    fill(h_prev, kRows * n, 1);
    fill(dh, kRows * n, 1);
    fill(dc, kRows * n, 1);
    fill(d_operand, kRows * n, 1);
    fill(d_peephole, 3 * n, 1);
    c.resize(c_prev.size());
    operand.resize(c_prev.size());
    h.assign(static_cast<size_t>(kRows * ldh), T(7));
  }

  CellForward<T> forward(const CellCase& k, bool with_bias) {
    CellForward<T> p;
    p.rows = kRows;
    p.hidden = hidden;
    p.gates = g.data();
    p.bias = with_bias ? bias.data() : nullptr;
    p.c_prev = c_prev.data();
    p.c = c.data();
    p.h = h.data();
    p.ldh = ldh;
    p.h_prev = h_prev.data();
    p.peephole = k.peephole ? peephole.data() : nullptr;
    p.recurrent = recurrent.data();
    p.recurrent_bias = with_bias ? recurrent_bias.data() : nullptr;
    p.reset_update = reset_update.data();
    p.operand = operand.data();
    p.relu = k.relu;
    p.keep = k.keep;
    return p;
  }

  CellBackward<T> backward(const CellCase& k) {
    CellBackward<T> p;
    p.rows = kRows;
    p.hidden = hidden;
    p.gates = g.data();
    p.c = c.data();
    p.c_prev = c_prev.data();
    p.dh = dh.data();
    p.dc = dc.data();
    p.h_prev = h_prev.data();
    p.peephole = k.peephole ? peephole.data() : nullptr;
    p.d_peephole = k.peephole ? d_peephole.data() : nullptr;
    p.recurrent = recurrent.data();
    p.reset_update = reset_update.data();
    p.d_operand = d_operand.data();
    p.relu = k.relu;
    p.keep = k.keep;
    return p;
  }

  /// All that a kernel may have written.
  std::vector<std::pair<std::string, const std::vector<T>*>> written() const {
    return {{"gates", &g},
            {"recurrent", &recurrent},
            {"reset_update", &reset_update},
            {"c", &c},
            {"h", &h},
            {"operand", &operand},
            {"dh", &dh},
            {"dc", &dc},
            {"d_peephole", &d_peephole}};
  }

  int64_t hidden, ldh;
  std::vector<T> g, bias, recurrent, recurrent_bias, peephole, reset_update, c_prev, h_prev, dh, dc, d_operand,
      d_peephole, c, operand, h;
};

void expect_equal(const Buffers<float>& got, const Buffers<double>& want, const std::string& where) {
  const auto a = got.written();
  const auto b = want.written();
  for (size_t k = 0; k < a.size(); ++k)
    for (size_t i = 0; i < a[k].second->size(); ++i)
      ASSERT_NEAR((*a[k].second)[i], (*b[k].second)[i], 5e-6) << where << " " << a[k].first << " " << i;
}

class Cells : public ::testing::TestWithParam<std::string> {};

TEST_P(Cells, EqualTheReferenceInDoubleForwardAndBackward) {
  const Table<float>& fast = table_named(GetParam());
  const Table<double>& exact = table<double>();
  for (const CellCase& k : cases())
    for (const int64_t n : {1, 2, 7, 15, 16, 17, 31, 33, 64})
      for (const bool with_bias : {true, false}) {
        Buffers<float> got(k.gates, n);
        Buffers<double> want(k.gates, n);
        const std::string where = k.name + " of " + std::to_string(n);
        (fast.*k.forward)(got.forward(k, with_bias));
        (exact.*k.exact_forward)(want.forward(k, with_bias));
        expect_equal(got, want, where + " forward");
        (fast.*k.backward)(got.backward(k));
        (exact.*k.exact_backward)(want.backward(k));
        expect_equal(got, want, where + " backward");
      }
}

TEST_P(Cells, KeepNaNVisible) {
  const Table<float>& fast = table_named(GetParam());
  for (const CellCase& k : cases())
    for (const int64_t at : {0, 16}) {
      const int64_t n = 17;
      Buffers<float> b(k.gates, n);
      for (int64_t g = 0; g < k.gates; ++g)
        b.g[static_cast<size_t>(g * n + at)] = std::numeric_limits<float>::quiet_NaN();
      (fast.*k.forward)(b.forward(k, true));
      EXPECT_TRUE(std::isnan(b.g[static_cast<size_t>(at)])) << k.name << " " << at;
      const std::vector<float>& result = k.name == "gru_before_reset" ? b.operand : b.h;
      EXPECT_TRUE(std::isnan(result[static_cast<size_t>(at)])) << k.name << " " << at;
      EXPECT_FALSE(std::isnan(b.g[static_cast<size_t>(at == 0 ? 1 : 15)])) << k.name;
    }
}

INSTANTIATE_TEST_SUITE_P(AllSets, Cells, ::testing::ValuesIn(available()),
                         [](const auto& param_info) { return param_info.param; });

}  // namespace cells_test
}  // namespace carousel::kernels
