#include "carousel/nn/frame_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"

namespace carousel::nn {

namespace {

/// A stretch of at most `share` of `size`, anywhere in it.
struct Stretch {
  int64_t begin = 0, end = 0;
};

Stretch draw(Rng& rng, int64_t size, double share) {
  const auto most = static_cast<int64_t>(std::llround(share * static_cast<double>(size)));
  const auto length = static_cast<int64_t>(rng.below(static_cast<uint64_t>(most) + 1));
  const auto begin = static_cast<int64_t>(rng.below(static_cast<uint64_t>(size - length) + 1));
  return {begin, begin + length};
}

}  // namespace

FrameBatch FrameBatch::of(const std::vector<std::span<const float>>& sequences, int64_t width) {
  std::vector<int64_t> lengths;
  for (const auto& sequence : sequences) {
    const auto numbers = static_cast<int64_t>(sequence.size());
    if (width < 1 || numbers < width || numbers % width != 0)
      throw ShapeError(
          fmt::format("[frames] a sequence must hold whole frames of {} numbers, at least one; got {} "
                      "numbers. Check the reader.",
                      width, numbers));
    lengths.push_back(numbers / width);
  }
  FrameBatch batch;
  batch.packing = Packing::make(lengths);
  batch.values = Tensor::empty({batch.packing.rows(), width});
  float* const out = batch.values.data<float>();
  for (int64_t j = 0; j < batch.packing.batch_size(); ++j) {
    const auto place = static_cast<size_t>(j);
    const float* from = sequences[static_cast<size_t>(batch.packing.order[place])].data();
    for (int64_t t = 0; t < batch.packing.lengths[place]; ++t)
      std::copy_n(from + t * width, width, out + batch.packing.row(t, j) * width);
  }
  return batch;
}

void FrameNoise::options(OptionTable& table) {
  table.add("frame_noise", &frame_noise, "Deviation of noise that training adds to the numbers of frames.")
      .range(0, 10)
      .automatic();
  table.add("time_masks", &time_masks, "Stretches of time that training blanks in each sequence of frames.")
      .range(0, 100)
      .automatic();
  table.add("time_mask_share", &time_mask_share, "Longest of these stretches, as a share of the sequence.").range(0, 1);
  table.add("feature_masks", &feature_masks, "Bands of neighbouring numbers that training blanks in frames.")
      .range(0, 100)
      .automatic();
  table.add("feature_mask_share", &feature_mask_share, "Widest of these bands, as a share of the frame.").range(0, 1);
}

Tensor add_noise(Context& ctx, const FrameBatch& batch, const FrameNoise& noise) {
  const uint64_t stream = ctx.next_stream();
  if (!ctx.training) return batch.values;
  Tensor values = batch.values.clone();
  Rng rng(ctx.seed, stream);
  float* const x = values.data<float>();
  const int64_t width = values.dim(1);
  if (noise.frame_noise > 0)
    for (int64_t i = 0; i < values.numel(); ++i) x[i] += static_cast<float>(noise.frame_noise) * rng.normal();
  const Packing& packing = batch.packing;
  for (int64_t j = 0; j < packing.batch_size(); ++j) {
    const int64_t length = packing.lengths[static_cast<size_t>(j)];
    for (int64_t m = 0; m < noise.time_masks; ++m) {
      const Stretch s = draw(rng, length, noise.time_mask_share);
      for (int64_t t = s.begin; t < s.end; ++t) std::fill_n(x + packing.row(t, j) * width, width, 0.0F);
    }
    for (int64_t m = 0; m < noise.feature_masks; ++m) {
      const Stretch s = draw(rng, width, noise.feature_mask_share);
      for (int64_t t = 0; t < length; ++t) std::fill_n(x + packing.row(t, j) * width + s.begin, s.end - s.begin, 0.0F);
    }
  }
  return values;
}

}  // namespace carousel::nn
