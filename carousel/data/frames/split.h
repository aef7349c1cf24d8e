// Cuts sequences with labels into parts that have the same labels, and sequences with texts.
#pragma once

#include <cstdint>
#include <vector>

#include "carousel/data/frames/frames.h"

namespace carousel::data {

/// Numbers the examples 0 .. parts - 1 so that each part has nearly the same share of each label; which part an example
/// gets depends on its name and the seed. Examples with a group get the part of their group.
std::vector<int64_t> equal_parts(const FrameSet& set, int64_t parts, uint64_t seed);

struct FrameSplit {
  std::vector<int64_t> train, dev;  ///< ascending
};
/// Cuts about `share` of each label off. Where examples have groups, whole groups. DataError when one side would be
/// empty.
FrameSplit cut_frames(const FrameSet& set, double share, uint64_t seed);
/// The same for targets that are texts: about `share` of all; one group for all is none.
FrameSplit cut_frames_with_texts(const FrameSet& set, double share, uint64_t seed);

}  // namespace carousel::data
