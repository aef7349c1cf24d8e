// Pointwise kernels of every set against the double reference, over every length up to two vectors and more.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "carousel/base/rng.h"
#include "carousel/kernels/table.h"

namespace carousel::kernels {
namespace pointwise_test {

template <class T>
std::vector<T> random_values(int64_t n, uint64_t seed, double scale = 1) {
  Rng rng(seed, 0);
  std::vector<T> v(static_cast<size_t>(n));
  for (T& x : v) x = static_cast<T>(scale * static_cast<double>(rng.normal()));
  return v;
}

std::vector<double> widen(const std::vector<float>& v) {
  return {v.begin(), v.end()};
}

void expect_near(const std::vector<float>& got, const std::vector<double>& want, double tolerance, const char* what) {
  for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], tolerance) << what << " at " << i;
}

class Pointwise : public ::testing::TestWithParam<std::string> {
 protected:
  const Table<float>& fast_ = table_named(GetParam());
  const Table<double>& exact_ = table<double>();
};

TEST_P(Pointwise, MapsAndReductionsEqualReference) {
  for (int64_t n = 1; n <= 70; ++n) {
    const auto x = random_values<float>(n, 1, 3), z = random_values<float>(n, 2);
    const auto xd = widen(x), zd = widen(z);
    std::vector<float> y(x.size());
    std::vector<double> want(x.size());
    fast_.sigmoid(n, x.data(), y.data());
    exact_.sigmoid(n, xd.data(), want.data());
    expect_near(y, want, 2e-7, "sigmoid");
    fast_.tanh(n, x.data(), y.data());
    exact_.tanh(n, xd.data(), want.data());
    expect_near(y, want, 2e-7, "tanh");
    y = x;
    want = xd;
    fast_.softmax(n, y.data());
    exact_.softmax(n, want.data());
    expect_near(y, want, 1e-6, "softmax");
    const double total = fast_.log_softmax(n, x.data(), y.data());
    EXPECT_NEAR(total, exact_.log_softmax(n, xd.data(), want.data()), 1e-5);
    expect_near(y, want, 1e-5, "log_softmax");
    EXPECT_NEAR(fast_.dot(n, x.data(), z.data()), exact_.dot(n, xd.data(), zd.data()), 1e-4);
    y = z;
    want = zd;
    fast_.axpy(n, 0.5f, x.data(), y.data());
    exact_.axpy(n, 0.5, xd.data(), want.data());
    expect_near(y, want, 1e-6, "axpy");
  }
}

TEST_P(Pointwise, CrossEntropyOfARowEqualsReference) {
  for (const int64_t n : {1, 7, 16, 45, 200}) {
    const auto x = random_values<float>(n, 1), bias = random_values<float>(n, 2);
    const auto xd = widen(x), bd = widen(bias);
    for (const bool with_bias : {false, true})
      for (const double smoothing : {0.0, 0.1})
        for (const bool gradient : {false, true}) {
          auto y = x;
          auto want = xd;
          const int64_t target = n / 2;
          const RowLoss got =
              fast_.cross_entropy({n, y.data(), with_bias ? bias.data() : nullptr, target, smoothing, gradient, 0.5f});
          const RowLoss exact =
              exact_.cross_entropy({n, want.data(), with_bias ? bd.data() : nullptr, target, smoothing, gradient, 0.5});
          EXPECT_NEAR(got.nll, exact.nll, 1e-5);
          EXPECT_NEAR(got.uniform, exact.uniform, 1e-5);
          if (gradient) expect_near(y, want, 1e-6, "gradient of cross_entropy");
        }
  }
}

TEST_P(Pointwise, SpecialValuesBehave) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {0, -0.0f, 100, -100, inf, -inf, NAN, 1e-30f};
  std::vector<float> y(x.size());
  const auto n = static_cast<int64_t>(x.size());
  fast_.tanh(n, x.data(), y.data());
  EXPECT_EQ(y[2], 1);
  EXPECT_EQ(y[3], -1);
  EXPECT_EQ(y[4], 1);
  EXPECT_EQ(y[5], -1);
  EXPECT_TRUE(std::isnan(y[6]));
  EXPECT_EQ(y[7], 1e-30f);
  fast_.sigmoid(n, x.data(), y.data());
  EXPECT_NEAR(y[0], 0.5, 1e-7);
  EXPECT_NEAR(y[2], 1, 1e-7);
  EXPECT_NEAR(y[5], 0, 1e-37);
  EXPECT_TRUE(std::isnan(y[6]));
  std::vector<float> row = {1, NAN, 2};
  fast_.softmax(3, row.data());
  EXPECT_TRUE(std::isnan(row[0]));
}

TEST_P(Pointwise, DropoutDecisionsEqualReferenceFromAnyStart) {
  const Noise noise{.key = 0x123456789abcdefULL, .stream = 77, .drop = 0.3};
  const int64_t n = 1000;
  const auto x = random_values<float>(n, 3);
  std::vector<float> want(x.size()), got(x.size());
  table_named("reference").dropout(noise, 0, n, x.data(), want.data());
  for (const int64_t cut : {0, 128, 256, 896}) {
    fast_.dropout(noise, 0, cut, x.data(), got.data());
    fast_.dropout(noise, cut, n, x.data() + cut, got.data() + cut);
    EXPECT_EQ(got, want) << cut;
  }
  int64_t kept = 0;
  for (const float v : got) kept += v != 0;
  EXPECT_NEAR(static_cast<double>(kept), 700, 50);
}

TEST_P(Pointwise, AdditiveScoresEqualReferenceForwardAndBackward) {
  for (const int64_t dim : {1, 5, 16, 19, 48}) {
    const int64_t len = 4;
    const auto keys = random_values<float>(len * dim, 1), q = random_values<float>(dim, 2),
               v = random_values<float>(dim, 3), de = random_values<float>(len, 4);
    const auto kd = widen(keys), qd = widen(q), vd = widen(v), ded = widen(de);
    std::vector<float> e(4), dk(keys.size(), 0.5f), dq(q.size()), dv(q.size(), 0.25f);
    std::vector<double> ed(4), dkd(keys.size(), 0.5), dqd(q.size()), dvd(q.size(), 0.25);
    fast_.additive_forward({len, dim, keys.data(), q.data(), v.data(), e.data()});
    exact_.additive_forward({len, dim, kd.data(), qd.data(), vd.data(), ed.data()});
    expect_near(e, ed, 2e-5, "scores");
    fast_.additive_backward({len, dim, keys.data(), q.data(), v.data(), de.data(), dk.data(), dq.data(), dv.data()});
    exact_.additive_backward(
        {len, dim, kd.data(), qd.data(), vd.data(), ded.data(), dkd.data(), dqd.data(), dvd.data()});
    expect_near(dk, dkd, 1e-5, "dkeys");
    expect_near(dq, dqd, 1e-5, "dquery");
    expect_near(dv, dvd, 1e-5, "dv");
  }
}

TEST_P(Pointwise, AdamEqualsReference) {
  for (const int64_t n : {1, 15, 16, 37}) {
    auto w = random_values<float>(n, 1), m = random_values<float>(n, 2, 0.1);
    const auto g = random_values<float>(n, 3);
    std::vector<float> v(w.size(), 0.2f);
    auto wd = widen(w), md = widen(m), vd = widen(v);
    const auto gd = widen(g);
    fast_.adam({n, w.data(), m.data(), v.data(), g.data(), 0.7, 0.01, 1.5, 0.9, 0.98, 1e-8, 0.001, 0.02});
    exact_.adam({n, wd.data(), md.data(), vd.data(), gd.data(), 0.7, 0.01, 1.5, 0.9, 0.98, 1e-8, 0.001, 0.02});
    expect_near(w, wd, 1e-6, "w");
    expect_near(m, md, 1e-6, "m");
    expect_near(v, vd, 1e-6, "v");
  }
}

TEST_P(Pointwise, AdamTakesNoGradientForZeros) {
  for (const int64_t n : {1, 16, 37}) {
    const auto start = random_values<float>(n, 1);
    const std::vector<float> zeros(start.size());
    std::vector<float> w = start, m(w.size(), 0.3f), v(w.size(), 0.2f), w0 = w, m0 = m, v0 = v;
    fast_.adam({n, w.data(), m.data(), v.data(), nullptr, 0.7, 0.01, 1.5, 0.9, 0.98, 1e-8, 0.001, 0.02});
    fast_.adam({n, w0.data(), m0.data(), v0.data(), zeros.data(), 0.7, 0.01, 1.5, 0.9, 0.98, 1e-8, 0.001, 0.02});
    EXPECT_NE(w, start) << "moments move it";
    EXPECT_EQ(w, w0);
    EXPECT_EQ(m, m0);
    EXPECT_EQ(v, v0);
  }
}

INSTANTIATE_TEST_SUITE_P(AllSets, Pointwise, ::testing::ValuesIn(available()),
                         [](const auto& param_info) { return param_info.param; });

}  // namespace pointwise_test
}  // namespace carousel::kernels
