// One time step of a batch of recurrent cells: what the fused kernels take. One pair of structs for all cells; pointers
// that a kernel has no use for stay null. Equations and papers stand with the cells in nn/cells.
#pragma once

#include <cstdint>

namespace carousel::kernels {

/// Forward. gates [rows, g*H]: in: products without bias, out: activations, where g is the number of gates that the
/// kernel computes, each a block of H columns:
///   lstm              i, f, g, o   c_prev, c, h; peephole [3H] i, f, o or null
///   rnn               h            relu
///   min_gru           z, g         h_prev, h; keep
///   gru_after         r, z, g      recurrent [rows, 3H], recurrent_bias; h_prev, h; keep
///   gru_before_reset  r, z         h_prev; operand <- r * h_prev
///   gru_before_output g            reset_update [rows, 2H] of the kernel above; h_prev, h; keep
template <class T>
struct CellForward {
  int64_t rows = 0, hidden = 0;
  T* gates = nullptr;
  const T* bias = nullptr;    ///< [g*H] or null
  const T* c_prev = nullptr;  ///< [rows, H]
  T* c = nullptr;             ///< [rows, H]; may be c_prev
  T* h = nullptr;             ///< rows of H, distance ldh
  int64_t ldh = 0;
  const T* h_prev = nullptr;          ///< [rows, H]
  const T* peephole = nullptr;        ///< [3H]
  T* recurrent = nullptr;             ///< U h apart from W x; out: its g block with the bias added
  const T* recurrent_bias = nullptr;  ///< [3H] or null
  T* reset_update = nullptr;
  T* operand = nullptr;  ///< [rows, H]
  bool relu = false;     ///< relu instead of tanh
  bool keep = false;     ///< z near 1 keeps the past (h = z h + (1 - z) g) instead of replacing it
};

/// Backward of CellForward. gates hold the activations on entry and the gradients of the pre-activations on return, as
/// does reset_update after gru_before_output and gru_before_reset together. dh [rows, H] is all of dL/dh on entry; for
/// the cells that mix h_prev into h by hand (min_gru, gru_*) it is that part of dL/dh_prev on return.
template <class T>
struct CellBackward {
  int64_t rows = 0, hidden = 0;
  T* gates = nullptr;
  const T* c = nullptr;       ///< [rows, H]
  const T* c_prev = nullptr;  ///< [rows, H]
  T* dh = nullptr;            ///< [rows, H]
  T* dc = nullptr;            ///< [rows, H]: in dL/dc from the later step, out dL/dc_prev
  const T* h_prev = nullptr;  ///< [rows, H]
  const T* peephole = nullptr;
  T* d_peephole = nullptr;       ///< [3H], added to
  T* recurrent = nullptr;        ///< in: what forward left; out: gradient of U h
  T* reset_update = nullptr;     ///< gru_before_output: in activations, out r as it was and the gradient of z
  const T* d_operand = nullptr;  ///< [rows, H]: gru_before_reset
  bool relu = false, keep = false;
};

template <class T>
using CellForwardKernel = void (*)(const CellForward<T>&);
template <class T>
using CellBackwardKernel = void (*)(const CellBackward<T>&);

}  // namespace carousel::kernels
