// The cells once more, written apart from the library: one sequence, one direction, plain loops over doubles, straight
// from the papers. For the tests of random configurations.
#pragma once

#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace carousel::nn::testing::plain {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;

struct Weights {
  Matrix w, u;  ///< [G*H][I], [G*H][P]
  Row b, b2;    ///< [G*H]; empty: none
  std::vector<Row> extra;
};

struct Choice {
  std::string cell, reset, update, activation;
};

inline double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

inline Row times(const Matrix& m, const Row& v) {
  Row out;
  for (const Row& row : m) {
    double sum = 0;
    for (size_t i = 0; i < v.size(); ++i) sum += row[i] * v[i];
    out.push_back(sum);
  }
  return out;
}

inline Row part(const Row& v, size_t gate, size_t n) {
  return {v.begin() + static_cast<std::ptrdiff_t>(gate * n), v.begin() + static_cast<std::ptrdiff_t>((gate + 1) * n)};
}

inline Matrix part(const Matrix& m, size_t first, size_t last, size_t n) {
  return {m.begin() + static_cast<std::ptrdiff_t>(first * n), m.begin() + static_cast<std::ptrdiff_t>(last * n)};
}

/// (x - mean) / sqrt(variance + 1e-5) * gain over [begin, end) of x.
inline void normalise(Row& x, size_t begin, size_t end, const Row& gain) {
  double mean = 0, variance = 0;
  const auto n = static_cast<double>(end - begin);
  for (size_t i = begin; i < end; ++i) mean += x[i] / n;
  for (size_t i = begin; i < end; ++i) variance += (x[i] - mean) * (x[i] - mean) / n;
  for (size_t i = begin; i < end; ++i) x[i] = (x[i] - mean) / std::sqrt(variance + 1e-5) * gain[i - begin];
}

inline double at(const Row& v, size_t i) {
  return v.empty() ? 0 : v[i];
}

/// Those that are written here.
inline const std::vector<std::string> kCells = {"rnn",          "lstm",           "peephole_lstm", "layer_norm_lstm",
                                                "coupled_lstm", "projected_lstm", "gru",           "layer_norm_gru",
                                                "min_gru",      "slstm"};

/// Advances the states of one sequence by one step.
class Stepper {
 public:
  Stepper(Choice choice, const Weights& weights, size_t hidden) : c_(std::move(choice)), w_(weights), n_(hidden) {}

  void step(const Row& x, std::vector<Row>& state) const {
    const std::string& cell = c_.cell;
    if (cell == "rnn") {
      rnn(x, state);
    } else if (cell == "gru" || cell == "layer_norm_gru") {
      gru(x, state);
    } else if (cell == "min_gru") {
      min_gru(x, state);
    } else if (cell == "slstm") {
      slstm(x, state);
    } else if (cell == "coupled_lstm") {
      coupled(x, state);
    } else if (cell == "layer_norm_lstm") {
      layer_norm_lstm(x, state);
    } else if (cell.ends_with("lstm")) {
      lstm(x, state);
    } else {
      throw std::runtime_error("the plain loop does not know " + cell);
    }
  }

 private:
  Row sum(const Row& x, const Row& h) const {
    Row a = times(w_.w, x), r = times(w_.u, h);
    for (size_t i = 0; i < a.size(); ++i) a[i] += r[i] + at(w_.b, i) + at(w_.b2, i);
    return a;
  }

  void rnn(const Row& x, std::vector<Row>& state) const {
    const Row a = sum(x, state[0]);
    for (size_t i = 0; i < n_; ++i) state[0][i] = c_.activation == "relu" ? std::max(a[i], 0.0) : std::tanh(a[i]);
  }

  void lstm(const Row& x, std::vector<Row>& state) const {
    const Row a = sum(x, state[0]);
    const bool peep = c_.cell == "peephole_lstm";
    Row h(n_);
    for (size_t j = 0; j < n_; ++j) {
      const auto p = [&](size_t k) { return peep ? w_.extra[0][k * n_ + j] : 0.0; };
      double& c = state[1][j];
      const double i = sigmoid(a[j] + p(0) * c), f = sigmoid(a[n_ + j] + p(1) * c);
      c = f * c + i * std::tanh(a[2 * n_ + j]);
      h[j] = sigmoid(a[3 * n_ + j] + p(2) * c) * std::tanh(c);
    }
    if (c_.cell == "projected_lstm") {
      for (size_t p = 0; p < state[0].size(); ++p) {
        state[0][p] = 0;
        for (size_t j = 0; j < n_; ++j) state[0][p] += w_.extra[0][p * n_ + j] * h[j];
      }
    } else {
      state[0] = h;
    }
  }

  void coupled(const Row& x, std::vector<Row>& state) const {
    const Row a = sum(x, state[0]);
    for (size_t j = 0; j < n_; ++j) {
      const double f = sigmoid(a[j]);
      state[1][j] = f * state[1][j] + (1 - f) * std::tanh(a[n_ + j]);
      state[0][j] = sigmoid(a[2 * n_ + j]) * std::tanh(state[1][j]);
    }
  }

  void layer_norm_lstm(const Row& x, std::vector<Row>& state) const {
    Row a = times(w_.w, x), r = times(w_.u, state[0]);
    normalise(a, 0, 4 * n_, w_.extra[0]);
    normalise(r, 0, 4 * n_, w_.extra[1]);
    for (size_t i = 0; i < a.size(); ++i) a[i] += r[i] + at(w_.b, i) + at(w_.b2, i);
    for (size_t j = 0; j < n_; ++j)
      state[1][j] = sigmoid(a[n_ + j]) * state[1][j] + sigmoid(a[j]) * std::tanh(a[2 * n_ + j]);
    Row c = state[1];
    normalise(c, 0, n_, w_.extra[2]);
    for (size_t j = 0; j < n_; ++j) state[0][j] = sigmoid(a[3 * n_ + j]) * std::tanh(c[j] + w_.extra[3][j]);
  }

  double mix(double z, double past, double g) const {
    return c_.update == "keep" ? z * past + (1 - z) * g : (1 - z) * past + z * g;
  }

  void gru(const Row& x, std::vector<Row>& state) const {
    const bool norm = c_.cell == "layer_norm_gru", after = c_.reset == "after";
    Row a = times(w_.w, x), rz = times(part(w_.u, 0, 2, n_), state[0]);
    if (norm) {
      normalise(a, 0, 2 * n_, part(w_.extra[0], 0, 2 * n_));
      normalise(a, 2 * n_, 3 * n_, part(w_.extra[0], 2, n_));
      normalise(rz, 0, 2 * n_, part(w_.extra[1], 0, 2 * n_));
    }
    Row r(n_), z(n_), operand = state[0];
    for (size_t j = 0; j < n_; ++j) {
      r[j] = sigmoid(a[j] + rz[j] + at(w_.b, j) + at(w_.b2, j));
      z[j] = sigmoid(a[n_ + j] + rz[n_ + j] + at(w_.b, n_ + j) + at(w_.b2, n_ + j));
      if (!after) operand[j] *= r[j];
    }
    Row u = times(part(w_.u, 2, 3, n_), operand);
    if (norm) normalise(u, 0, n_, part(w_.extra[1], 2, n_));
    for (size_t j = 0; j < n_; ++j) {
      const double inner = (u[j] + at(w_.b2, 2 * n_ + j)) * (after ? r[j] : 1);
      state[0][j] = mix(z[j], state[0][j], std::tanh(a[2 * n_ + j] + at(w_.b, 2 * n_ + j) + inner));
    }
  }

  void min_gru(const Row& x, std::vector<Row>& state) const {
    const Row a = times(w_.w, x);
    for (size_t j = 0; j < n_; ++j)
      state[0][j] = mix(sigmoid(a[j] + at(w_.b, j)), state[0][j], a[n_ + j] + at(w_.b, n_ + j));
  }

  /// Without the stabiliser: c and n in full, as the paper's equations 8 to 14; states c and n here are divided by
  /// exp(m).
  void slstm(const Row& x, std::vector<Row>& state) const {
    const Row a = sum(x, state[0]);
    for (size_t j = 0; j < n_; ++j) {
      double c = state[1][j] * std::exp(state[3][j]), n = state[2][j] * std::exp(state[3][j]);
      const double i = std::exp(a[j]), f = sigmoid(a[n_ + j]);
      c = f * c + i * std::tanh(a[2 * n_ + j]);
      n = f * n + i;
      state[0][j] = sigmoid(a[3 * n_ + j]) * c / n;
      state[3][j] = state[2][j] == 0 ? a[j] : std::max(std::log(f) + state[3][j], a[j]);
      state[1][j] = c / std::exp(state[3][j]);
      state[2][j] = n / std::exp(state[3][j]);
    }
  }

  Choice c_;
  const Weights& w_;
  size_t n_;
};

}  // namespace carousel::nn::testing::plain
