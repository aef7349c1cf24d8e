#include "carousel/tasks/lab/problems.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"

namespace carousel::tasks::lab {

namespace {

constexpr int32_t kSymbols = 8;                              // of copy and delay
constexpr int32_t kBlank = kSymbols, kBegin = kSymbols + 1;  // of copy

void require_at_least(const char* problem, const char* what, int64_t got, int64_t least) {
  if (got >= least) return;
  throw ConfigError(
      fmt::format("[lab] {} of the {} problem must be at least {}; got {}. Raise it.", what, problem, least, got));
}

void require_distances(const char* problem, const std::vector<int64_t>& distances, int64_t least) {
  if (distances.empty())
    throw ConfigError(
        fmt::format("[lab] the {} problem needs a distance; got none. Name one, for example 50.", problem));
  for (const int64_t distance : distances) require_at_least(problem, "a distance", distance, least);
}

int64_t one_of(const std::vector<int64_t>& values, Rng& rng) {
  return values[static_cast<size_t>(rng.below(values.size()))];
}

int32_t symbol(Rng& rng) {
  return static_cast<int32_t>(rng.below(static_cast<uint64_t>(kSymbols)));
}

/// Frames of one column and wanted classes at each step, from one sequence after the other.
Problem spikes(std::string name, int64_t length, const std::function<void(Rng&, float*, int32_t*)>& draw_one) {
  Problem p;
  p.name = std::move(name);
  p.shape.input_size = 1;
  p.shape.outputs = 2;
  p.shape.classes = true;
  p.shape.pooling = "none";
  p.metric = "spike_f1";
  p.draw = [length, draw_one](Rng& rng, int64_t size) {
    nn::SequenceBatch batch;
    batch.lengths.assign(static_cast<size_t>(size), length);
    batch.frames = Tensor::zeros({size * length, 1});
    batch.classes.assign(static_cast<size_t>(size * length), 0);
    for (int64_t i = 0; i < size; ++i)
      draw_one(rng, batch.frames.data<float>() + i * length, batch.classes.data() + i * length);
    return batch;
  };
  return p;
}

}  // namespace

Problem adding_problem(int64_t length) {
  require_at_least("adding", "the length", length, 2);
  Problem p;
  p.name = "adding";
  p.shape.input_size = 2;
  p.metric = "mse";
  p.guessing = 1.0 / 6;  // two variances of 1/12
  p.lower_is_better = true;
  p.draw = [length](Rng& rng, int64_t size) {
    nn::SequenceBatch batch;
    batch.lengths.assign(static_cast<size_t>(size), length);
    batch.frames = Tensor::zeros({size * length, 2});
    batch.values = Tensor::zeros({size, 1});
    for (int64_t i = 0; i < size; ++i) {
      float* frame = batch.frames.data<float>() + i * length * 2;
      for (int64_t t = 0; t < length; ++t) frame[2 * t] = rng.uniform();
      const auto half = static_cast<uint64_t>(length / 2), rest = static_cast<uint64_t>(length) - half;
      const uint64_t first = rng.below(half), second = half + rng.below(rest);
      frame[2 * first + 1] = frame[2 * second + 1] = 1;
      batch.values.data<float>()[i] = frame[2 * first] + frame[2 * second];
    }
    return batch;
  };
  return p;
}

Problem copy_problem(const std::vector<int64_t>& distances, int64_t symbols) {
  require_at_least("copy", "symbols", symbols, 1);
  require_distances("copy", distances, symbols + 1);
  Problem p;
  p.name = "copy";
  p.shape.vocab_size = kSymbols + 2;
  p.shape.input_size = kSymbols + 2;
  p.shape.outputs = kSymbols;
  p.shape.classes = true;
  p.shape.pooling = "none";
  p.metric = "accuracy";
  p.guessing = 1.0 / kSymbols;
  p.draw = [distances, symbols](Rng& rng, int64_t size) {
    nn::SequenceBatch batch;
    for (int64_t i = 0; i < size; ++i) {
      const int64_t distance = one_of(distances, rng);
      std::vector<int32_t> in(static_cast<size_t>(distance + symbols), kBlank);
      std::vector<int32_t> out(in.size(), -1);
      for (size_t k = 0; k < static_cast<size_t>(symbols); ++k) {
        in[k] = symbol(rng);
        out[k + static_cast<size_t>(distance)] = in[k];
      }
      in[static_cast<size_t>(distance)] = kBegin;
      batch.lengths.push_back(static_cast<int64_t>(in.size()));
      batch.ids.insert(batch.ids.end(), in.begin(), in.end());
      batch.classes.insert(batch.classes.end(), out.begin(), out.end());
    }
    return batch;
  };
  return p;
}

Problem count_problem(int64_t period, int64_t length, int64_t most_gap) {
  require_at_least("count", "the period", period, 2);
  require_at_least("count", "the largest gap", most_gap, 1);
  require_at_least("count", "the length", length, period);
  return spikes("count", length, [=](Rng& rng, float* frame, int32_t* wanted) {
    int64_t pulses = 0;
    for (int64_t t = 0; t < length; t += 1 + static_cast<int64_t>(rng.below(static_cast<uint64_t>(most_gap)))) {
      frame[t] = 1;
      wanted[t] = ++pulses % period == 0 ? 1 : 0;
    }
  });
}

Problem rhythm_problem(int64_t period, int64_t length) {
  require_at_least("rhythm", "the period", period, 2);
  require_at_least("rhythm", "the length", length, 2 * period);
  return spikes("rhythm", length, [=](Rng& rng, float* frame, int32_t* wanted) {
    const auto start = static_cast<int64_t>(rng.below(static_cast<uint64_t>(period)));
    frame[start] = 1;
    for (int64_t t = start + period; t < length; t += period) wanted[t] = 1;
  });
}

Problem delay_problem(const std::vector<int64_t>& delays, int64_t length) {
  require_distances("delay", delays, 0);
  require_at_least("delay", "the length", length, 1);
  Problem p;
  p.name = "delay";
  p.shape.vocab_size = kSymbols;
  p.shape.input_size = kSymbols;
  p.shape.outputs = kSymbols;
  p.shape.heads = static_cast<int64_t>(delays.size());
  p.shape.classes = true;
  p.shape.pooling = "none";
  p.metric = "accuracy";
  p.guessing = 1.0 / kSymbols;
  p.draw = [delays, length](Rng& rng, int64_t size) {
    nn::SequenceBatch batch;
    batch.lengths.assign(static_cast<size_t>(size), length);
    for (int64_t i = 0; i < size; ++i) {
      const auto begin = static_cast<int64_t>(batch.ids.size());
      for (int64_t t = 0; t < length; ++t) {
        batch.ids.push_back(symbol(rng));
        for (const int64_t delay : delays)
          batch.classes.push_back(t < delay ? -1 : batch.ids[static_cast<size_t>(begin + t - delay)]);
      }
    }
    return batch;
  };
  return p;
}

DelayStream::DelayStream(std::vector<int64_t> delays, int64_t streams, uint64_t seed) : delays_(std::move(delays)) {
  require_distances("delay", delays_, 0);
  kept_ = 1 + *std::max_element(delays_.begin(), delays_.end());
  for (int64_t i = 0; i < streams; ++i) draws_.emplace_back(seed, static_cast<uint64_t>(i));
  rings_.assign(static_cast<size_t>(streams * kept_), 0);
}

nn::SequenceBatch DelayStream::next(int64_t length) {
  nn::SequenceBatch batch;
  batch.lengths.assign(draws_.size(), length);
  for (size_t i = 0; i < draws_.size(); ++i) {
    int32_t* ring = rings_.data() + static_cast<int64_t>(i) * kept_;
    for (int64_t t = drawn_; t < drawn_ + length; ++t) {
      ring[t % kept_] = symbol(draws_[i]);
      batch.ids.push_back(ring[t % kept_]);
      for (const int64_t delay : delays_) batch.classes.push_back(t < delay ? -1 : ring[(t - delay) % kept_]);
    }
  }
  drawn_ += length;
  return batch;
}

}  // namespace carousel::tasks::lab
