// What a look at data shows before any training: faults, duplicates, leaks between train and dev, lengths, inventories.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "carousel/data/any_data.h"
#include "carousel/data/config.h"
#include "carousel/data/pairs.h"

namespace carousel::data {

/// A kind of finding with its number and the first places of it.
struct Finding {
  int64_t count = 0;
  std::vector<std::string> examples;  ///< at most kExamples
  static constexpr size_t kExamples = 5;
  void add(const std::string& example);
};

/// One side of the pairs, in the symbols that training would use.
struct SideReport {
  std::string name;    ///< "source" or "target"; of labelled texts "text" or "label"; else "sentence" or "tag"
  std::string tokens;  ///< kind of its symbols and why
  int64_t symbols = 0;
  int64_t inventory = 0;
  Finding once;  ///< symbols that occur once: little can be learned of them
  int64_t length_min = 0, length_median = 0, length_99 = 0, length_max = 0;  ///< in symbols; 99th percentile
  int64_t longest_line = 0;
  Finding suspicious;  ///< lines with control characters, invisible characters or U+FFFD
  Finding unseen;      ///< symbols of the dev files that training data does not have
};

struct DevReport {
  int64_t examples = 0;
  int64_t sources_in_train = 0;  ///< dev examples whose source is in the training data too
  Finding leaked;                ///< those with the same target as well
};

/// Of a table of numbers.
struct SeriesReport {
  int64_t series = 0, values = 0, shortest = 0, longest = 0;
  int64_t period = 1;              ///< steps of a season, 1 for none
  std::string step;                ///< "1 hour"; "" without times
  int64_t tables = 1;              ///< files of a folder
  bool labelled = false;           ///< anomalies are marked, by a column or by windows
  int64_t anomalies = 0;           ///< windows, or runs of labelled rows
  int64_t dev_values = 0;          ///< of the dev files; in a run of leaked ones are those that training has too
  std::vector<std::string> notes;  ///< as SeriesSet has them
};

/// Of running text.
struct RunningTextReport {
  int64_t lines = 0, blank_lines = 0, words = 0, characters = 0;
  int64_t longest = 0, longest_line = 0;  ///< characters
  Finding suspicious;                     ///< lines with control characters, invisible characters or U+FFFD
  int64_t dev_long_lines = 0;             ///< of dev, so long that they hardly come twice; leaked are those of training
};

/// Of recordings and arrays.
struct RecordingsReport {
  int64_t files = 0;                            ///< that could be read
  int64_t arrays = 0;                           ///< of them no recordings
  double total = 0, shortest = 0, longest = 0;  ///< seconds; of arrays frames
  std::map<int64_t, int64_t> rates;             ///< Hz -> recordings
  Finding silent;                               ///< recordings nowhere louder than 80 dB below full scale
  Finding clipped;                              ///< recordings with more than a thousandth of their samples cut off
};

/// Of files that hold many sequences: .ts files and images.
struct SequencesReport {
  int64_t width = 0;                  ///< numbers in a frame
  int64_t frames = 0;                 ///< of all sequences
  int64_t shortest = 0, longest = 0;  ///< in frames
  int64_t constant_columns = 0;       ///< of the width: always one value
  std::vector<std::string> notes;     ///< as FrameSet has them
};

struct DataReport {
  std::string format;
  std::string reason;  ///< why that format
  int64_t examples = 0;
  int64_t blank_lines = 0;
  Finding faults;       ///< lines that training would refuse, each as its error text
  Finding duplicates;   ///< examples that repeat an earlier one exactly
  int64_t sources = 0;  ///< different ones
  Finding ambiguous;    ///< sources with several different targets
  bool constant_target = false;
  Finding too_long;     ///< examples with more than max_length symbols on a side: training leaves them out; of
                        ///< labelled texts it reads the beginning and the end
  std::string refusal;  ///< what training would say about the data as a whole, or ""
  SideReport source, target;
  /// Of labelled texts, most frequent first: they are pairs whose targets are whole symbols; of tagged sentences their
  /// tags. Empty for other pairs.
  std::vector<std::pair<std::string, int64_t>> labels;
  std::string scheme;  ///< of tagged sentences how tags mark spans, see TagScheme; else ""
  Finding illegal;     ///< tags that this scheme does not allow where they stand
  bool has_dev = false;
  DevReport dev;
  std::optional<SeriesReport> series;     ///< of numbers: all else but format, reason, faults and dev is empty then
  std::optional<RunningTextReport> text;  ///< all else but format, reason, faults and dev is empty then
  /// Of frames: sources are then recordings or sequences that differ, and of the rest there are faults, duplicates,
  /// labels and dev.
  std::optional<RecordingsReport> recordings;
  std::optional<SequencesReport> sequences;

  /// False when training on the data would be refused.
  bool sound() const { return faults.count == 0 && refusal.empty(); }
  /// {"schema": "carousel/data-check@1", ...} as JSON text.
  std::string to_json() const;
  /// The same in sentences, the most important first.
  std::vector<std::string> sentences() const;
  /// Those that a score cannot be trusted without, or that only a mistake explains: dev examples that training has too,
  /// texts with several labels, tags that their scheme does not allow.
  std::vector<std::string> warnings() const;
};

/// How closely check() looks: quick leaves out the symbols, lengths and what training would refuse.
enum class CheckDepth { quick, full };

/// Reads `files` (one data set) and, when not empty, `dev`, as `reading` says, and reports on them. Bad lines are
/// listed, not thrown; DataError for what concerns a whole file: unreadable, of no known format, aligned files of
/// unequal lengths.
DataReport check(const std::vector<std::string>& files, const std::vector<std::string>& dev, const DataConfig& config,
                 CheckDepth depth = CheckDepth::full, const DataReading& reading = {});

}  // namespace carousel::data
