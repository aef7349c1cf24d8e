// More than a thousand random stacks (cells, conventions, layers, widths, lengths, directions, first states) against a
// plain loop in double precision that shares no code with the library.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/nn/cell_samples.h"
#include "tests/nn/plain_cells.h"

namespace carousel::nn {
namespace random_configurations_test {

using testing::Sample;
using testing::values_of;
namespace plain = testing::plain;

plain::Matrix matrix_of(const Var& v) {
  plain::Matrix m;
  if (!v.defined()) return m;
  const auto values = values_of(v.value());
  const auto columns = static_cast<std::ptrdiff_t>(v.value().dim(1));
  for (auto row = values.begin(); row != values.end(); row += columns) m.emplace_back(row, row + columns);
  return m;
}

plain::Weights weights_of(const CellWeights& w) {
  plain::Weights p{matrix_of(w.w_ih), matrix_of(w.w_hh), {}, {}, {}};
  if (w.b_ih.defined()) p.b = values_of(w.b_ih.value());
  if (w.b_hh.defined()) p.b2 = values_of(w.b_hh.value());
  for (const Var& v : w.extra) p.extra.push_back(values_of(v.value()));
  return p;
}

/// Sequence j of packed data as rows.
plain::Matrix sequence_of(const Packing& packing, const Tensor& packed, int64_t j) {
  plain::Matrix rows;
  const int64_t width = packed.dim(1);
  for (int64_t t = 0; t < packing.lengths[static_cast<size_t>(j)]; ++t) {
    const double* row = packed.data<double>() + packing.row(t, j) * width;
    rows.emplace_back(row, row + width);
  }
  return rows;
}

/// Outputs of all directions side by side; `last` becomes the states of each direction.
plain::Matrix run_plain(const Sample& s, const plain::Matrix& x, int64_t j, int64_t hidden,
                        std::vector<std::vector<plain::Row>>& last) {
  const CellOptions& o = s.cell->options();
  plain::Matrix y(x.size());
  last.clear();
  for (const Direction& d : s.directions) {
    const plain::Weights weights = weights_of(d.weights);
    const plain::Stepper stepper({o.cell, o.reset, o.update, o.activation}, weights, static_cast<size_t>(hidden));
    std::vector<plain::Row> state;
    for (int64_t i = 0; i < s.cell->num_states(); ++i) {
      const int64_t width = s.cell->state_size(i, hidden);
      plain::Row first(static_cast<size_t>(width), 0.0);
      if (!d.initial.empty()) {
        const double* from = d.initial[static_cast<size_t>(i)].value().data<double>() + j * width;
        first.assign(from, from + width);
      }
      state.push_back(first);
    }
    for (size_t k = 0; k < x.size(); ++k) {
      const size_t t = d.reverse ? x.size() - 1 - k : k;
      stepper.step(x[t], state);
      y[t].insert(y[t].end(), state[0].begin(), state[0].end());
    }
    last.push_back(state);
  }
  return y;
}

double difference(const plain::Matrix& a, const plain::Matrix& b) {
  double worst = a.size() == b.size() ? 0 : 1e9;
  for (size_t i = 0; i < a.size() && worst < 1e9; ++i)
    for (size_t j = 0; j < a[i].size(); ++j) worst = std::max(worst, std::abs(a[i][j] - b[i].at(j)));
  return worst;
}

/// One random stack; returns the largest difference.
double one_configuration(Rng& rng, const std::vector<CellOptions>& conventions) {
  const auto draw = [&](uint64_t low, uint64_t high) { return static_cast<int64_t>(low + rng.below(high - low + 1)); };
  const auto coin = [&] { return rng.below(2) == 1; };
  const CellOptions& options = conventions[rng.below(conventions.size())];
  std::vector<int64_t> lengths;
  for (int64_t b = draw(1, 5); b > 0; --b) lengths.push_back(draw(1, 9));
  const int64_t layers = draw(1, 3);
  const bool both = coin();
  double worst = 0;
  Tensor x;
  for (int64_t layer = 0; layer < layers; ++layer) {
    const int64_t input = x.defined() ? x.dim(1) : draw(1, 6), hidden = draw(1, 9);
    Sample s = testing::make_sample(options, {lengths, input, hidden, both, coin(), DType::f64, rng.next() % 100000});
    if (x.defined()) s.x = Var(x);
    const RecurrentOutput out = s.run();
    for (int64_t j = 0; j < s.packing.batch_size(); ++j) {
      std::vector<std::vector<plain::Row>> last;
      const plain::Matrix y = run_plain(s, sequence_of(s.packing, s.x.value(), j), j, hidden, last);
      worst = std::max(worst, difference(y, sequence_of(s.packing, out.y.value(), j)));
      for (size_t d = 0; d < last.size(); ++d)
        for (size_t i = 0; i < last[d].size(); ++i) {
          const Tensor row = out.states[d][i].value().rows(j, j + 1);
          worst = std::max(worst, difference({last[d][i]}, {values_of(row)}));
        }
    }
    x = out.y.value();
  }
  return worst;
}

TEST(RandomConfigurations, EqualThePlainLoop) {
  std::vector<CellOptions> conventions = testing::all_conventions();
  std::erase_if(conventions, [](const CellOptions& o) {
    return std::count(plain::kCells.begin(), plain::kCells.end(), o.cell) == 0;
  });
  std::set<std::string> cells;
  for (const CellOptions& o : conventions) cells.insert(o.cell);
  ASSERT_EQ(cells, std::set<std::string>(plain::kCells.begin(), plain::kCells.end()));
  Rng rng(20, 1);
  for (int trial = 0; trial < 1500; ++trial)
    ASSERT_LE(one_configuration(rng, conventions), 1e-9) << "configuration " << trial;
}

}  // namespace random_configurations_test
}  // namespace carousel::nn
