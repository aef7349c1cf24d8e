// Cuts a dev set from the data so that what belongs together stays on one side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/config.h"
#include "carousel/data/pairs.h"

namespace carousel::data {

/// Indices into PairData::examples, ascending. Both sides have at least one example.
struct Split {
  std::vector<int64_t> train;
  std::vector<int64_t> dev;
  int64_t groups = 0;
};

/// Cuts dev from `data` by config.dev_share and config.group. Groups are ordered by a hash of their key and the seed
/// and taken while they fit into the share, so neither the order of the lines nor most additions move an example to the
/// other side. DataError when there are fewer than two groups.
Split cut_dev(const PairData& data, const DataConfig& config, uint64_t seed);

/// Number of dev examples that the share asks for: `share` of `examples`, or for 0: 10 % of the first 20,000 and 5 % of
/// the rest, at most 4,000.
int64_t dev_size(int64_t examples, double share);

/// Joins words with a common stem without knowing the language: returns for every word the number of its family.
///
/// Letter case is ignored. The words are taken in sorted order, so that a word stands behind its beginnings (abandon,
/// abandoned, abandoning). A word joins the family of the nearest word before it with which it shares at least four
/// letters and all but at most the last letter of the shorter of the two (abase, abasing; carried, carry), unless one
/// of them is more than half as long again, plus two, as the shortest member of that family. Otherwise it begins a
/// family.
std::vector<int64_t> word_families(const std::vector<std::string_view>& words);

}  // namespace carousel::data
