#include "carousel/decode/search.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"

namespace carousel::decode {
namespace search_test {

constexpr int32_t kBos = 0, kEos = 1;
using Tokens = std::vector<int32_t>;
using LogProbs = std::vector<float>;

/// A model whose next-token distribution is any function of source and prefix. Checks that it is called as promised.
class ToyModel : public StepModel {
 public:
  using Function = std::function<LogProbs(int64_t source, const Tokens& prefix)>;
  ToyModel(int64_t sources, int64_t vocab_size, Function function)
      : sources_(sources), vocab_size_(vocab_size), function_(std::move(function)) {}

  int64_t num_sources() const override { return sources_; }
  int64_t vocab_size() const override { return vocab_size_; }
  int32_t bos() const override { return kBos; }
  int32_t eos() const override { return kEos; }
  void start() override {
    rows_.clear();
    for (int64_t i = 0; i < sources_; ++i) rows_.push_back({i, {}});
    steps = row_steps = 0;
  }
  void step(std::span<const int64_t> parents, std::span<const int32_t> tokens, float* log_probs) override {
    ++steps;
    row_steps += static_cast<int64_t>(parents.size());
    ASSERT_EQ(parents.size(), tokens.size());
    std::vector<Row> next;
    for (size_t i = 0; i < parents.size(); ++i) {
      ASSERT_LT(static_cast<size_t>(parents[i]), rows_.size());
      Row row = rows_[static_cast<size_t>(parents[i])];
      ASSERT_EQ(tokens[i] == kBos, steps == 1);
      ASSERT_NE(tokens[i], kEos);
      if (tokens[i] != kBos) row.prefix.push_back(tokens[i]);
      const LogProbs values = function_(row.source, row.prefix);
      std::copy(values.begin(), values.end(), log_probs + static_cast<int64_t>(i) * vocab_size_);
      next.push_back(std::move(row));
    }
    rows_ = std::move(next);
  }

  int64_t steps = 0, row_steps = 0;

 private:
  struct Row {
    int64_t source;
    Tokens prefix;
  };
  int64_t sources_, vocab_size_;
  Function function_;
  std::vector<Row> rows_;
};

/// Pseudo-random distributions: a pure function of (seed, source, prefix).
ToyModel::Function random_function(uint64_t seed, int64_t vocab_size) {
  return [=](int64_t source, const Tokens& prefix) {
    uint64_t name = mix(seed, static_cast<uint64_t>(source));
    for (const int32_t token : prefix) name = mix(name, static_cast<uint64_t>(token));
    Rng rng(name, 0);
    std::vector<double> logits;
    double sum = 0;
    for (int64_t v = 0; v < vocab_size; ++v) {
      logits.push_back(v == kBos ? -50.0 : 2.0 * static_cast<double>(rng.normal()));
      sum += std::exp(logits.back());
    }
    LogProbs out;
    for (const double logit : logits) out.push_back(static_cast<float>(logit - std::log(sum)));
    return out;
  };
}

/// All outputs of at most `max_length` tokens, ended ones first, best first.
std::vector<Hypothesis> enumerate(const ToyModel::Function& function, int64_t source, int64_t max_length,
                                  double alpha) {
  std::vector<Hypothesis> all;
  std::function<void(const Tokens&, double)> visit = [&](const Tokens& prefix, double log_prob) {
    const LogProbs values = function(source, prefix);
    const auto length = static_cast<int64_t>(prefix.size()) + 1;
    for (int32_t v = 0; v < static_cast<int32_t>(values.size()); ++v) {
      if (v == kBos) continue;
      const double total = log_prob + static_cast<double>(values[static_cast<size_t>(v)]);
      Tokens tokens = prefix;
      if (v != kEos) tokens.push_back(v);
      if (v == kEos || length == max_length) {
        all.push_back({tokens, total, total / length_penalty(length, alpha), v == kEos});
      } else {
        visit(tokens, total);
      }
    }
  };
  visit({}, 0);
  std::stable_sort(all.begin(), all.end(), [](const Hypothesis& a, const Hypothesis& b) {
    return a.ended != b.ended ? a.ended : a.score > b.score;
  });
  return all;
}

SearchConfig config_of(int64_t beam_size, int64_t max_length, int64_t nbest = 1, double alpha = 0) {
  SearchConfig config;
  config.beam_size = beam_size;
  config.nbest = nbest;
  config.length_penalty = alpha;
  config.max_length_factor = 0;
  config.max_length_extra = max_length;
  return config;
}

TEST(Search, BeamOfOneIsGreedy) {
  const bool holds = rc::check([] {
    const uint64_t seed = *rc::gen::arbitrary<uint64_t>();
    const int64_t vocab_size = *rc::gen::inRange(3, 8);
    const int64_t sources = *rc::gen::inRange(1, 5);
    const double alpha = *rc::gen::element(0.0, 0.6, 1.0);
    const std::vector<int64_t> lengths(static_cast<size_t>(sources), 1);
    ToyModel model(sources, vocab_size, random_function(seed, vocab_size));
    const SearchConfig config = config_of(1, *rc::gen::inRange(1, 12), 1, alpha);
    const Results greedy = greedy_search(model, lengths, config), beam = beam_search(model, lengths, config);
    for (size_t i = 0; i < greedy.size(); ++i) {
      RC_ASSERT(beam[i].size() == 1u);
      RC_ASSERT(beam[i][0].tokens == greedy[i][0].tokens);
      RC_ASSERT(beam[i][0].log_prob == greedy[i][0].log_prob);
      RC_ASSERT(beam[i][0].score == greedy[i][0].score);
      RC_ASSERT(beam[i][0].ended == greedy[i][0].ended);
    }
  });
  EXPECT_TRUE(holds);
}

TEST(Search, AFullBeamFindsTheBestOfAllOutputs) {
  const bool holds = rc::check([] {
    const uint64_t seed = *rc::gen::arbitrary<uint64_t>();
    const int64_t vocab_size = *rc::gen::inRange(2, 5);
    const int64_t max_length = *rc::gen::inRange(1, 6);
    const int64_t nbest = *rc::gen::inRange(1, 6);
    const double alpha = *rc::gen::element(0.0, 0.6, 1.0, 2.0);
    const auto function = random_function(seed, vocab_size);
    ToyModel model(2, vocab_size, function);
    const Results found = beam_search(model, std::vector<int64_t>{1, 1}, config_of(2000, max_length, nbest, alpha));
    for (int64_t source = 0; source < 2; ++source) {
      auto all = enumerate(function, source, max_length, alpha);
      const auto& results = found[static_cast<size_t>(source)];
      RC_ASSERT(results.size() == std::min(all.size(), static_cast<size_t>(nbest)));
      for (size_t i = 0; i < results.size(); ++i) {
        RC_ASSERT(results[i].tokens == all[i].tokens);
        RC_ASSERT(std::abs(results[i].score - all[i].score) < 1e-12);
        RC_ASSERT(std::abs(results[i].log_prob - all[i].log_prob) < 1e-12);
        RC_ASSERT(results[i].ended == all[i].ended);
      }
    }
  });
  EXPECT_TRUE(holds);
}

/// The search as its documentation says, for one source: all candidates, sorted, nothing clever.
std::vector<Hypothesis> plain_beam(const ToyModel::Function& function, const SearchConfig& config) {
  const auto width = static_cast<size_t>(std::max(config.beam_size, config.nbest));
  const auto better = [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; };
  std::vector<Hypothesis> open(1), finished;
  for (int64_t length = 1; length <= config.max_length(1) && !open.empty(); ++length) {
    std::vector<Hypothesis> candidates;
    for (const Hypothesis& hypothesis : open) {
      const LogProbs values = function(0, hypothesis.tokens);
      for (int32_t v = 0; v < static_cast<int32_t>(values.size()); ++v) {
        if (v == kBos) continue;
        Hypothesis next = hypothesis;
        next.log_prob += static_cast<double>(values[static_cast<size_t>(v)]);
        next.score = next.log_prob / length_penalty(length, config.length_penalty);
        next.ended = v == kEos;
        if (!next.ended) next.tokens.push_back(v);
        candidates.push_back(next);
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(), better);
    open.clear();
    for (size_t rank = 0; rank < std::min(candidates.size(), 2 * width); ++rank) {
      if (candidates[rank].ended && rank < width) finished.push_back(candidates[rank]);
      if (!candidates[rank].ended && open.size() < width) open.push_back(candidates[rank]);
    }
    std::stable_sort(finished.begin(), finished.end(), better);
    const auto last = static_cast<size_t>(config.nbest) - 1;
    if (finished.size() >= width && (open.empty() || open.front().score <= finished[last].score)) break;
  }
  finished.insert(finished.end(), open.begin(), open.end());
  finished.resize(std::min(finished.size(), static_cast<size_t>(config.nbest)));
  return finished;
}

TEST(Search, EarlyEndsOfFewSymbolsDoNotStopTheBestBeginning) {
  // Each of ten steps has one good symbol; the end is among the next best ones from the first step on.
  const auto function = [](int64_t, const Tokens& prefix) {
    const float good = std::log(0.9f), bad = std::log(0.05f);
    return prefix.size() < 10 ? LogProbs{-50, bad, good, bad} : LogProbs{-50, good, bad, bad};
  };
  ToyModel model(1, 4, function);
  SearchConfig config;
  for (const double penalty : {0.0, 1.0}) {
    config.length_penalty = penalty;
    EXPECT_EQ(beam_search(model, std::vector<int64_t>{1}, config)[0][0].tokens, Tokens(10, 2)) << penalty;
  }
}

TEST(Search, BeamsOfAnyWidthDoWhatTheirDocumentationSays) {
  const bool holds = rc::check([] {
    const uint64_t seed = *rc::gen::arbitrary<uint64_t>();
    const int64_t vocab_size = *rc::gen::inRange(3, 7);
    SearchConfig config = config_of(*rc::gen::inRange(1, 6), *rc::gen::inRange(1, 9), *rc::gen::inRange(1, 6),
                                    *rc::gen::element(0.0, 0.6, 1.0, 3.0));
    const auto function = random_function(seed, vocab_size);
    ToyModel model(1, vocab_size, function);
    const auto expected = plain_beam(function, config);
    const Results found = beam_search(model, std::vector<int64_t>{1}, config);
    RC_ASSERT(found[0].size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      RC_ASSERT(found[0][i].tokens == expected[i].tokens);
      RC_ASSERT(found[0][i].score == expected[i].score);
      RC_ASSERT(found[0][i].ended == expected[i].ended);
    }
  });
  EXPECT_TRUE(holds);
}

TEST(Search, BatchingDoesNotChangeResults) {
  const auto function = random_function(11, 6);
  const std::vector<int64_t> lengths = {1, 3, 2, 5, 1};
  SearchConfig config = config_of(3, 1, 3, 0.5);
  config.max_length_factor = 2;
  ToyModel together(5, 6, function);
  const Results all = search(together, lengths, config);
  for (int64_t i = 0; i < 5; ++i) {
    ToyModel alone(1, 6, [&](int64_t, const Tokens& prefix) { return function(i, prefix); });
    const auto one = search(alone, std::span(lengths).subspan(static_cast<size_t>(i), 1), config)[0];
    ASSERT_EQ(one.size(), all[static_cast<size_t>(i)].size());
    for (size_t n = 0; n < one.size(); ++n) {
      EXPECT_EQ(one[n].tokens, all[static_cast<size_t>(i)][n].tokens);
      EXPECT_EQ(one[n].score, all[static_cast<size_t>(i)][n].score);
    }
  }
}

/// Always the same distribution over {bos, eos, 2, 3, ...}.
ToyModel constant(int64_t sources, const std::vector<double>& probabilities) {
  LogProbs values;
  for (const double p : probabilities) values.push_back(static_cast<float>(std::log(p)));
  return ToyModel(sources, static_cast<int64_t>(probabilities.size()),
                  [values](int64_t, const Tokens&) { return values; });
}

TEST(Search, OutputsStopAtTheLengthOfTheirSource) {
  ToyModel model = constant(2, {0, 0.1, 0.9});
  SearchConfig config = config_of(1, 1);
  config.max_length_factor = 1.5;
  EXPECT_EQ(config.max_length(3), 6);
  for (const int64_t beam_size : {1, 2}) {
    config.beam_size = beam_size;
    const Results found = search(model, std::vector<int64_t>{1, 3}, config);
    EXPECT_EQ(found[0].size(), 1u);
    EXPECT_LE(found[0][0].tokens.size(), 3u);
    EXPECT_LE(found[1][0].tokens.size(), 6u);
    if (beam_size == 1) {
      EXPECT_FALSE(found[1][0].ended);
      EXPECT_EQ(found[1][0].tokens.size(), 6u);
      EXPECT_NEAR(found[1][0].log_prob, 6 * std::log(0.9), 1e-6);
    }
  }
}

TEST(Search, TheLengthPenaltyPrefersLongerOutputs) {
  EXPECT_DOUBLE_EQ(length_penalty(1, 0.7), 1.0);
  EXPECT_NEAR(length_penalty(7, 0.5), std::sqrt(2.0), 1e-15);
  // "" has probability 0.55; 2 2 2 has 0.45 with certain later steps.
  const auto function = [](int64_t, const Tokens& prefix) {
    const double go = prefix.empty() ? 0.45 : 1.0 - 1e-6, end = prefix.size() == 3 ? 1.0 - 1e-6 : 1e-6;
    if (prefix.size() == 3) return LogProbs{-100.0f, static_cast<float>(std::log(end)), -20.0f};
    return LogProbs{-100.0f, static_cast<float>(std::log(prefix.empty() ? 0.55 : end)),
                    static_cast<float>(std::log(go))};
  };
  ToyModel model(1, 3, function);
  EXPECT_TRUE(search(model, std::vector<int64_t>{1}, config_of(4, 10))[0][0].tokens.empty());
  EXPECT_EQ(search(model, std::vector<int64_t>{1}, config_of(4, 10, 1, 1.0))[0][0].tokens, (Tokens{2, 2, 2}));
}

TEST(Search, FinishedSourcesLeaveTheBatch) {
  const auto function = [](int64_t source, const Tokens& prefix) {
    const bool end = static_cast<int64_t>(prefix.size()) >= 3 * source;
    return LogProbs{-100.0f, end ? -0.01f : -9.0f, end ? -9.0f : -0.01f};
  };
  ToyModel model(3, 3, function);
  const Results found = search(model, std::vector<int64_t>{1, 1, 1}, config_of(1, 50));
  EXPECT_EQ(found[2][0].tokens.size(), 6u);
  EXPECT_EQ(model.row_steps, 1 + 4 + 7);
}

TEST(Search, StopsWhenNoOpenHypothesisCanWin) {
  ToyModel model = constant(1, {0, 0.6, 0.2, 0.2});
  const Results found = search(model, std::vector<int64_t>{1}, config_of(8, 1000));
  EXPECT_TRUE(found[0][0].tokens.empty());
  EXPECT_EQ(model.steps, 1);
}

TEST(Search, NbestWidensTheBeamAndIsSorted) {
  ToyModel model(1, 6, random_function(3, 6));
  const auto found = search(model, std::vector<int64_t>{1}, config_of(1, 30, 5))[0];
  ASSERT_EQ(found.size(), 5u);
  for (size_t i = 1; i < found.size(); ++i) EXPECT_GE(found[i - 1].score, found[i].score);
}

TEST(Search, ImpossibleTokensAreNeverProduced) {
  ToyModel model = constant(1, {0.9, 0.05, 0, 0.05});
  const Results found = search(model, std::vector<int64_t>{1}, config_of(4, 3, 4));
  for (const Hypothesis& hypothesis : found[0]) {
    for (const int32_t token : hypothesis.tokens) EXPECT_EQ(token, 3);
  }
}

bool repeats(const Tokens& tokens, int64_t n) {
  const auto length = static_cast<int64_t>(tokens.size());
  for (int64_t a = 0; a + n <= length; ++a)
    for (int64_t b = a + 1; b + n <= length; ++b)
      if (std::equal(tokens.begin() + a, tokens.begin() + a + n, tokens.begin() + b)) return true;
  return false;
}

TEST(Search, ConstraintsLeaveTheBestOfTheOutputsThatKeepThem) {
  const bool holds = rc::check([] {
    const uint64_t seed = *rc::gen::arbitrary<uint64_t>();
    const int64_t vocab_size = *rc::gen::inRange(4, 6);
    SearchConfig config = config_of(2000, *rc::gen::inRange(4, 6));
    config.min_length = *rc::gen::inRange(0, 4);
    config.no_repeat_ngram = *rc::gen::element(0, 2, 3);
    const auto function = random_function(seed, vocab_size);
    ToyModel model(1, vocab_size, function);
    const Hypothesis found = search(model, std::vector<int64_t>{1}, config)[0][0];
    for (const Hypothesis& best : enumerate(function, 0, config.max_length(1), 0)) {
      if (best.ended && static_cast<int64_t>(best.tokens.size()) < config.min_length) continue;
      if (config.no_repeat_ngram > 0 && repeats(best.tokens, config.no_repeat_ngram)) continue;
      RC_ASSERT(found.tokens == best.tokens);
      RC_ASSERT(std::abs(found.log_prob - best.log_prob) < 1e-12);
      break;
    }
    config.beam_size = 1;
    const Hypothesis greedy = search(model, std::vector<int64_t>{1}, config)[0][0];
    RC_ASSERT(!greedy.ended || static_cast<int64_t>(greedy.tokens.size()) >= config.min_length);
    RC_ASSERT(config.no_repeat_ngram == 0 || !repeats(greedy.tokens, config.no_repeat_ngram));
  });
  EXPECT_TRUE(holds);
}

TEST(Search, TheLeastLengthLiftsTheGreatest) {
  ToyModel model = constant(1, {0, 0.9, 0.1});
  SearchConfig config = config_of(1, 3);
  config.min_length = 5;
  for (const int64_t beam_size : {1, 3}) {
    config.beam_size = beam_size;
    const Hypothesis found = search(model, std::vector<int64_t>{1}, config)[0][0];
    EXPECT_EQ(found.tokens, (Tokens{2, 2, 2, 2, 2}));
    EXPECT_TRUE(found.ended);
  }
}

TEST(Search, AnOutputEndsWhereTheConstraintsLeaveNothingElse) {
  ToyModel model = constant(1, {0, 0.1, 0.5, 0.4});
  SearchConfig config = config_of(1, 30);
  config.min_length = 10;
  config.no_repeat_ngram = 1;
  for (const int64_t beam_size : {1, 3}) {
    config.beam_size = beam_size;
    const Hypothesis found = search(model, std::vector<int64_t>{1}, config)[0][0];
    EXPECT_EQ(found.tokens, (Tokens{2, 3}));
    EXPECT_TRUE(found.ended);
  }
}

TEST(Search, AnEmptyBatchHasNoResults) {
  ToyModel model = constant(0, {0.5, 0.5});
  EXPECT_TRUE(search(model, {}, config_of(1, 3)).empty());
  EXPECT_TRUE(search(model, {}, config_of(4, 3)).empty());
}

template <class E>
std::string search_error(ToyModel model, const SearchConfig& config, size_t lengths = 1) {
  try {
    search(model, std::vector<int64_t>(lengths, 1), config);
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(Search, DamagedModelsAreReported) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float never = -std::numeric_limits<float>::infinity();
  for (const int64_t beam_size : {1, 3}) {
    const ToyModel broken(1, 3, [=](int64_t, const Tokens& prefix) {
      return prefix.empty() ? LogProbs{-9.0f, -3.0f, -0.1f} : LogProbs{-9.0f, -1.0f, nan};
    });
    EXPECT_EQ(
        search_error<DivergedError>(broken, config_of(beam_size, 5)),
        "[decode] log-probabilities must be numbers up to 0; got nan for token 2 of hypothesis 0. The model's weights "
        "are damaged or its training diverged: train again with a lower learning_rate.");
    EXPECT_NE(search_error<DivergedError>(ToyModel(1, 3,
                                                   [](int64_t, const Tokens&) {
                                                     return LogProbs{0.0f, 7.0f, 0.0f};
                                                   }),
                                          config_of(beam_size, 5))
                  .find("got 7 for token 1"),
              std::string::npos);
    EXPECT_EQ(search_error<DivergedError>(ToyModel(1, 3,
                                                   [=](int64_t, const Tokens&) {
                                                     return LogProbs{0.0f, never, never};
                                                   }),
                                          config_of(beam_size, 5)),
              "[decode] some token must be possible; got probability 0 for all. The model's weights are damaged: train "
              "again or load another model.");
  }
}

TEST(Search, RefusesBadArguments) {
  const ToyModel model = constant(1, {0.5, 0.5});
  EXPECT_EQ(search_error<ShapeError>(model, config_of(1, 3), 2),
            "[decode] there must be one length per source; got 2 for 1 sources. Pass the lengths of this batch.");
  EXPECT_EQ(search_error<ConfigError>(model, config_of(0, 3)),
            "[decode] beam_size and nbest must be at least 1; got 0 and 1. Use 1 for one answer.");
  EXPECT_EQ(search_error<ConfigError>(model, config_of(1, 3, 1, -1)),
            "[decode] length_penalty must be at least 0; got -1. Use 0 for none.");
  SearchConfig negative = config_of(1, 3);
  negative.min_length = -1;
  EXPECT_EQ(search_error<ConfigError>(constant(1, {0.5, 0.5}), negative),
            "[decode] min_length and no_repeat_ngram must be at least 0; got -1 and 0. Use 0 to switch one off.");
}

/// A model that looks where a function says.
class LookingModel : public ToyModel {
 public:
  LookingModel(Function function, std::function<std::vector<float>(const Tokens&)> look)
      : ToyModel(1, 4, std::move(function)), look_(std::move(look)) {}
  void step(std::span<const int64_t> parents, std::span<const int32_t> tokens, float* log_probs) override {
    ToyModel::step(parents, tokens, log_probs);
    std::vector<Tokens> next;
    for (size_t i = 0; i < parents.size(); ++i) {
      next.push_back(steps == 1 ? Tokens() : prefixes_[static_cast<size_t>(parents[i])]);
      if (tokens[i] != kBos) next.back().push_back(tokens[i]);
    }
    prefixes_ = std::move(next);
    attention_.clear();
    for (const Tokens& prefix : prefixes_) attention_.push_back(look_(prefix));
  }
  std::span<const float> attention_of(int64_t row) const override { return attention_[static_cast<size_t>(row)]; }

 private:
  std::function<std::vector<float>(const Tokens&)> look_;
  std::vector<Tokens> prefixes_;
  std::vector<std::vector<float>> attention_;
};

TEST(CoveragePenalty, IsThatOfWuEtAl) {
  EXPECT_NEAR(coverage_penalty(std::vector<float>{0.5f, 2.0f, 0.25f}, 0.2), 0.2 * (std::log(0.5) + std::log(0.25)),
              1e-7);
  EXPECT_NEAR(coverage_penalty(std::vector<float>{0.0f}, 1), std::log(1e-6), 1e-9);
  EXPECT_EQ(coverage_penalty({}, 1), 0);
}

TEST(CoveragePenalty, RanksAnswersThatSawAllOfTheSourceHigher) {
  // "2" is more probable than "3", but after it the model still looks at the first of two positions.
  const auto function = [](int64_t, const Tokens& prefix) {
    return prefix.empty() ? LogProbs{-50, -50, std::log(0.6f), std::log(0.4f)} : LogProbs{-50, 0, -50, -50};
  };
  const auto look = [](const Tokens& prefix) {
    return prefix == Tokens{3} ? std::vector<float>{0.1f, 0.9f} : std::vector<float>{0.9f, 0.1f};
  };
  SearchConfig config;
  config.nbest = 2;
  LookingModel model(function, look);
  const std::vector<int64_t> lengths{2};
  EXPECT_EQ(beam_search(model, lengths, config)[0][0].tokens, Tokens{2});
  config.coverage_penalty = 0.5;
  const Results results = beam_search(model, lengths, config);
  ASSERT_EQ(results[0].size(), 2u);
  EXPECT_EQ(results[0][0].tokens, Tokens{3});
  EXPECT_NEAR(results[0][0].score, std::log(0.4), 1e-6) << "each position got 1";
  EXPECT_NEAR(results[0][0].log_prob, std::log(0.4), 1e-6);
  EXPECT_NEAR(results[0][1].score, std::log(0.6) + 0.5 * std::log(0.2), 1e-6);
  // Over a constrained model too.
  config.min_length = 1;
  EXPECT_EQ(search(model, lengths, config)[0][0].tokens, Tokens{3});
}

}  // namespace search_test
}  // namespace carousel::decode
