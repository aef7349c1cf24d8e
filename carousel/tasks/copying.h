// Symbols of a source as symbols of its target: what a decoder may copy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/pairs.h"
#include "carousel/data/tokenizer.h"

namespace carousel::tasks {

/// A source, ready for the network.
struct SourceText {
  std::vector<int32_t> ids;
  /// Each position's symbol among those of targets: its id in the target vocabulary, or from the size of that on the
  /// number of an entry of `extras`. Empty where the model neither copies nor replaces unknown symbols.
  std::vector<int32_t> copies;
  std::vector<std::string> extras;  ///< symbols that the target vocabulary does not have
};

/// Encodes a source; with `copying`, also as symbols of targets. Subwords may be drawn by chance.
SourceText encode_source(const data::Tokenizer& source, const data::Tokenizer& target, std::string_view text,
                         bool copying, const data::SubwordSampling& sampling = {});

/// Ids of a target whose unknown symbols stand in its source: those of `from.extras`.
std::vector<int32_t> encode_target(const data::Tokenizer& target, std::string_view text, const SourceText& from,
                                   const data::SubwordSampling& sampling = {});

/// How much of the targets stands in their sources.
struct CopyShare {
  double in_source = 0;       ///< share of the target symbols that stand in their own source
  double in_other = 0;        ///< share that stands in the source of the example before: by chance
  double only_in_source = 0;  ///< share that stands in the own source and not in the target vocabulary
  double excess() const { return in_source - in_other; }
};
/// Over some pairs (indices into data.examples), of which some thousands are looked at.
CopyShare copy_share(const data::PairData& data, const std::vector<int64_t>& indices, const data::Tokenizer& source,
                     const data::Tokenizer& target);

}  // namespace carousel::tasks
