// The fused attention decoder: numerical gradients for every score and wiring, steps = whole, threads, errors.
#include "carousel/nn/attention_decoder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/grad_check.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/base/threads.h"
#include "carousel/kernels/table.h"
#include "tests/nn/cell_samples.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace attention_decoder_test {

using testing::random_var;

struct Sample {
  std::shared_ptr<const Cell> cell;
  Packing packing;
  DecoderInput in;
  DecoderWeights w;
  DecoderOptions options;
  std::vector<Var> inputs() const {
    std::vector<Var> all;
    for (const Var& v : {in.embedded, in.memory, in.keys, w.w_query, w.v})
      if (v.defined()) all.push_back(v);
    for (const Var& v : w.cell.all()) all.push_back(v);
    all.insert(all.end(), in.initial.begin(), in.initial.end());
    return all;
  }
};

constexpr int64_t kHidden = 4, kEmbed = 3;

Sample make_sample(DecoderOptions options, DType dtype = DType::f64, int64_t units = kHidden, int64_t batch = 3,
                   const CellOptions& cell = {}) {
  Sample s;
  s.cell = make_cell(cell);
  s.options = options;
  const int64_t hidden = s.cell->output_size(units);
  std::vector<int64_t> lengths, source_lengths;
  for (int64_t i = 0; i < batch; ++i)
    lengths.push_back(1 + (i * 5 + 2) % 4), source_lengths.push_back(1 + (i * 3 + 1) % 5);
  s.packing = Packing::make(lengths);
  int64_t total = 0;
  for (int64_t j = 0; j < batch; ++j) {
    int64_t len =
        options.score == Score::none ? 1 : source_lengths[static_cast<size_t>(s.packing.order[static_cast<size_t>(j)])];
    s.in.sources.push_back({total, len});
    total += len;
  }
  const int64_t width = options.score == Score::dot ? hidden : 5, dim = is_additive(options.score) ? 6 : hidden;
  s.in.embedded = random_var({s.packing.rows(), kEmbed}, 1, dtype);
  s.in.memory = random_var({total, width}, 2, dtype);
  s.in.keys =
      options.score == Score::dot || options.score == Score::none ? s.in.memory : random_var({total, dim}, 3, dtype);
  for (int64_t i = 0; i < s.cell->num_states(); ++i) {
    const Shape shape{batch, s.cell->state_size(i, units)};
    // A normaliser must not be near zero; those states start at zero.
    const bool free = i < s.cell->num_free_states();
    s.in.initial.push_back(free ? random_var(shape, 4 + static_cast<uint64_t>(i), dtype)
                                : Var(Tensor::zeros(shape, dtype)));
  }
  s.w.cell = testing::random_weights(*s.cell, kEmbed + (options.feed_context ? width : 0), units, 6, dtype);
  if (is_additive(options.score)) {
    s.w.w_query = random_var({dim, hidden}, 9, dtype);
    s.w.v = random_var({dim}, 10, dtype);
  }
  return s;
}

std::vector<DecoderOptions> all_options() {
  std::vector<DecoderOptions> list;
  for (const std::string& name : score_names())
    for (const bool feed : {true, false})
      for (const bool current : {false, true}) list.push_back({score_of(name), feed, current});
  return list;
}

std::string name_of_options(const ::testing::TestParamInfo<DecoderOptions>& param_info) {
  return std::string(nn::name_of(param_info.param.score)) + (param_info.param.feed_context ? "_fed" : "_unfed") +
         (param_info.param.current_query ? "_current" : "_previous");
}

class EveryWiring : public ::testing::TestWithParam<DecoderOptions> {};

TEST_P(EveryWiring, GradientEqualsCentralDifferences) {
  const Sample s = make_sample(GetParam());
  const GradCheck check = grad_check(
      [&](Tape* t) {
        const DecoderOutput out = attention_decoder(t, *s.cell, s.packing, s.in, s.w, s.options);
        // Features and attention weights both count.
        const Var total = ops::sum(t, ops::mul(t, out.weights, out.weights));
        return ops::add(t, ops::sum(t, ops::mul(t, out.features, out.features)), total);
      },
      s.inputs());
  EXPECT_LE(check.worst, 1e-6) << check.where;
}

TEST_P(EveryWiring, StepsEqualTheWholeTarget) {
  const Sample s = make_sample(GetParam());
  const DecoderOutput whole = attention_decoder(nullptr, *s.cell, s.packing, s.in, s.w, s.options);
  const int64_t hidden = kHidden, width = s.in.memory.value().dim(1);
  DecoderState state{{s.in.initial[0].value(), s.in.initial[1].value()}, Tensor::zeros({3, width}, DType::f64)};
  for (int64_t t = 0; t < s.packing.seq_len(); ++t) {
    const int64_t alive = s.packing.batch_sizes[static_cast<size_t>(t)], row = s.packing.row(t, 0);
    for (Tensor& t_state : state.states) t_state = t_state.rows(0, alive);
    state.context = state.context.rows(0, alive);
    const std::vector<SourceSpan> sources(s.in.sources.begin(), s.in.sources.begin() + alive);
    Tensor features, attention;
    attention_decoder_step(*s.cell, s.in.embedded.value().rows(row, row + alive), s.in, sources, s.w, s.options, state,
                           features, &attention);
    for (int64_t i = 0; i < features.numel(); ++i)
      ASSERT_NEAR(features.data<double>()[i], whole.features.value().data<double>()[row * (hidden + width) + i], 1e-12);
    const int64_t at = whole.weight_offsets[static_cast<size_t>(row)];
    for (int64_t i = 0; i < attention.numel(); ++i)
      ASSERT_NEAR(attention.data<double>()[i], whole.weights.value().data<double>()[at + i], 1e-12);
  }
}

TEST_P(EveryWiring, FloatEqualsDoubleForOneAndTwoThreads) {
  for (const int threads : {1, 2}) {
    set_threads(threads);
    const Sample exact = make_sample(GetParam(), DType::f64, 33, 29),
                 fast = make_sample(GetParam(), DType::f32, 33, 29);
    std::vector<std::vector<double>> grads[2];
    for (const Sample* s : {&exact, &fast}) {
      Tape tape;
      const Var features = attention_decoder(&tape, *s->cell, s->packing, s->in, s->w, s->options).features;
      tape.backward(features, Tensor::full(features.value().shape(), 0.1, features.value().dtype()));
      for (const Var& v : s->inputs()) {
        const Tensor g = v.grad().to(DType::f64);
        grads[s == &exact ? 0 : 1].emplace_back(g.span<double>().begin(), g.span<double>().end());
      }
    }
    for (size_t k = 0; k < grads[0].size(); ++k) {
      double largest = 1e-6;
      for (const double v : grads[0][k]) largest = std::max(largest, std::abs(v));
      for (size_t i = 0; i < grads[0][k].size(); ++i)
        ASSERT_NEAR(grads[1][k][i], grads[0][k][i], 1e-4 * largest) << "input " << k << " threads " << threads;
    }
  }
  set_threads(0);
}

INSTANTIATE_TEST_SUITE_P(All, EveryWiring, ::testing::ValuesIn(all_options()), name_of_options);

class EveryDecoderCell : public ::testing::TestWithParam<CellOptions> {
 protected:
  /// Both orders of attention and cell; the context always reaches the cell.
  static std::vector<DecoderOptions> wirings() {
    return {{Score::additive, true, false}, {Score::general, true, true}, {Score::mlp, false, false}};
  }
};

TEST_P(EveryDecoderCell, GradientEqualsCentralDifferences) {
  for (const DecoderOptions& wiring : {DecoderOptions{Score::additive, true, false}}) {
    const Sample s = make_sample(wiring, DType::f64, kHidden, 2, GetParam());
    const GradCheck check = grad_check(
        [&](Tape* t) {
          const DecoderOutput out = attention_decoder(t, *s.cell, s.packing, s.in, s.w, s.options);
          return ops::add(t, ops::sum(t, out.features), ops::sum(t, ops::mul(t, out.weights, out.weights)));
        },
        s.inputs(), 40);
    EXPECT_LE(check.worst, 1e-6) << check.where;
  }
}

TEST_P(EveryDecoderCell, WholeEqualsStepsOfOpsForwardAndBackward) {
  for (const DecoderOptions& wiring : wirings()) {
    const Sample s = make_sample(wiring, DType::f64, kHidden, 3, GetParam());
    std::vector<std::vector<double>> results[2];
    for (const int way : {0, 1}) {
      for (const Var& v : s.inputs()) v.clear_grad();
      Tape tape;
      const DecoderOutput out = way == 0 ? attention_decoder(&tape, *s.cell, s.packing, s.in, s.w, s.options)
                                         : attention_decoder_by_steps(&tape, *s.cell, s.packing, s.in, s.w, s.options);
      results[way] = {testing::values_of(out.features.value()), testing::values_of(out.weights.value())};
      out.weights.add_grad(Tensor::full(out.weights.value().shape(), 0.3, DType::f64));
      tape.backward(out.features, Tensor::full(out.features.value().shape(), 0.7, DType::f64));
      for (const Var& v : s.inputs())
        results[way].push_back(v.has_grad() ? testing::values_of(v.grad()) : std::vector<double>());
    }
    for (size_t k = 0; k < results[0].size(); ++k) {
      ASSERT_EQ(results[0][k].size(), results[1][k].size()) << k;
      for (size_t i = 0; i < results[0][k].size(); ++i) ASSERT_NEAR(results[0][k][i], results[1][k][i], 1e-10) << k;
    }
  }
}

TEST_P(EveryDecoderCell, StepsEqualTheWholeTarget) {
  for (const DecoderOptions& wiring : wirings()) {
    const Sample s = make_sample(wiring, DType::f32, 21, 5, GetParam());
    const Tensor whole = attention_decoder(nullptr, *s.cell, s.packing, s.in, s.w, s.options).features.value();
    DecoderState state{{}, Tensor::zeros({5, s.in.memory.value().dim(1)})};
    for (const Var& v : s.in.initial) state.states.push_back(v.value());
    for (int64_t t = 0; t < s.packing.seq_len(); ++t) {
      const int64_t alive = s.packing.batch_sizes[static_cast<size_t>(t)], row = s.packing.row(t, 0);
      for (Tensor& part : state.states) part = part.rows(0, alive);
      state.context = state.context.rows(0, alive);
      Tensor features;
      attention_decoder_step(*s.cell, s.in.embedded.value().rows(row, row + alive), s.in,
                             {s.in.sources.begin(), s.in.sources.begin() + alive}, s.w, s.options, state, features,
                             nullptr);
      for (int64_t i = 0; i < features.numel(); ++i)
        ASSERT_NEAR(features.data<float>()[i], whole.data<float>()[row * whole.dim(1) + i], 1e-5) << t;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryDecoderCell, ::testing::ValuesIn(testing::all_conventions()),
                         [](const auto& param_info) { return testing::name_of(param_info.param); });

TEST_P(EveryDecoderCell, InBf16ActivationsTakeHalfTheMemoryAndGradientsAreNear) {
  if (!make_cell(GetParam())->fused<float>()) GTEST_SKIP() << "runs step by step, through ops that keep f32";
  if (GetParam().activation == "relu") GTEST_SKIP() << "rounding turns units on and off";
  const Sample s = make_sample({Score::additive, true, false}, DType::f32, 64, 29, GetParam());
  std::vector<std::vector<double>> grads[2];
  int64_t kept[2] = {};
  for (const bool rounded : {false, true}) {
    const kernels::PrecisionScope rounding(rounded ? kernels::Precision::bf16 : kernels::Precision::f32);
    for (const Var& v : s.inputs()) v.clear_grad();
    Tape tape;
    const int64_t before = tensor_memory().current;
    const Var features = attention_decoder(&tape, *s.cell, s.packing, s.in, s.w, s.options).features;
    kept[rounded] = tensor_memory().current - before;
    tape.backward(features, Tensor::full(features.value().shape(), 0.1));
    for (const Var& v : s.inputs()) grads[rounded].push_back(testing::values_of(v.grad()));
  }
  const int64_t activations = s.packing.rows() * s.cell->num_gates() * 64;
  EXPECT_LT(kept[1], kept[0] - activations * 18 / 10) << "two bytes of each";
  for (size_t k = 0; k < grads[0].size(); ++k) {
    double largest = 0;
    for (const double v : grads[0][k]) largest = std::max(largest, std::abs(v));
    for (size_t i = 0; i < grads[0][k].size(); ++i)
      ASSERT_NEAR(grads[1][k][i], grads[0][k][i], 0.05 * largest + 1e-6) << "input " << k;
  }
}

TEST(AttentionDecoder, TheStatesMustBeThoseOfTheCell) {
  Sample s = make_sample({Score::additive, true, false});
  s.in.initial.pop_back();
  EXPECT_EQ(carousel::testing::error_of<ShapeError>(
                [&] { attention_decoder(nullptr, *s.cell, s.packing, s.in, s.w, s.options); }),
            "[decoder] the number of first states must be 2; got 1. Check the sizes of the layers.");
}

TEST(AttentionDecoder, WeightsOfEachRowSumToOne) {
  const Sample s = make_sample({Score::additive, true, false});
  const DecoderOutput out = attention_decoder(nullptr, *s.cell, s.packing, s.in, s.w, s.options);
  for (size_t r = 0; r + 1 < out.weight_offsets.size(); ++r) {
    double sum = 0;
    for (int64_t i = out.weight_offsets[r]; i < out.weight_offsets[r + 1]; ++i)
      sum += out.weights.value().data<double>()[i];
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(AttentionDecoder, UnequalWidthsNameTheRemedy) {
  Sample s = make_sample({Score::general, true, false});
  s.options.score = Score::scaled_dot;
  s.in.keys = s.in.memory;
  try {
    attention_decoder(nullptr, *s.cell, s.packing, s.in, s.w, s.options);
    FAIL();
  } catch (const ShapeError& e) {
    EXPECT_STREQ(
        e.what(),
        "[attention] the score 'scaled_dot' needs keys as wide as the decoder state; got 5 and 4. Use attention = "
        "general, mlp or additive, which project, or make the widths equal.");
  }
}

}  // namespace attention_decoder_test
}  // namespace carousel::nn
