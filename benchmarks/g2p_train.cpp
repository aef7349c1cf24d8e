// How long does one epoch of the pronunciation model take? The model, batches, loss and optimizer of torch_g2p.py.
// Usage: bench_g2p_train TRAIN.tsv [threads] [share of an epoch to run, default 1] [f32|bf16]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "benchmarks/measure.h"
#include "carousel/data/batcher.h"
#include "carousel/data/choose.h"
#include "carousel/data/pairs.h"
#include "carousel/nn/seq2seq.h"
#include "carousel/train/gradients.h"
#include "carousel/train/optimizer.h"

using namespace carousel;

namespace {

struct Pairs {
  std::vector<std::vector<int32_t>> sources, targets;
  std::vector<int64_t> source_lengths, target_lengths;
  int64_t source_vocab = 0, target_vocab = 0;
};

Pairs read(const char* file) {
  const data::PairData pairs = data::read_tsv_pairs(file, {});
  std::vector<std::string_view> sides[2];
  for (const auto& e : pairs.examples) sides[0].push_back(e.source), sides[1].push_back(e.target);
  data::DataConfig config;
  Pairs p;
  const auto source = data::make_tokenizer(sides[0], data::plan_tokens(sides[0], config, data::Side::source), 1);
  const auto target = data::make_tokenizer(sides[1], data::plan_tokens(sides[1], config, data::Side::target), 1);
  // As many pairs as torch_g2p.py trains on: it holds back 2,600 words, about 2.4 % of the pairs.
  const size_t count = sides[0].size() - sides[0].size() * 24 / 1000;
  for (size_t i = 0; i < count; ++i) {
    p.sources.push_back(source->encode(sides[0][i]));
    p.targets.push_back(target->encode(sides[1][i]));
    p.source_lengths.push_back(static_cast<int64_t>(p.sources.back().size()));
    p.target_lengths.push_back(static_cast<int64_t>(p.targets.back().size()));
  }
  p.source_vocab = source->vocabulary().size();
  p.target_vocab = target->vocabulary().size();
  return p;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_g2p_train TRAIN.tsv [threads] [share] [f32 or bf16]\n");
    return 2;
  }
  set_threads(argc > 2 ? std::atoi(argv[2]) : 0);
  const double share = argc > 3 ? std::atof(argv[3]) : 1.0;
  const bench::Asked asked(argc > 4 ? std::string("g2p_train_") + argv[4] : "");
  const kernels::PrecisionScope rounding(asked.precision);
  const Pairs pairs = read(argv[1]);
  const double roof = engine::arithmetic_roof(asked.numbers());
  nn::Seq2SeqConfig config;
  config.embedding_size = 128;
  config.stack.hidden_size = {256};
  config.stack.dropout = 0.3;
  nn::Seq2Seq model(
      config,
      {pairs.source_vocab, pairs.target_vocab, data::Vocabulary::kUnk, data::Vocabulary::kBos, data::Vocabulary::kEos},
      1);
  data::Batcher batcher(pairs.source_lengths, pairs.target_lengths, {.batch_size = 64, .batches_per_chunk = 100}, 1);
  const auto parameters = model.parameters();
  const auto optimizer = train::make_optimizer("adam", parameters, {});
  const auto batches = static_cast<int64_t>(static_cast<double>(batcher.num_batches(0)) * share);
  double nll = 0, gflop = 0;
  int64_t tokens = 0;
  const double h = 256;
  const auto update = [&](int64_t b) {
    nn::Seq2SeqBatch batch;
    double source_rows = 0;
    for (const int64_t i : batcher.batch(0, b)) {
      batch.sources.push_back(pairs.sources[static_cast<size_t>(i)]);
      batch.targets.push_back(pairs.targets[static_cast<size_t>(i)]);
      source_rows += static_cast<double>(batch.sources.back().size());
    }
    Tape tape;
    nn::Context ctx;
    ctx.tape = &tape;
    ctx.training = true;
    ctx.seed = mix(1, static_cast<uint64_t>(b));
    const nn::Seq2SeqLoss loss = model.loss(ctx, batch, 0);
    tape.backward(loss.loss);
    const double norm = train::grad_norm(parameters);
    optimizer->step({2e-3 * std::min(1.0, static_cast<double>(b + 1) / 500), norm > 2 ? 2 / norm : 1.0, b + 1});
    for (const auto& p : parameters) p.var.clear_grad();
    nll += loss.nll_sum;
    tokens += loss.tokens;
    const auto target_rows = static_cast<double>(loss.tokens);
    gflop += 6e-9 *
             (source_rows * (2 * 4 * h * (128 + h) + 2 * h * h) +
              target_rows * (4 * h * (128 + 3 * h) + h * h + (3 * h + 128) * static_cast<double>(pairs.target_vocab)));
  };
  const double start = engine::now_seconds();
  for (int64_t b = 0; b < batches; ++b) update(b);
  const double seconds = engine::now_seconds() - start;
  const double rate = gflop / seconds, nats = nll / static_cast<double>(tokens);
  const double mebibytes = bench::peak_mebibytes();
  int64_t next = 0;
  const std::string parts = bench::parts_of({[&] { update(next++ % std::max<int64_t>(batches, 1)); }, 0}, 100);
  std::printf(
      "{\"program\": \"carousel\", \"kernels\": \"%s\", \"threads\": %d, \"workload\": \"g2p_train\", \"batches\": "
      "%lld, "
      "\"seconds\": %.2f, \"epoch_seconds\": %.2f, \"gflops\": %.1f, \"share_of_roof\": %.3f, "
      "\"nats_per_token\": "
      "%.4f, \"mebibytes\": %.1f, \"parts\": %s}\n",
      bench::describe_products().c_str(), num_threads(), static_cast<long long>(batches), seconds, seconds / share,
      rate, roof > 0 ? rate / roof : 0.0, nats, mebibytes, parts.c_str());
}
