#include "carousel/nn/cells/cell.h"

#include <fmt/format.h>

#include <utility>

#include "carousel/base/error.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

/// Blocks [H, H] with orthonormal rows, cut to their first `columns` columns, which stay orthonormal.
Tensor cut_orthogonal(int64_t blocks, int64_t hidden, int64_t columns, Rng rng) {
  Tensor square = orthogonal_init(blocks, hidden, rng);
  if (columns == hidden) return square;
  Tensor cut = Tensor::empty({blocks * hidden, columns});
  for (int64_t i = 0; i < blocks * hidden; ++i)
    std::copy_n(square.data<float>() + i * hidden, columns, cut.data<float>() + i * columns);
  return cut;
}

}  // namespace

void CellOptions::options(OptionTable& table) {
  table.add("cell", &cell, "Recurrent cell.").one_of(cell_names());
  table
      .add("reset", &reset,
           "GRU: reset gate applied to the state before the recurrent product (Cho et al. 2014) or after it (PyTorch).")
      .one_of({"before", "after"})
      .automatic();
  table
      .add("update", &update,
           "GRU: what an update gate near 1 does: take the new candidate (Chung et al. 2014) or keep the past (Cho et "
           "al. 2014, PyTorch).")
      .one_of({"new", "keep"})
      .automatic();
  table.add("biases", &biases, "Bias vectors of a cell: none, one, or two as PyTorch keeps them.")
      .range(0, 2)
      .automatic();
  table.add("activation", &activation, "Activation of the rnn cell.").one_of({"tanh", "relu"}).automatic();
  table
      .add("projection_size", &projection_size,
           "Width of the projected state of projected_lstm; auto: half of hidden_size.")
      .range(1, 65536)
      .automatic();
}

std::vector<Var> CellWeights::all() const {
  std::vector<Var> list;
  for (const Var& v : {w_ih, w_hh, b_ih, b_hh})
    if (v.defined()) list.push_back(v);
  list.insert(list.end(), extra.begin(), extra.end());
  return list;
}

std::vector<GateRange> Cell::gate_ranges() const {
  std::vector<GateRange> ranges;
  for (const std::string& name : gate_names())
    ranges.push_back(name.ends_with("_gate") ? GateRange::unit : GateRange::symmetric);
  return ranges;
}

int64_t Cell::state_size(int64_t /*state*/, int64_t hidden_size) const {
  return hidden_size;
}

std::vector<CellParameter> Cell::extra_parameters(int64_t /*hidden_size*/, uint64_t /*seed*/,
                                                  uint64_t /*stream*/) const {
  return {};
}

int64_t Cell::num_extra_parameters(int64_t /*hidden_size*/) const {
  return 0;
}

std::string Cell::equations() const {
  if (options_.biases == 0) return formulas() + "\nb = 0: this model has no biases";
  if (options_.biases == 2) return formulas() + "\nb = b_ih + b_hh: two biases, as PyTorch keeps them";
  return formulas();
}

double Cell::initial_bias(int64_t /*gate*/) const {
  return 0;
}

std::vector<CellParameter> Cell::parameters(int64_t input_size, int64_t hidden_size, uint64_t seed,
                                            uint64_t stream) const {
  if (input_size < 1 || hidden_size < 1)
    throw ConfigError(fmt::format("[cell] input_size and hidden_size must be at least 1; got {} and {}. Set them.",
                                  input_size, hidden_size));
  const int64_t gates = num_gates();
  std::vector<CellParameter> list;
  list.push_back({"weight_ih", gate_init(gates, hidden_size, input_size, Rng(seed, stream))});
  if (has_recurrent_weight())
    list.push_back({"weight_hh", cut_orthogonal(gates, hidden_size, output_size(hidden_size), Rng(seed, stream + 1))});
  if (options_.biases > 0) {
    Tensor bias = Tensor::zeros({gates * hidden_size});
    for (int64_t k = 0; k < gates; ++k)
      std::fill_n(bias.data<float>() + k * hidden_size, hidden_size, static_cast<float>(initial_bias(k)));
    list.push_back({"bias_ih", bias});
  }
  if (options_.biases > 1) list.push_back({"bias_hh", Tensor::zeros({gates * hidden_size})});
  for (CellParameter& p : extra_parameters(hidden_size, seed, stream)) list.push_back(std::move(p));
  return list;
}

int64_t Cell::num_parameters(int64_t input_size, int64_t hidden_size) const {
  const int64_t past = has_recurrent_weight() ? output_size(hidden_size) : 0;
  return num_gates() * hidden_size * (input_size + past + options_.biases) + num_extra_parameters(hidden_size);
}

std::string Cell::parameter_sum(int64_t input_size, int64_t hidden_size) const {
  std::string columns = fmt::format("{}", input_size);
  if (has_recurrent_weight()) columns = fmt::format("({} + {})", input_size, output_size(hidden_size));
  std::string sum = fmt::format("{} * {} * {}", num_gates(), hidden_size, columns);
  if (options_.biases > 0) sum += fmt::format(" + {} biases", options_.biases * num_gates() * hidden_size);
  const int64_t extra = num_extra_parameters(hidden_size);
  if (extra > 0) sum += fmt::format(" + {} more", extra);
  return fmt::format("{} = {}", sum, num_parameters(input_size, hidden_size));
}

CellWeights make_weights(const Cell& cell, int64_t input_size, int64_t hidden_size, uint64_t seed, uint64_t stream,
                         const std::string& suffix, const std::function<Var(std::string, Tensor)>& owner) {
  CellWeights weights;
  for (const CellParameter& p : cell.parameters(input_size, hidden_size, seed, stream)) {
    const Var var = owner(p.name + suffix, p.initial);
    if (p.name == "weight_ih") {
      weights.w_ih = var;
    } else if (p.name == "weight_hh") {
      weights.w_hh = var;
    } else if (p.name == "bias_ih") {
      weights.b_ih = var;
    } else if (p.name == "bias_hh") {
      weights.b_hh = var;
    } else {
      weights.extra.push_back(var);
    }
  }
  return weights;
}

}  // namespace carousel::nn
