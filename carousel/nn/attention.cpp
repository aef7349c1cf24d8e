#include "carousel/nn/attention.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/options.h"

namespace carousel::nn {

namespace {

constexpr std::array<std::pair<const char*, Score>, 6> kScores = {{{"none", Score::none},
                                                                   {"additive", Score::additive},
                                                                   {"mlp", Score::mlp},
                                                                   {"dot", Score::dot},
                                                                   {"scaled_dot", Score::scaled_dot},
                                                                   {"general", Score::general}}};

}  // namespace

std::vector<std::string> score_names() {
  std::vector<std::string> names;
  for (const auto& [name, score] : kScores) names.emplace_back(name);
  return names;
}

Score score_of(const std::string& name) {
  for (const auto& [known, score] : kScores)
    if (name == known) return score;
  throw ConfigError(fmt::format("[attention] there is no attention score of this name; got '{}'. Choose one of {}.",
                                name, fmt::join(score_names(), ", ")));
}

const char* name_of(Score score) {
  for (const auto& [name, known] : kScores)
    if (known == score) return name;
  return "?";
}

template <class T>
void AttentionRow<T>::forward(const T* query, T* weights, T* context) const {
  const auto& k = kernels::table<T>();
  if (score == Score::none) {
    std::fill_n(weights, len, T(1) / static_cast<T>(len));
  } else {
    if (is_additive(score)) {
      k.additive_forward({len, dim, keys, query, v, weights});
    } else {
      for (int64_t s = 0; s < len; ++s) weights[s] = factor * k.dot(dim, query, keys + s * dim);
    }
    k.softmax(len, weights);
  }
  std::fill_n(context, width, T(0));
  for (int64_t s = 0; s < len; ++s) k.axpy(width, weights[s], values + s * width, context);
}
template struct AttentionRow<float>;
template struct AttentionRow<double>;

template <class T>
void attention_backward(const AttentionRow<T>& row, const T* query, const T* weights, const T* dcontext,
                        const T* dweights, T* scratch, const AttentionGradients<T>& out) {
  const auto& k = kernels::table<T>();
  T inner = 0;
  for (int64_t s = 0; s < row.len; ++s) {
    scratch[s] = k.dot(row.width, dcontext, row.values + s * row.width) + (dweights ? dweights[s] : T(0));
    inner += scratch[s] * weights[s];
    k.axpy(row.width, weights[s], dcontext, out.dvalues + s * row.width);
  }
  if (row.score == Score::none) return;
  for (int64_t s = 0; s < row.len; ++s) scratch[s] = weights[s] * (scratch[s] - inner);
  if (is_additive(row.score)) {
    k.additive_backward({row.len, row.dim, row.keys, query, row.v, scratch, out.dkeys, out.dquery, out.dv});
    return;
  }
  std::fill_n(out.dquery, row.dim, T(0));
  for (int64_t s = 0; s < row.len; ++s) {
    k.axpy(row.dim, row.factor * scratch[s], row.keys + s * row.dim, out.dquery);
    k.axpy(row.dim, row.factor * scratch[s], query, out.dkeys + s * row.dim);
  }
}
template void attention_backward<float>(const AttentionRow<float>&, const float*, const float*, const float*,
                                        const float*, float*, const AttentionGradients<float>&);
template void attention_backward<double>(const AttentionRow<double>&, const double*, const double*, const double*,
                                         const double*, double*, const AttentionGradients<double>&);

}  // namespace carousel::nn
