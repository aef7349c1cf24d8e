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
void lstm_forward(const CellForward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    T* gate = p.gates + r * 4 * n;
    for (int64_t j = 0; j < n; ++j) {
      const auto pre = [&](int64_t g) { return gate[g * n + j] + (p.bias ? p.bias[g * n + j] : T(0)); };
      const auto peep = [&](int64_t k, T c) { return p.peephole ? p.peephole[k * n + j] * c : T(0); };
      const T before = p.c_prev[r * n + j];
      const T i = sigmoid1(pre(0) + peep(0, before)), f = sigmoid1(pre(1) + peep(1, before)), g = std::tanh(pre(2));
      const T c = f * before + i * g;
      const T o = sigmoid1(pre(3) + peep(2, c));
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
void lstm_backward(const CellBackward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    T* gate = p.gates + r * 4 * n;
    for (int64_t j = 0; j < n; ++j) {
      const T i = gate[j], f = gate[n + j], g = gate[2 * n + j], o = gate[3 * n + j];
      const T c = p.c[r * n + j], before = p.c_prev[r * n + j], tc = std::tanh(c), dh = p.dh[r * n + j];
      const T d_o = dh * tc * o * (T(1) - o);
      T dc = p.dc[r * n + j] + dh * o * (T(1) - tc * tc);
      if (p.peephole) dc += d_o * p.peephole[2 * n + j];
      const T d_i = dc * g * i * (T(1) - i), d_f = dc * before * f * (T(1) - f);
      gate[j] = d_i;
      gate[n + j] = d_f;
      gate[2 * n + j] = dc * i * (T(1) - g * g);
      gate[3 * n + j] = d_o;
      p.dc[r * n + j] = dc * f;
      if (!p.peephole) continue;
      p.dc[r * n + j] += d_i * p.peephole[j] + d_f * p.peephole[n + j];
      p.d_peephole[j] += d_i * before;
      p.d_peephole[n + j] += d_f * before;
      p.d_peephole[2 * n + j] += d_o * c;
    }
  }
}

template <class T>
void rnn_forward(const CellForward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    for (int64_t j = 0; j < n; ++j) {
      const T x = p.gates[r * n + j] + (p.bias ? p.bias[j] : T(0));
      // Written so that NaN stays NaN.
      const T h = !p.relu ? std::tanh(x) : x < T(0) ? T(0) : x;
      p.gates[r * n + j] = p.h[r * p.ldh + j] = h;
    }
  }
}

template <class T>
void rnn_backward(const CellBackward<T>& p) {
  for (int64_t i = 0; i < p.rows * p.hidden; ++i) {
    const T h = p.gates[i];
    p.gates[i] = p.dh[i] * (p.relu ? (h > T(0) ? T(1) : T(0)) : T(1) - h * h);
  }
}

/// h of update gate z, past and candidate g.
template <class T>
T mixed(bool keep, T z, T past, T g) {
  return keep ? z * past + (T(1) - z) * g : (T(1) - z) * past + z * g;
}

/// Gradients of mixed().
template <class T>
struct MixedGradient {
  T z, past, g;
  MixedGradient(bool keep, T gate, T before, T candidate, T dh)
      : z(keep ? dh * (before - candidate) : dh * (candidate - before)),
        past(keep ? dh * gate : dh * (T(1) - gate)),
        g(keep ? dh * (T(1) - gate) : dh * gate) {}
};

template <class T>
void min_gru_forward(const CellForward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    T *gate = p.gates + r * 2 * n, *h = p.h + r * p.ldh;
    for (int64_t j = 0; j < n; ++j) {
      const T z = sigmoid1(gate[j] + (p.bias ? p.bias[j] : T(0))), g = gate[n + j] + (p.bias ? p.bias[n + j] : T(0));
      gate[j] = z;
      gate[n + j] = g;
      h[j] = mixed(p.keep, z, p.h_prev[r * n + j], g);
    }
  }
}

template <class T>
void min_gru_backward(const CellBackward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    T *gate = p.gates + r * 2 * n, *dh = p.dh + r * n;
    for (int64_t j = 0; j < n; ++j) {
      const T z = gate[j];
      const MixedGradient<T> d(p.keep, z, p.h_prev[r * n + j], gate[n + j], dh[j]);
      gate[j] = d.z * z * (T(1) - z);
      gate[n + j] = d.g;
      dh[j] = d.past;
    }
  }
}

template <class T>
void gru_after_forward(const CellForward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    T *gate = p.gates + row * 3 * n, *u = p.recurrent + row * 3 * n, *h = p.h + row * p.ldh;
    for (int64_t j = 0; j < n; ++j) {
      const auto outer = [&](int64_t k) { return gate[k * n + j] + (p.bias ? p.bias[k * n + j] : T(0)); };
      const auto inner = [&](int64_t k) {
        return u[k * n + j] + (p.recurrent_bias ? p.recurrent_bias[k * n + j] : T(0));
      };
      const T r = sigmoid1(outer(0) + inner(0)), z = sigmoid1(outer(1) + inner(1)), ug = inner(2);
      const T g = std::tanh(outer(2) + r * ug);
      gate[j] = r;
      gate[n + j] = z;
      gate[2 * n + j] = g;
      u[2 * n + j] = ug;
      h[j] = mixed(p.keep, z, p.h_prev[row * n + j], g);
    }
  }
}

template <class T>
void gru_after_backward(const CellBackward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    T *gate = p.gates + row * 3 * n, *u = p.recurrent + row * 3 * n, *dh = p.dh + row * n;
    for (int64_t j = 0; j < n; ++j) {
      const T r = gate[j], z = gate[n + j], g = gate[2 * n + j], ug = u[2 * n + j];
      const MixedGradient<T> d(p.keep, z, p.h_prev[row * n + j], g, dh[j]);
      const T d_g = d.g * (T(1) - g * g);
      gate[j] = u[j] = d_g * ug * r * (T(1) - r);
      gate[n + j] = u[n + j] = d.z * z * (T(1) - z);
      gate[2 * n + j] = d_g;
      u[2 * n + j] = d_g * r;
      dh[j] = d.past;
    }
  }
}

template <class T>
void gru_before_reset_forward(const CellForward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    T* gate = p.gates + row * 2 * n;
    for (int64_t j = 0; j < 2 * n; ++j) gate[j] = sigmoid1(gate[j] + (p.bias ? p.bias[j] : T(0)));
    for (int64_t j = 0; j < n; ++j) p.operand[row * n + j] = gate[j] * p.h_prev[row * n + j];
  }
}

template <class T>
void gru_before_output_forward(const CellForward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    const T* z = p.reset_update + row * 2 * n + n;
    for (int64_t j = 0; j < n; ++j) {
      const T g = std::tanh(p.gates[row * n + j] + (p.bias ? p.bias[j] : T(0)));
      p.gates[row * n + j] = g;
      p.h[row * p.ldh + j] = mixed(p.keep, z[j], p.h_prev[row * n + j], g);
    }
  }
}

template <class T>
void gru_before_output_backward(const CellBackward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    T *z = p.reset_update + row * 2 * n + n, *dh = p.dh + row * n, *gate = p.gates + row * n;
    for (int64_t j = 0; j < n; ++j) {
      const MixedGradient<T> d(p.keep, z[j], p.h_prev[row * n + j], gate[j], dh[j]);
      gate[j] = d.g * (T(1) - gate[j] * gate[j]);
      z[j] = d.z * z[j] * (T(1) - z[j]);
      dh[j] = d.past;
    }
  }
}

template <class T>
void gru_before_reset_backward(const CellBackward<T>& p) {
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    T *gate = p.gates + row * 2 * n, *dh = p.dh + row * n;
    for (int64_t j = 0; j < n; ++j) {
      const T r = gate[j], d = p.d_operand[row * n + j];
      gate[j] = d * p.h_prev[row * n + j] * r * (T(1) - r);
      dh[j] += d * r;
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
