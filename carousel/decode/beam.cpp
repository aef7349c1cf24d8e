#include <algorithm>
#include <limits>
#include <tuple>

#include "carousel/base/error.h"
#include "carousel/decode/search.h"

namespace carousel::decode {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

/// One token of a hypothesis; the tokens before it follow the chain of parents. All hypotheses share one list of them.
struct Node {
  int64_t parent;  // -1: the first token
  int32_t token;
};

struct Open {
  int64_t node;  // last token, -1 before the first
  double log_prob;
  std::vector<float> attended = {};  // what each source position got; only with a coverage penalty
};

struct Candidate {
  double log_prob;
  int64_t row;
  int32_t token;
  bool operator<(const Candidate& other) const {  // better first
    return std::tie(other.log_prob, row, token) < std::tie(log_prob, other.row, other.token);
  }
};

struct Finished {
  int64_t node;
  double log_prob;
  double score;
};

/// The search state of one source.
struct Beam {
  size_t source;
  int64_t max_length;
  std::vector<Open> open;
  std::vector<Finished> finished;  // best first
};

class BeamSearch {
 public:
  BeamSearch(StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config)
      : model_(model),
        config_(config),
        width_(static_cast<size_t>(std::max(config.beam_size, config.nbest))),
        vocab_size_(static_cast<size_t>(model.vocab_size())),
        results_(source_lengths.size()) {
    for (size_t i = 0; i < source_lengths.size(); ++i) {
      beams_.push_back({i, config.max_length(source_lengths[i]), {Open{-1, 0.0}}, {}});
      parents_.push_back(static_cast<int64_t>(i));
      tokens_.push_back(model.bos());
    }
  }

  Results run() {
    model_.start();
    for (int64_t length = 1; !beams_.empty(); ++length) {
      log_probs_.resize(parents_.size() * vocab_size_);
      model_.step(parents_, tokens_, log_probs_.data());
      check_log_probs(log_probs_, static_cast<int64_t>(vocab_size_));
      if (config_.coverage_penalty > 0) note_attention();
      parents_.clear();
      tokens_.clear();
      size_t kept = 0;
      int64_t first_row = 0;
      for (size_t i = 0; i < beams_.size(); ++i) {
        const auto rows = static_cast<int64_t>(beams_[i].open.size());
        if (advance(beams_[i], first_row, length)) {
          if (kept != i) std::swap(beams_[kept], beams_[i]);
          ++kept;
        }
        first_row += rows;
      }
      beams_.resize(kept);
    }
    return std::move(results_);
  }

 private:
  /// The best 2 * width_ continuations of a beam whose rows begin at `first_row`, best first, in candidates_.
  void collect(const Beam& beam, int64_t first_row) {
    const size_t wanted = std::min(2 * width_, beam.open.size() * vocab_size_);
    candidates_.clear();
    double worst = kNever;  // of a full heap; its top is the worst
    for (size_t r = 0; r < beam.open.size(); ++r) {
      const int64_t row = first_row + static_cast<int64_t>(r);
      const float* choices = log_probs_.data() + static_cast<size_t>(row) * vocab_size_;
      for (size_t v = 0; v < vocab_size_; ++v) {
        const double log_prob = beam.open[r].log_prob + static_cast<double>(choices[v]);
        if (!(log_prob > worst) || static_cast<int32_t>(v) == model_.bos()) continue;
        if (candidates_.size() == wanted) {
          std::pop_heap(candidates_.begin(), candidates_.end());
          candidates_.pop_back();
        }
        candidates_.push_back({log_prob, row, static_cast<int32_t>(v)});
        std::push_heap(candidates_.begin(), candidates_.end());
        if (candidates_.size() == wanted) worst = candidates_.front().log_prob;
      }
    }
    std::sort_heap(candidates_.begin(), candidates_.end());
  }

  /// Takes one step of a beam whose outputs now have `length` tokens. False when its source is done.
  bool advance(Beam& beam, int64_t first_row, int64_t length) {
    collect(beam, first_row);
    const bool last = length >= beam.max_length;
    const double penalty = length_penalty(length, config_.length_penalty);
    const double last_penalty = length_penalty(beam.max_length, config_.length_penalty);
    std::vector<Open>& before = beam.open;
    after_.clear();
    for (size_t rank = 0; rank < candidates_.size() && after_.size() < width_; ++rank) {
      const Candidate& candidate = candidates_[rank];
      const Open& from = before[static_cast<size_t>(candidate.row - first_row)];
      if (candidate.token == model_.eos()) {
        if (rank < width_) finish(beam, {from.node, candidate.log_prob, score_of(candidate.log_prob, penalty, from)});
        continue;
      }
      nodes_.push_back({from.node, candidate.token});
      after_.push_back({static_cast<int64_t>(nodes_.size()) - 1, candidate.log_prob, from.attended});
      parents_.push_back(candidate.row);
      tokens_.push_back(candidate.token);
    }
    before.swap(after_);
    // Probabilities only fall, length penalties only grow and coverage penalties are at most 0, so no continuation of
    // an open hypothesis scores more than the best of them would with the last length penalty.
    // Enough have finished: those may be early ends of few symbols, so what is still better goes on.
    const bool enough =
        !before.empty() && beam.finished.size() >= width_ && before.front().log_prob / penalty <= entry_score(beam);
    const bool done = last || before.empty() || enough || before.front().log_prob / last_penalty <= entry_score(beam);
    if (!done) return true;
    parents_.resize(parents_.size() - before.size());
    tokens_.resize(tokens_.size() - before.size());
    conclude(beam, penalty);
    return false;
  }

  /// Adds where the open hypotheses looked in the step just made.
  void note_attention() {
    int64_t row = 0;
    for (Beam& beam : beams_) {
      for (Open& open : beam.open) {
        const std::span<const float> weights = model_.attention_of(row++);
        open.attended.resize(weights.size());
        for (size_t s = 0; s < weights.size(); ++s) open.attended[s] += weights[s];
      }
    }
  }

  double score_of(double log_prob, double penalty, const Open& open) const {
    return log_prob / penalty + coverage_penalty(open.attended, config_.coverage_penalty);
  }

  /// Score that a hypothesis must pass to be among the n best.
  double entry_score(const Beam& beam) const {
    const auto nbest = static_cast<size_t>(config_.nbest);
    return beam.finished.size() < nbest ? kNever : beam.finished[nbest - 1].score;
  }

  static void finish(Beam& beam, const Finished& hypothesis) {
    const auto place = std::upper_bound(beam.finished.begin(), beam.finished.end(), hypothesis,
                                        [](const Finished& a, const Finished& b) { return a.score > b.score; });
    beam.finished.insert(place, hypothesis);
  }

  void conclude(const Beam& beam, double penalty) {
    std::vector<Hypothesis>& found = results_[beam.source];
    const auto nbest = static_cast<size_t>(config_.nbest);
    for (const Finished& hypothesis : beam.finished) {
      if (found.size() == nbest) break;
      found.push_back({tokens_of(hypothesis.node), hypothesis.log_prob, hypothesis.score, true});
    }
    for (const Open& open : beam.open) {
      if (found.size() == nbest) break;
      found.push_back({tokens_of(open.node), open.log_prob, score_of(open.log_prob, penalty, open), false});
    }
    if (found.empty()) {
      throw DivergedError(
          "[decode] some token must be possible; got probability 0 for all. The model's weights are "
          "damaged: train again or load another model.");
    }
  }

  std::vector<int32_t> tokens_of(int64_t node) const {
    std::vector<int32_t> tokens;
    for (; node >= 0; node = nodes_[static_cast<size_t>(node)].parent) {
      tokens.push_back(nodes_[static_cast<size_t>(node)].token);
    }
    std::reverse(tokens.begin(), tokens.end());
    return tokens;
  }

  StepModel& model_;
  const SearchConfig& config_;
  size_t width_;
  size_t vocab_size_;
  Results results_;
  std::vector<Beam> beams_;
  std::vector<Node> nodes_;
  std::vector<int64_t> parents_;
  std::vector<int32_t> tokens_;
  std::vector<float> log_probs_;
  std::vector<Candidate> candidates_;
  std::vector<Open> after_;
};

}  // namespace

Results beam_search(StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config) {
  check_search(model, source_lengths, config);
  return BeamSearch(model, source_lengths, config).run();
}

}  // namespace carousel::decode
