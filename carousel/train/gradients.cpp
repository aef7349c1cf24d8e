#include "carousel/train/gradients.h"

#include <algorithm>
#include <cmath>

namespace carousel::train {

namespace {

constexpr int64_t kPiece = 16384;  // elements per partial sum; part of the definition of the norm's rounding

template <class T>
double sum_of_squares(const T* values, int64_t count) {
  constexpr int64_t kLanes = 8;  // independent sums: the compiler may use vectors without reordering anything
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(values[i + lane]);
      lanes[lane] += value * value;
    }
  for (; i < count; ++i) {
    const auto value = static_cast<double>(values[i]);
    lanes[0] += value * value;
  }
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

double sum_of_squares(const Tensor& tensor, int64_t begin, int64_t count) {
  if (tensor.dtype() == DType::f64) return sum_of_squares(tensor.data<double>() + begin, count);
  return sum_of_squares(tensor.data<float>() + begin, count);
}

/// Elements of a tensor, or some whole rows of it.
struct Piece {
  const Tensor* tensor;
  int64_t begin = 0;
  std::span<const int64_t> rows = {};  ///< empty: elements from `begin` on

  double sum() const {
    if (rows.empty()) return sum_of_squares(*tensor, begin, std::min(kPiece, tensor->numel() - begin));
    const int64_t width = tensor->dim(1);
    double sum = 0;
    for (const int64_t row : rows) sum += sum_of_squares(*tensor, row * width, width);
    return sum;
  }
};

void add_pieces(std::vector<Piece>& pieces, const Var& var) {
  if (!var.has_row_grad()) {
    for (int64_t begin = 0; begin < var.grad().numel(); begin += kPiece) pieces.push_back({&var.grad(), begin});
    return;
  }
  const Var::RowGrad grad = var.row_grad();
  const auto together = static_cast<size_t>(std::max<int64_t>(1, kPiece / std::max<int64_t>(grad.tensor.dim(1), 1)));
  const std::span<const int64_t> rows(grad.rows);
  for (size_t begin = 0; begin < rows.size(); begin += together)
    pieces.push_back({&grad.tensor, 0, rows.subspan(begin, std::min(together, rows.size() - begin))});
}

template <class T>
bool finite(std::span<const T> values) {
  return std::all_of(values.begin(), values.end(), [](T v) { return std::isfinite(v); });
}

}  // namespace

double grad_norm(const std::vector<nn::NamedParameter>& parameters) {
  std::vector<Piece> pieces;
  for (const nn::NamedParameter& p : parameters)
    if (p.var.has_grad()) add_pieces(pieces, p.var);
  const auto count = static_cast<int64_t>(pieces.size());
  std::vector<double> partial(pieces.size());
#pragma omp parallel for schedule(static) if (count > 4)
  for (int64_t i = 0; i < count; ++i) partial[static_cast<size_t>(i)] = pieces[static_cast<size_t>(i)].sum();
  double sum = 0;
  for (const double part : partial) sum += part;
  return std::sqrt(sum);
}

bool all_finite(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::f32:
      return finite(tensor.span<float>());
    case DType::f64:
      return finite(tensor.span<double>());
    default:
      return true;
  }
}

std::string first_bad_gradient(const std::vector<nn::NamedParameter>& parameters) {
  for (const nn::NamedParameter& p : parameters)
    if (p.var.has_grad() && !all_finite(p.var.grad())) return p.name;
  return "";
}

std::string first_bad_parameter(const std::vector<nn::NamedParameter>& parameters) {
  for (const nn::NamedParameter& p : parameters)
    if (!all_finite(p.var.value())) return p.name;
  return "";
}

std::string first_bad_output(const Tape& tape, const std::vector<nn::NamedParameter>& parameters) {
  std::string last;
  for (const Tape::Entry& entry : tape.entries()) {
    const auto own = std::find_if(parameters.begin(), parameters.end(), [&](const nn::NamedParameter& p) {
      return std::any_of(entry.inputs.begin(), entry.inputs.end(), [&](const Var& v) { return v.same(p.var); });
    });
    if (own != parameters.end()) last = own->name;
    const bool sound =
        std::all_of(entry.outputs.begin(), entry.outputs.end(), [](const Var& v) { return all_finite(v.value()); });
    if (!sound && own != parameters.end()) return "the output of " + own->name;
    if (!sound) return last.empty() ? "the input" : "a step after " + last;
  }
  return "";
}

}  // namespace carousel::train
