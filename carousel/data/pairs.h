// Pairs of texts, the data of string-to-string tasks, and the readers that make them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/line_reader.h"

namespace carousel::data {

/// A source and one target for it. Several examples with the same source are several references.
struct PairExample {
  std::string source;
  std::string target;
  int64_t line = 0;  ///< from 1
  int32_t file = 0;  ///< index into PairData::files
};

/// All pairs of one data set, in file order.
struct PairData {
  std::vector<PairExample> examples;
  std::vector<std::string> files;  ///< the file that line numbers count in (of two aligned files, the source's)
  int64_t blank_lines = 0;         ///< skipped
  std::string format;              ///< name of the reader, see registry.h
};

/// One file, two tab-separated columns per line. White space around a column is not part of it; blank lines are
/// skipped. DataError (file:line:column): another number of columns, an empty column, and what LineReader refuses.
PairData read_tsv_pairs(const std::string& file, const ReadOptions& options);

/// One file of lines `IN: source OUT: target`. DataError: a line of another form, an empty source or target, and what
/// LineReader refuses.
PairData read_in_out_pairs(const std::string& file, const ReadOptions& options);
bool is_in_out_line(std::string_view line);

/// Two files, line n of one belongs to line n of the other. Lines blank in both are skipped.
/// DataError: unequal numbers of lines (with both), a line blank in only one file, and what LineReader refuses.
PairData read_aligned_pairs(const std::string& source_file, const std::string& target_file, const ReadOptions& options);

/// Throws DataError when there is nothing to learn from: no example at all, or the same target in every example.
void require_learnable(const PairData& data);

/// Throws DataError when a dev set holds no example.
void require_dev(const PairData& dev);

/// Examples that share a source, in order of first use: one question with its references.
struct Question {
  std::string_view source;        ///< points into the PairData
  std::vector<int64_t> examples;  ///< indices into PairData::examples, in file order
};
/// Groups `indices` (into data.examples) by source text.
std::vector<Question> group_by_source(const PairData& data, const std::vector<int64_t>& indices);
/// Groups all examples by source text.
std::vector<Question> group_by_source(const PairData& data);

/// "train.tsv lines 12, 40, 41 (+61 more)" for messages about some examples.
std::string describe_examples(const PairData& data, const std::vector<int64_t>& indices, int64_t max_lines = 3);

}  // namespace carousel::data
