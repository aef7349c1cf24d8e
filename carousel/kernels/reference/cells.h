// Plain recurrent cells and attention scores.
#pragma once

#include <cmath>

#include "carousel/kernels/table.h"

namespace carousel::kernels::reference {

template <class T>
T sigmoid1(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

template <class T>
void lstm_forward(const LstmForward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    T* gate = p.gates + r * 4 * n;
    for (int64_t j = 0; j < n; ++j) {
      const auto pre = [&](int64_t g) { return gate[g * n + j] + (p.bias ? p.bias[g * n + j] : T(0)); };
      const T i = sigmoid1(pre(0)), f = sigmoid1(pre(1)), g = std::tanh(pre(2)), o = sigmoid1(pre(3));
      const T c = f * p.c_prev[r * n + j] + i * g;
      gate[j] = i;
      gate[n + j] = f;
      gate[2 * n + j] = g;
      gate[3 * n + j] = o;
      p.c[r * n + j] = c;
      p.h[r * p.ldh + j] = o * std::tanh(c);
    }
  }
}

template <class T>
void lstm_backward(const LstmBackward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    T* gate = p.gates + r * 4 * n;
    for (int64_t j = 0; j < n; ++j) {
      const T i = gate[j], f = gate[n + j], g = gate[2 * n + j], o = gate[3 * n + j];
      const T tc = std::tanh(p.c[r * n + j]);
      const T dh = p.dh[r * p.lddh + j];
      const T dc = p.dc[r * n + j] + dh * o * (T(1) - tc * tc);
      gate[j] = dc * g * i * (T(1) - i);
      gate[n + j] = dc * p.c_prev[r * n + j] * f * (T(1) - f);
      gate[2 * n + j] = dc * i * (T(1) - g * g);
      gate[3 * n + j] = dh * tc * o * (T(1) - o);
      p.dc[r * n + j] = dc * f;
    }
  }
}

template <class T>
void additive_forward(const AdditiveForward<T>& p) {
  for (int64_t s = 0; s < p.len; ++s) {
    T sum = 0;
    for (int64_t a = 0; a < p.dim; ++a) sum += p.v[a] * std::tanh(p.keys[s * p.dim + a] + p.query[a]);
    p.scores[s] = sum;
  }
}

template <class T>
void additive_backward(const AdditiveBackward<T>& p) {
  for (int64_t a = 0; a < p.dim; ++a) p.dquery[a] = 0;
  for (int64_t s = 0; s < p.len; ++s) {
    for (int64_t a = 0; a < p.dim; ++a) {
      const T y = std::tanh(p.keys[s * p.dim + a] + p.query[a]);
      const T d = p.dscores[s] * p.v[a] * (T(1) - y * y);
      p.dv[a] += p.dscores[s] * y;
      p.dkeys[s * p.dim + a] += d;
      p.dquery[a] += d;
    }
  }
}

}  // namespace carousel::kernels::reference
