#include "carousel/tasks/transcribe_network.h"

#include <algorithm>
#include <cmath>

#include "carousel/autograd/ops/ctc.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/parallel.h"
#include "carousel/data/vocabulary.h"
#include "carousel/decode/ctc.h"
#include "carousel/tasks/seq2seq_stepper.h"

namespace carousel::tasks {

namespace {

using data::Vocabulary;

/// In the output of ctc the blank takes the place of the begin and end markers, which it does not have: blank, unknown,
/// symbols.
constexpr int32_t kMarkersLess = Vocabulary::kMarkers - 2;
static_assert(Vocabulary::kUnk == Vocabulary::kMarkers - 1);

nn::Seq2Seq::Vocabularies sides_of(int64_t frame_size, int64_t vocab_size) {
  return {0, vocab_size, 0, Vocabulary::kBos, Vocabulary::kEos, Vocabulary::kUnk, frame_size};
}

}  // namespace

TranscribeNetwork::TranscribeNetwork(const TransduceConfig& config, int64_t frame_size, int64_t vocab_size,
                                     uint64_t seed) {
  if (config.decoder == "attention") {
    seq2seq_ = std::make_unique<nn::Seq2Seq>(config.model, sides_of(frame_size, vocab_size), seed);
    child("seq2seq", *seq2seq_);
  } else {
    ctc_size_ = vocab_size - kMarkersLess;
    transcriber_ = std::make_unique<nn::Transcriber>(config.transcriber(), frame_size, ctc_size_, seed);
    child("transcriber", *transcriber_);
  }
}

std::vector<int32_t> TranscribeNetwork::to_ctc(const std::vector<int32_t>& ids) const {
  std::vector<int32_t> symbols;
  for (const int32_t id : ids) symbols.push_back(id - kMarkersLess);
  return symbols;
}

std::vector<int32_t> TranscribeNetwork::written_ids() const {
  std::vector<int32_t> ids;
  for (int32_t symbol = 0; symbol < ctc_size_; ++symbol)
    ids.push_back(symbol + kMarkersLess < Vocabulary::kMarkers ? -1 : symbol + kMarkersLess);
  return ids;
}

int64_t TranscribeNetwork::steps_needed(const std::vector<int32_t>& target) const {
  return ctc() ? ops::ctc_least_steps(target) : 1;
}

TranscribeNetwork::Loss TranscribeNetwork::loss(nn::Context& ctx, const nn::FrameBatch& frames,
                                                const std::vector<std::vector<int32_t>>& targets, double guidance) {
  if (seq2seq_) {
    nn::Seq2SeqBatch batch;
    batch.frames = frames;
    batch.targets = targets;
    const nn::Seq2SeqLoss part = seq2seq_->loss(ctx, batch, guidance);
    return {part.loss, part.nll_sum, part.tokens, part.correct};
  }
  Loss result;
  std::vector<std::vector<int32_t>> symbols;
  for (const auto& target : targets) {
    symbols.push_back(to_ctc(target));
    result.tokens += std::max<int64_t>(1, static_cast<int64_t>(target.size()));
  }
  const nn::TranscriberLoss part = transcriber_->loss(ctx, frames, symbols);
  result.nll_sum = part.nll_sum;
  result.loss =
      ops::scale(ctx.tape, part.loss, static_cast<double>(targets.size()) / static_cast<double>(result.tokens));
  return result;
}

/// Ids and the probability of all paths, of which a search has seen some.
decode::Hypothesis TranscribeNetwork::from_ctc(const std::vector<float>& log_probs, decode::Hypothesis found) const {
  const double seen = found.log_prob;
  found.log_prob = ops::ctc_align(log_probs, ctc_size_, found.tokens, nn::Transcriber::kBlank).log_prob;
  found.score += found.log_prob - seen;
  for (int32_t& token : found.tokens) token += kMarkersLess;
  return found;
}

decode::Results TranscribeNetwork::search(const nn::FrameBatch& frames, const decode::SearchConfig& config) {
  if (seq2seq_) {
    Seq2SeqStepper stepper(*seq2seq_, frames);
    std::vector<int64_t> lengths(frames.packing.order.size());
    for (size_t j = 0; j < lengths.size(); ++j)
      lengths[static_cast<size_t>(frames.packing.order[j])] = frames.packing.lengths[j];
    return decode::search(stepper, lengths, config);
  }
  const std::vector<std::vector<float>> all = transcriber_->log_probs(frames);
  decode::Results results(all.size());
  const int64_t work = frames.packing.rows() / std::max<int64_t>(1, frames.packing.batch_size()) * ctc_size_ *
                       std::max(config.beam_size, config.nbest) * 64;
  parallel_for(static_cast<int64_t>(all.size()), work, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      std::vector<decode::Hypothesis> found;
      if (config.beam_size == 1 && config.nbest == 1 && !config.fusion.scorer) {
        found = {decode::ctc_greedy(all[i], ctc_size_, nn::Transcriber::kBlank)};
      } else {
        found = decode::ctc_beam_search(all[i], ctc_size_, nn::Transcriber::kBlank, config.beam_size, config.nbest,
                                        config.fusion);
      }
      for (decode::Hypothesis& h : found) results[i].push_back(from_ctc(all[i], std::move(h)));
      std::stable_sort(results[i].begin(), results[i].end(),
                       [](const auto& a, const auto& b) { return a.score > b.score; });
    }
  });
  return results;
}

std::vector<float> TranscribeNetwork::places(const nn::FrameBatch& one, const std::vector<int32_t>& output,
                                             nn::Recorder* recorder) {
  if (seq2seq_) {
    Seq2SeqStepper stepper(*seq2seq_, one, recorder);
    return attention_of(stepper, output);
  }
  nn::Context ctx;
  ctx.recorder = recorder;
  const std::vector<float> log_probs = transcriber_->log_probs(ctx, one).front();
  const ops::CtcAlignment alignment = ops::ctc_align(log_probs, ctc_size_, to_ctc(output), nn::Transcriber::kBlank);
  std::vector<float> places(alignment.occupied.begin(), alignment.occupied.end());
  const size_t steps = places.size() / (output.size() + 1);
  for (size_t row = 0; row < places.size(); row += steps) {
    double sum = 0;
    for (size_t t = 0; t < steps; ++t) sum += alignment.occupied[row + t];
    for (size_t t = 0; t < steps; ++t)
      places[row + t] =
          static_cast<float>(sum > 0 ? alignment.occupied[row + t] / sum : 1.0 / static_cast<double>(steps));
  }
  return places;
}

const nn::RecurrentStack& TranscribeNetwork::stack() const {
  return seq2seq_ ? seq2seq_->encoder() : transcriber_->stack();
}

}  // namespace carousel::tasks
