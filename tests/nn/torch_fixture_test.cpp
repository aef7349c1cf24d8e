// Layers, losses and optimizers against numbers that PyTorch made (tools/make_torch_fixtures.py).
#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/losses.h"
#include "carousel/nn/attention_decoder.h"
#include "carousel/nn/recurrent.h"
#include "carousel/tensor/archive.h"

namespace carousel::nn {
namespace torch_fixture_test {

const Archive& fixtures() {
  static const Archive archive = read_archive(CAROUSEL_SOURCE_DIR "/tests/fixtures/torch.safetensors");
  return archive;
}

/// Tensors of one case, in the precision under test.
struct Case {
  std::string name;
  DType dtype;
  Tensor get(const std::string& tensor) const {
    const Tensor* found = fixtures().find(name + "/" + tensor);
    if (!found) throw std::runtime_error("no fixture " + name + "/" + tensor);
    return found->to(dtype);
  }
  Var leaf(const std::string& tensor) const { return Var(get(tensor).clone(), true); }
  /// Largest difference over the largest magnitude.
  double off(const Tensor& got, const std::string& tensor) const {
    const Tensor want = get(tensor).to(DType::f64), have = got.to(DType::f64);
    EXPECT_EQ(want.numel(), have.numel()) << tensor;
    double worst = 0, largest = 1;
    for (int64_t i = 0; i < want.numel(); ++i) {
      worst = std::max(worst, std::abs(want.data<double>()[i] - have.data<double>()[i]));
      largest = std::max(largest, std::abs(want.data<double>()[i]));
    }
    return worst / largest;
  }
};

class TorchFixture : public ::testing::TestWithParam<DType> {
 protected:
  double forward_ = GetParam() == DType::f64 ? 1e-10 : 1e-5, gradient_ = GetParam() == DType::f64 ? 1e-10 : 1e-4;
};

void check_lstm(const Case& c, bool both, bool state, double forward, double gradient) {
  std::vector<int64_t> lengths;
  const Tensor sizes = c.get("batch_sizes").to(DType::f64);
  for (int64_t j = 0; j < static_cast<int64_t>(sizes.data<double>()[0]); ++j) {
    int64_t length = 0;
    while (length < sizes.numel() && sizes.data<double>()[length] > static_cast<double>(j)) ++length;
    lengths.push_back(length);
  }
  const Packing packing = Packing::make(lengths);
  const Var x = c.leaf("x");
  const int64_t batch = packing.batch_size(), hidden = 7;
  std::vector<Direction> directions;
  for (int d = 0; d < (both ? 2 : 1); ++d) {
    const std::string end = d == 0 ? "_l0" : "_l0_reverse";
    Direction direction;
    direction.weights.w_ih = c.leaf("weight_ih" + end);
    direction.weights.w_hh = c.leaf("weight_hh" + end);
    direction.weights.b_ih = c.leaf("bias_ih" + end);
    direction.reverse = d == 1;
    if (state)
      for (const char* name : {"h0", "c0"})
        direction.initial.emplace_back(
            c.get(name).reshape({both ? 2 * batch : batch, hidden}).rows(d * batch, (d + 1) * batch).clone(), true);
    directions.push_back(direction);
  }
  Tape tape;
  const RecurrentOutput out = recurrent(&tape, *make_cell("lstm"), packing, x, directions);
  EXPECT_LE(c.off(out.y.value(), "y"), forward);
  // The loss weights every output: put those weights in as gradients of the last state, then run back from y.
  const Tensor dh = c.get("dh_n").reshape({both ? 2 * batch : batch, hidden}), dc = c.get("dc_n").reshape(dh.shape());
  for (size_t d = 0; d < directions.size(); ++d) {
    const auto way = static_cast<int64_t>(d);
    const Tensor h_n = out.states[d][0].value(),
                 want = c.get("h_n").reshape(dh.shape()).rows(way * batch, (way + 1) * batch);
    for (int64_t i = 0; i < h_n.numel(); ++i)
      ASSERT_NEAR(h_n.to(DType::f64).data<double>()[i], want.to(DType::f64).data<double>()[i], forward);
    out.states[d][0].add_grad(dh.rows(way * batch, (way + 1) * batch).clone());
    out.states[d][1].add_grad(dc.rows(way * batch, (way + 1) * batch).clone());
  }
  tape.backward(out.y, c.get("dy"));
  EXPECT_LE(c.off(x.grad(), "dx"), gradient);
  for (size_t d = 0; d < directions.size(); ++d) {
    const std::string end = d == 0 ? "_l0" : "_l0_reverse";
    EXPECT_LE(c.off(directions[d].weights.w_ih.grad(), "d_weight_ih" + end), gradient);
    EXPECT_LE(c.off(directions[d].weights.w_hh.grad(), "d_weight_hh" + end), gradient);
    EXPECT_LE(c.off(directions[d].weights.b_ih.grad(), "d_bias_ih" + end), gradient);
    if (!state) continue;
    const auto way = static_cast<int64_t>(d);
    const Tensor want = c.get("dh0").reshape(dh.shape()).rows(way * batch, (way + 1) * batch).to(DType::f64);
    const Tensor got = directions[d].initial[0].grad().to(DType::f64);
    for (int64_t i = 0; i < want.numel(); ++i)
      ASSERT_NEAR(got.data<double>()[i], want.data<double>()[i], 10 * gradient);
  }
}

TEST_P(TorchFixture, Lstm) {
  check_lstm({"lstm", GetParam()}, false, false, forward_, gradient_);
}
TEST_P(TorchFixture, LstmWithState) {
  check_lstm({"lstm_state", GetParam()}, false, true, forward_, gradient_);
}
TEST_P(TorchFixture, BidirectionalLstmWithState) {
  check_lstm({"bilstm", GetParam()}, true, true, forward_, gradient_);
}

TEST_P(TorchFixture, AttentionDecoder) {
  const Case c{"decoder", GetParam()};
  const Packing packing = Packing::make(std::vector<int64_t>{4, 4, 4});
  Tape tape;
  DecoderInput in;
  in.embedded = c.leaf("embedded");
  in.memory = c.leaf("memory");
  const Var w_key = c.leaf("w_key"), b_key = c.leaf("b_key");
  in.keys = ops::linear(&tape, in.memory, w_key, b_key);
  in.sources = {{0, 5}, {5, 5}, {10, 5}};
  in.initial = {c.leaf("h0"), c.leaf("c0")};
  const DecoderWeights w{{c.leaf("w_ih"), c.leaf("w_hh"), c.leaf("bias"), {}, {}}, c.leaf("w_query"), c.leaf("v")};
  const DecoderOutput out = attention_decoder(&tape, *make_cell("lstm"), packing, in, w, {});
  EXPECT_LE(c.off(out.features.value(), "features"), forward_);
  EXPECT_LE(c.off(out.weights.value(), "alpha"), forward_);
  out.weights.add_grad(c.get("dalpha").reshape(out.weights.value().shape()).clone());
  tape.backward(out.features, c.get("dfeatures"));
  const std::pair<const char*, Var> gradients[] = {
      {"d_embedded", in.embedded}, {"d_memory", in.memory},  {"d_w_key", w_key},
      {"d_b_key", b_key},          {"d_w_query", w.w_query}, {"d_v", w.v},
      {"d_w_ih", w.cell.w_ih},     {"d_w_hh", w.cell.w_hh},  {"d_bias", w.cell.b_ih},
      {"d_h0", in.initial[0]},     {"d_c0", in.initial[1]}};
  for (const auto& [name, var] : gradients) EXPECT_LE(c.off(var.grad(), name), gradient_) << name;
}

TEST_P(TorchFixture, CrossEntropy) {
  for (const auto& [name, smoothing] : {std::pair{"cross_entropy", 0.0}, std::pair{"cross_entropy_smoothed", 0.1}}) {
    const Case c{name, GetParam()};
    const Var logits = c.leaf("logits");
    std::vector<int32_t> targets;
    const Tensor ids = c.get("targets").to(DType::f64);
    for (const double id : ids.span<double>()) targets.push_back(static_cast<int32_t>(id));
    Tape tape;
    const auto result = ops::cross_entropy(&tape, logits, targets, smoothing);
    EXPECT_LE(c.off(result.loss.value(), "loss"), forward_);
    tape.backward(result.loss);
    EXPECT_LE(c.off(logits.grad(), "dlogits"), gradient_);
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, TorchFixture, ::testing::Values(DType::f32, DType::f64),
                         [](const auto& param_info) { return name_of(param_info.param); });

}  // namespace torch_fixture_test
}  // namespace carousel::nn
