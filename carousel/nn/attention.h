// Attention of one query row over the states of one source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/autograd/tape.h"
#include "carousel/kernels/table.h"

namespace carousel::nn {

/// How a score is made of a query (decoder state s [H]) and a key (projected source state).
///  additive, mlp: v . tanh(key + W_q s), keys = W_k h + b (Bahdanau et al. 2015; mlp has no b). W = [W_k, W_q] of the
///                 concatenated form tanh([h; s] W + b) . v.
///  dot: s . h;  scaled_dot: s . h / sqrt(H);  general: s . (W_k h) (Luong et al. 2015).
///  none: no scores; each source has one row, its summary.
enum class Score { none, additive, mlp, dot, scaled_dot, general };

Score score_of(const std::string& name);  ///< ConfigError with the nearest name
const char* name_of(Score score);
std::vector<std::string> score_names();
/// True when the score has a query projection and a vector v.
inline bool is_additive(Score score) {
  return score == Score::additive || score == Score::mlp;
}

/// The states of one source inside the ragged memory: rows [begin, begin + len).
struct SourceSpan {
  int64_t begin = 0, len = 0;
};

/// The read-only parts of an attention over one source. dim is the width of a key, width that of a state.
template <class T>
struct AttentionRow {
  Score score;
  int64_t len, dim, width;
  const T* keys;    ///< [len, dim]
  const T* values;  ///< [len, width]
  const T* v;       ///< [dim], additive only
  T factor;         ///< multiplies dot scores

  /// weights [len] = softmax of the scores of `query` [dim]; context [width] = sum of weights * values.
  void forward(const T* query, T* weights, T* context) const;
};

/// Gradients of AttentionRow, added to; dquery is overwritten.
template <class T>
struct AttentionGradients {
  T* dkeys;
  T* dvalues;
  T* dv;
  T* dquery;
};

/// dcontext [width]; dweights [len] from elsewhere or null; scratch [len].
template <class T>
void attention_backward(const AttentionRow<T>& row, const T* query, const T* weights, const T* dcontext,
                        const T* dweights, T* scratch, const AttentionGradients<T>& out);

}  // namespace carousel::nn
