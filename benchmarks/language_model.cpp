// How long does one update of a word-level language model take? Workloads of torch_rnn.py:
// embedding, two LSTM layers, softmax over 10,000 words, clipping, SGD; the state is carried on.
// Usage: bench_language_model [threads] [repeat] [workload, with _bf16 behind it for products in bf16]
#include <cstdlib>

#include "benchmarks/measure.h"
#include "carousel/nn/language_model.h"
#include "carousel/train/gradients.h"
#include "carousel/train/optimizer.h"

using namespace carousel;

namespace {

constexpr int64_t kVocab = 10000;

struct Sizes {
  const char* name;
  int64_t hidden, batch, steps;
  double dropout;
};

struct Model {
  nn::LanguageModel network;
  std::vector<nn::NamedParameter> parameters;
  std::unique_ptr<train::Optimizer> optimizer;
  nn::LanguageState state;
  std::vector<int32_t> inputs, targets;
  int64_t step = 0;

  static nn::LanguageModelConfig config(const Sizes& s) {
    nn::LanguageModelConfig c;
    c.stack.hidden_size = {s.hidden};
    c.stack.num_layers = 2;
    c.stack.dropout = c.input_dropout = c.output_dropout = s.dropout;
    c.tie_weights = false;
    c.embedding_size = s.hidden;
    return c;
  }

  explicit Model(const Sizes& s)
      : network(config(s), kVocab, 0, 1),
        parameters(network.parameters()),
        optimizer(train::make_optimizer("sgd", parameters, {})) {
    Rng rng(1, 7);
    for (int64_t i = 0; i < s.batch * s.steps; ++i) {
      inputs.push_back(static_cast<int32_t>(rng.below(kVocab)));
      targets.push_back(static_cast<int32_t>(rng.below(kVocab)));
    }
  }

  void update(int64_t batch) {
    Tape tape;
    nn::Context ctx;
    ctx.tape = &tape;
    ctx.training = true;
    ctx.seed = mix(1, static_cast<uint64_t>(++step));
    tape.backward(network.loss(ctx, inputs, targets, batch, state).loss);
    const double norm = train::grad_norm(parameters);
    optimizer->step({1.0, norm > 5 ? 5 / norm : 1.0, step});
    for (const auto& p : parameters) p.var.clear_grad();
  }
};

engine::BenchWork workload(const Sizes& s) {
  const auto model = std::make_shared<Model>(s);
  engine::BenchWork w;
  w.gflop = 6e-9 * static_cast<double>(s.batch * s.steps) *
            static_cast<double>(2 * 4 * s.hidden * 2 * s.hidden + s.hidden * kVocab);
  w.run = [model, batch = s.batch] { model->update(batch); };
  return w;
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(argc > 1 ? std::atoi(argv[1]) : 0);
  const int repeat = argc > 2 ? std::atoi(argv[2]) : 7;
  const bench::Asked asked(argc > 3 ? argv[3] : "");
  const kernels::PrecisionScope rounding(asked.precision);
  const std::string& only = asked.name;
  bool found = false;
  const double roof = engine::arithmetic_roof(asked.numbers());
  for (const Sizes& s : {Sizes{"ptb_small_update", 200, 20, 20, 0.0}, Sizes{"ptb_medium_update", 650, 20, 35, 0.5}}) {
    if (!only.empty() && only != s.name) continue;
    found = true;
    bench::report(s.name + asked.suffix, workload(s), repeat, 1, roof);
  }
  if (found) return 0;
  std::fprintf(stderr, "bench_language_model: there is no workload of this name; got '%s'.\n", only.c_str());
  return 2;
}
