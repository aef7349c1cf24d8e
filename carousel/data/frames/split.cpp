#include "carousel/data/frames/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/base/text.h"

namespace carousel::data {

namespace {

/// What is cut as a whole, in an order that the seed shuffles; of each label, or all together.
using Units = std::map<std::string_view, std::vector<std::vector<int64_t>>>;

/// Targets that are texts are no labels to have the same share of, and one group for all says nothing.
bool one_group(const FrameSet& set) {
  return std::all_of(set.examples.begin(), set.examples.end(),
                     [&](const FrameExample& e) { return e.group == set.examples.front().group; });
}

Units units_of(const FrameSet& set, uint64_t seed, bool texts) {
  const bool grouped = !texts || !one_group(set);
  struct Unit {
    uint64_t order = 0;
    std::string_view label;
    std::vector<int64_t> examples;
  };
  std::map<std::string_view, Unit> units;  // by name of the example or of the group
  for (size_t i = 0; i < set.examples.size(); ++i) {
    const FrameExample& e = set.examples[i];
    const bool alone = e.group.empty() || !grouped;
    const std::string_view key = alone ? std::string_view(e.name) : std::string_view(e.group);
    Unit& unit = units[key];
    if (alone && !texts) unit.label = e.target;
    // Not by the folder, which may be moved.
    unit.order = mix(seed, hash_text(key.substr(key.rfind('/') + 1)));
    unit.examples.push_back(static_cast<int64_t>(i));
  }
  std::map<std::string_view, std::vector<const Unit*>> sorted;
  for (const auto& [key, unit] : units) sorted[unit.label].push_back(&unit);
  Units result;
  for (auto& [label, some] : sorted) {
    std::stable_sort(some.begin(), some.end(), [](const Unit* a, const Unit* b) { return a->order < b->order; });
    for (const Unit* unit : some) result[label].push_back(unit->examples);
  }
  return result;
}

}  // namespace

std::vector<int64_t> equal_parts(const FrameSet& set, int64_t parts, uint64_t seed) {
  std::vector<int64_t> numbers(set.examples.size());
  int64_t next = 0;
  for (const auto& [label, units] : units_of(set, seed, false))
    for (const auto& unit : units) {
      for (const int64_t i : unit) numbers[static_cast<size_t>(i)] = next % parts;
      ++next;
    }
  return numbers;
}

namespace {

FrameSplit cut(const FrameSet& set, const Units& by_label, double share) {
  FrameSplit split;
  for (const auto& [label, units] : by_label) {
    const auto count = static_cast<int64_t>(units.size());
    const int64_t off =
        count < 2 ? 0 : std::clamp<int64_t>(std::llround(share * static_cast<double>(count)), 1, count - 1);
    for (int64_t k = 0; k < count; ++k) {
      std::vector<int64_t>& side = k < off ? split.dev : split.train;
      const auto& unit = units[static_cast<size_t>(k)];
      side.insert(side.end(), unit.begin(), unit.end());
    }
  }
  if (split.dev.empty() || split.train.empty())
    throw DataError(set.file, 0, 0,
                    fmt::format("[data] cutting a dev set needs at least 2 sequences of a label, or 2 groups; got {} "
                                "in all. Add data, or give a dev file with --dev.",
                                counted(static_cast<int64_t>(set.examples.size()), "sequence")));
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.dev.begin(), split.dev.end());
  return split;
}

}  // namespace

FrameSplit cut_frames(const FrameSet& set, double share, uint64_t seed) {
  return cut(set, units_of(set, seed, false), share);
}

FrameSplit cut_frames_with_texts(const FrameSet& set, double share, uint64_t seed) {
  return cut(set, units_of(set, seed, true), share);
}

}  // namespace carousel::data
