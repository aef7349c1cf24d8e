// Layers with random weights and data for the tests of cells and drivers.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "carousel/autograd/ops/rows.h"
#include "carousel/base/rng.h"
#include "carousel/nn/recurrent.h"

namespace carousel::nn::testing {

inline Var random_var(Shape shape, uint64_t seed, DType dtype = DType::f64, double scale = 0.5) {
  Rng rng(seed, 0);
  Tensor t = Tensor::empty(std::move(shape), DType::f64);
  for (int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = scale * static_cast<double>(rng.normal());
  return Var(t.to(dtype), true);
}

/// Weights of a cell: its parameters() with noise on top, so that no bias is zero and no gain one.
inline CellWeights random_weights(const Cell& cell, int64_t input, int64_t hidden, uint64_t seed, DType dtype) {
  uint64_t stream = 1000 * seed;
  const double scale = 0.8 / std::sqrt(static_cast<double>(std::max<int64_t>(4, hidden)));
  return make_weights(cell, input, hidden, seed, 0, "", [&](const std::string&, const Tensor& initial) {
    Tensor sum = initial.to(DType::f64).clone();
    const Tensor noise = random_var(initial.shape(), ++stream, DType::f64, scale).value();
    for (int64_t i = 0; i < sum.numel(); ++i) sum.data<double>()[i] += noise.data<double>()[i];
    return Var(sum.to(dtype), true);
  });
}

/// Every cell in every one of its conventions.
inline std::vector<CellOptions> all_conventions() {
  std::vector<CellOptions> list;
  for (const std::string& name : cell_names()) {
    const auto own = make_cell(name)->options();
    const auto both = [](const std::string& value, const char* a, const char* b) {
      return value.empty() ? std::vector<std::string>{""} : std::vector<std::string>{a, b};
    };
    for (const std::string& reset : both(own.reset, "before", "after"))
      for (const std::string& update : both(own.update, "new", "keep"))
        for (const std::string& activation : both(own.activation, "tanh", "relu"))
          for (const int64_t biases : {0, 1, 2}) {
            CellOptions o;
            o.cell = name;
            o.reset = reset;
            o.update = update;
            o.activation = activation;
            o.biases = biases;
            if (biases == 2 && !make_cell(name)->has_recurrent_weight()) continue;
            list.push_back(o);
          }
  }
  return list;
}

inline std::string name_of(const CellOptions& o) {
  std::string text = o.cell;
  for (const std::string& choice : {o.reset, o.update, o.activation})
    if (!choice.empty()) text += "_" + choice;
  return text + "_biases" + std::to_string(o.biases);
}

}  // namespace carousel::nn::testing

namespace carousel::nn {
/// What GoogleTest shows of a parameter.
inline void PrintTo(const CellOptions& options, std::ostream* out) {
  *out << testing::name_of(options);
}
}  // namespace carousel::nn

namespace carousel::nn::testing {

/// A layer over random sequences.
struct Sample {
  std::shared_ptr<const Cell> cell;
  Packing packing;
  Var x;
  std::vector<Direction> directions;

  /// Everything that may carry a gradient.
  std::vector<Var> inputs() const {
    std::vector<Var> all{x};
    for (const Direction& d : directions) {
      for (const Var& v : d.weights.all()) all.push_back(v);
      all.insert(all.end(), d.initial.begin(), d.initial.end());
    }
    return all;
  }
  RecurrentOutput run(Tape* tape = nullptr, const RecurrentOptions& options = {}) const {
    return recurrent(tape, *cell, packing, x, directions, options);
  }
  RecurrentOutput run_by_steps(Tape* tape = nullptr, const RecurrentOptions& options = {}) const {
    return recurrent_by_steps(tape, *cell, packing, x, directions, options);
  }
};

struct SampleSizes {
  std::vector<int64_t> lengths;
  int64_t input = 3, hidden = 2;
  bool both = false;        ///< two directions
  bool with_state = false;  ///< random first states
  DType dtype = DType::f64;
  uint64_t seed = 1;
};

inline Sample make_sample(const CellOptions& options, const SampleSizes& sizes) {
  Sample s;
  s.cell = make_cell(options);
  s.packing = Packing::make(sizes.lengths);
  s.x = random_var({s.packing.rows(), sizes.input}, sizes.seed * 100 + 1, sizes.dtype, 0.8);
  for (int d = 0; d < (sizes.both ? 2 : 1); ++d) {
    const uint64_t seed = sizes.seed * 100 + 10 * static_cast<uint64_t>(d);
    Direction direction;
    direction.weights = random_weights(*s.cell, sizes.input, sizes.hidden, seed + 2, sizes.dtype);
    direction.reverse = d == 1;
    for (int64_t i = 0; sizes.with_state && i < s.cell->num_states(); ++i) {
      Var state = random_var({s.packing.batch_size(), s.cell->state_size(i, sizes.hidden)},
                             seed + 5 + static_cast<uint64_t>(i), sizes.dtype);
      // A normaliser (n of the slstm) is positive.
      if (s.cell->state_names()[static_cast<size_t>(i)] == "n") {
        Tensor positive = state.value().to(DType::f64).clone();
        for (int64_t k = 0; k < positive.numel(); ++k)
          positive.data<double>()[k] = 0.5 + std::abs(positive.data<double>()[k]);
        state = Var(positive.to(sizes.dtype), true);
      }
      direction.initial.push_back(state);
    }
    s.directions.push_back(direction);
  }
  return s;
}

/// y and all states as one column, so that all of it is compared and differentiated.
inline Var everything(Tape* tape, const RecurrentOutput& out) {
  const auto column = [&](const Var& v) { return ops::reshape(tape, v, {v.value().numel(), 1}); };
  std::vector<Var> parts{column(out.y)};
  for (const auto& states : out.states)
    for (const Var& state : states) parts.push_back(column(state));
  return ops::concat_rows(tape, parts);
}

inline std::vector<double> values_of(const Tensor& t) {
  const Tensor wide = t.to(DType::f64);
  return {wide.span<double>().begin(), wide.span<double>().end()};
}

}  // namespace carousel::nn::testing
