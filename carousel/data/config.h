// Options of the data: how texts become symbols and how a dev set is cut.
#pragma once

#include <cstdint>
#include <string>

#include "carousel/base/options.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/pair_format.h"

namespace carousel::data {

struct DataConfig {
  PairFormat format;
  std::string source_tokens = "auto";  ///< auto | characters | words | bpe | unigram
  std::string target_tokens = "auto";  ///< auto | characters | words | bpe | unigram
  std::string shared_tokens = "auto";  ///< auto | on | off: one inventory of subwords for both sides
  std::string normalize = "auto";      ///< auto | none | nfc | nfd
  std::string source_case = "auto";    ///< auto | keep | lower | upper
  double subword_sampling = 0;         ///< exponent that cuts into unigram subwords are drawn by; 0: none are
  int64_t bpe_merges = 0;              ///< 0: chosen from the size of the data
  int64_t min_count = 1;               ///< symbols seen less often are unknown
  double dev_share = 0;                ///< share of the examples; 0: chosen from the size of the data
  std::string group = "source";        ///< source | stem
  int64_t max_length = 1000;           ///< symbols of a source or target
  int64_t max_line_bytes = int64_t{1} << 20;

  /// Adds the rows to the section that the caller has opened.
  void options(OptionTable& table);
  ReadOptions read_options() const;
};

}  // namespace carousel::data
