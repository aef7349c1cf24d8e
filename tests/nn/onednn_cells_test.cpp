// Cells against oneDNN's own recurrent primitives, where this build has oneDNN: LSTM with and without peepholes, GRU
// with reset before the product (vanilla_gru) and after it (lbr_gru). Both GRUs keep the past with an update gate
// near 1.
//
// ONNX defines its operator LSTM by the same peephole equations: i and f see P * C(t-1), o sees P[o] * C(t) after the
// update; its vector P is ordered i, o, f, ours and oneDNN's i, f, o. So this oracle stands for both.
#ifdef CAROUSEL_HAVE_ONEDNN
#include <gtest/gtest.h>

#include <dnnl.hpp>

#include "tests/nn/cell_samples.h"

namespace carousel::nn {
namespace onednn_cells_test {

using dnnl::memory;
using testing::values_of;

constexpr int64_t kSteps = 5, kBatch = 3, kInput = 4, kHidden = 6;

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

/// A plain memory with our values in it.
memory filled(const memory::dims& dims, memory::format_tag tag, const std::vector<float>& values) {
  memory m({dims, memory::data_type::f32, tag}, engine());
  std::copy(values.begin(), values.end(), static_cast<float*>(m.get_data_handle()));
  return m;
}

/// Ours [G*H, C] as oneDNN's ldigo [1, 1, C, G, H], its gate number k being our gate order[k].
memory weights(const Var& w, const std::vector<int64_t>& order) {
  const int64_t columns = w.value().dim(1), gates = static_cast<int64_t>(order.size());
  std::vector<float> values(static_cast<size_t>(columns * gates * kHidden));
  for (int64_t c = 0; c < columns; ++c)
    for (int64_t g = 0; g < gates; ++g)
      for (int64_t j = 0; j < kHidden; ++j)
        values[static_cast<size_t>((c * gates + g) * kHidden + j)] =
            w.value().data<float>()[(order[static_cast<size_t>(g)] * kHidden + j) * columns + c];
  return filled({1, 1, columns, gates, kHidden}, memory::format_tag::ldigo, values);
}

/// Blocks order[k] of a vector of blocks, and zeros up to `blocks` of them.
memory vectors(const Var& v, const std::vector<int64_t>& order) {
  std::vector<float> values;
  for (const int64_t block : order)
    for (int64_t j = 0; j < kHidden; ++j) values.push_back(v.value().data<float>()[block * kHidden + j]);
  return filled({1, 1, static_cast<int64_t>(order.size()), kHidden}, memory::format_tag::ldgo, values);
}

/// A layer over equal lengths in float; packed rows are then [T, N, C].
testing::Sample make_layer(const std::string& cell, const std::string& reset) {
  CellOptions options;
  options.cell = cell;
  options.reset = reset;
  if (cell == "gru") options.update = "keep";
  options.biases = reset == "after" ? 2 : 1;
  testing::SampleSizes sizes{std::vector<int64_t>(kBatch, kSteps), kInput, kHidden, false, true, DType::f32};
  return testing::make_sample(options, sizes);
}

std::vector<float> floats(const Var& v) {
  return {v.value().span<float>().begin(), v.value().span<float>().end()};
}

void expect_near(const Tensor& got, const memory& want, const char* what) {
  const auto* values = static_cast<const float*>(want.get_data_handle());
  for (int64_t i = 0; i < got.numel(); ++i) ASSERT_NEAR(got.data<float>()[i], values[i], 1e-5) << what << " " << i;
}

/// The memories that all primitives share.
struct Common {
  explicit Common(const testing::Sample& s)
      : x(filled({kSteps, kBatch, kInput}, memory::format_tag::tnc, floats(s.x))),
        h0(filled({1, 1, kBatch, kHidden}, memory::format_tag::ldnc, floats(s.directions[0].initial[0]))),
        y({{kSteps, kBatch, kHidden}, memory::data_type::f32, memory::format_tag::tnc}, engine()),
        h({{1, 1, kBatch, kHidden}, memory::data_type::f32, memory::format_tag::ldnc}, engine()) {}
  memory x, h0, y, h;
};

constexpr auto kInference = dnnl::prop_kind::forward_inference;
constexpr auto kForward = dnnl::rnn_direction::unidirectional_left2right;

void check_lstm(const std::string& cell) {
  const testing::Sample s = make_layer(cell, "");
  const CellWeights& w = s.directions[0].weights;
  Common m(s);
  const std::vector<int64_t> order = {0, 1, 2, 3};
  const memory w_ih = weights(w.w_ih, order), w_hh = weights(w.w_hh, order), bias = vectors(w.b_ih, order);
  const memory c0 = filled({1, 1, kBatch, kHidden}, memory::format_tag::ldnc, floats(s.directions[0].initial[1]));
  const memory c(c0.get_desc(), engine());
  const memory peephole = w.extra.empty()
                              ? memory({{1, 1, 3, kHidden}, memory::data_type::f32, memory::format_tag::ldgo}, engine())
                              : vectors(w.extra[0], {0, 1, 2});
  if (w.extra.empty()) std::fill_n(static_cast<float*>(peephole.get_data_handle()), 3 * kHidden, 0.0f);
  const dnnl::lstm_forward::desc desc(kInference, kForward, m.x.get_desc(), m.h0.get_desc(), c0.get_desc(),
                                      w_ih.get_desc(), w_hh.get_desc(), peephole.get_desc(), bias.get_desc(),
                                      m.y.get_desc(), m.h.get_desc(), c.get_desc());
  dnnl::stream stream(engine());
  dnnl::lstm_forward({desc, engine()})
      .execute(stream, {{DNNL_ARG_SRC_LAYER, m.x},
                        {DNNL_ARG_SRC_ITER, m.h0},
                        {DNNL_ARG_SRC_ITER_C, c0},
                        {DNNL_ARG_WEIGHTS_LAYER, w_ih},
                        {DNNL_ARG_WEIGHTS_ITER, w_hh},
                        {DNNL_ARG_WEIGHTS_PEEPHOLE, peephole},
                        {DNNL_ARG_BIAS, bias},
                        {DNNL_ARG_DST_LAYER, m.y},
                        {DNNL_ARG_DST_ITER, m.h},
                        {DNNL_ARG_DST_ITER_C, c}});
  stream.wait();
  const RecurrentOutput out = s.run();
  expect_near(out.y.value(), m.y, "y");
  expect_near(out.states[0][0].value(), m.h, "h");
  expect_near(out.states[0][1].value(), c, "c");
}

TEST(Onednn, LstmIsTheSame) {
  check_lstm("lstm");
}
TEST(Onednn, PeepholeLstmIsTheSame) {
  check_lstm("peephole_lstm");
}

/// oneDNN's gates are u (our z), r, o (our g).
template <class Primitive>
void check_gru(const std::string& reset) {
  const testing::Sample s = make_layer("gru", reset);
  const CellWeights& w = s.directions[0].weights;
  Common m(s);
  const memory w_ih = weights(w.w_ih, {1, 0, 2}), w_hh = weights(w.w_hh, {1, 0, 2});
  memory bias = vectors(w.b_ih, {1, 0, 2});
  if (reset == "after") {
    // A fourth bias stands beside U h inside the product with r; those of u and r are one sum.
    std::vector<float> values(static_cast<size_t>(4 * kHidden));
    const float *outer = w.b_ih.value().data<float>(), *inner = w.b_hh.value().data<float>();
    for (int64_t j = 0; j < kHidden; ++j) {
      const auto at = [&](int64_t block) -> float& { return values[static_cast<size_t>(block * kHidden + j)]; };
      at(0) = outer[kHidden + j] + inner[kHidden + j];
      at(1) = outer[j] + inner[j];
      at(2) = outer[2 * kHidden + j];
      at(3) = inner[2 * kHidden + j];
    }
    bias = filled({1, 1, 4, kHidden}, memory::format_tag::ldgo, values);
  }
  const typename Primitive::desc desc(kInference, kForward, m.x.get_desc(), m.h0.get_desc(), w_ih.get_desc(),
                                      w_hh.get_desc(), bias.get_desc(), m.y.get_desc(), m.h.get_desc());
  dnnl::stream stream(engine());
  Primitive({desc, engine()})
      .execute(stream, {{DNNL_ARG_SRC_LAYER, m.x},
                        {DNNL_ARG_SRC_ITER, m.h0},
                        {DNNL_ARG_WEIGHTS_LAYER, w_ih},
                        {DNNL_ARG_WEIGHTS_ITER, w_hh},
                        {DNNL_ARG_BIAS, bias},
                        {DNNL_ARG_DST_LAYER, m.y},
                        {DNNL_ARG_DST_ITER, m.h}});
  stream.wait();
  const RecurrentOutput out = s.run();
  expect_near(out.y.value(), m.y, "y");
  expect_near(out.states[0][0].value(), m.h, "h");
}

TEST(Onednn, GruWithResetBeforeIsItsGru) {
  check_gru<dnnl::gru_forward>("before");
}
TEST(Onednn, GruWithResetAfterIsItsLinearBeforeResetGru) {
  check_gru<dnnl::lbr_gru_forward>("after");
}

}  // namespace onednn_cells_test
}  // namespace carousel::nn
#endif
