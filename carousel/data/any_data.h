// Data of any kind, found out from the files as training does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/data/frames/frames.h"
#include "carousel/data/labels.h"
#include "carousel/data/pair_format.h"
#include "carousel/data/pairs.h"
#include "carousel/data/series.h"
#include "carousel/data/tags.h"

namespace carousel::data {

enum class DataKind { tags, labels, pairs, text, series, frames };
/// "tagged sentences", "labelled texts", "pairs", "running text", "series of numbers", "sequences of frames".
const char* name_of(DataKind kind);

/// What the user says of how data lie, whatever they hold.
struct DataReading {
  std::string columns = "auto";  ///< roles of a table's columns, with commas between; they tell what it holds
  std::string header = "auto";   ///< auto | yes | no: whether a table's first row names its columns
  std::string target = "auto";   ///< of CoNLL-U: the field that is learnt
  SeriesFormat series;           ///< of series; its columns and header are those above

  /// Adds the rows to the section that the caller has opened.
  void options(OptionTable& table);
  PairFormat of_pairs() const { return {columns, header}; }
  SeriesFormat of_series() const;
  /// Whether it says something that series alone have.
  bool is_of_series() const { return series.layout != "auto" || series.dates != "auto" || series.decimal != "auto"; }
};

/// What a table holds whose columns have such roles: token and tag; source and target; time, series, value and known;
/// text and label. Nothing for "auto". ConfigError where no role is one of these.
std::optional<DataKind> kind_of_columns(const std::string& columns);

/// What some files hold and how it lies in them. Of the plans the one of its kind is filled in.
struct DataPlan {
  DataKind kind = DataKind::pairs;
  std::string format;  ///< as the readers call it: "conllu", "lines", "tsv", "wide", ...
  std::string reason;  ///< "two tab-separated columns in all of the first 1,000 lines"
  TagPlan tags;
  LabelPlan labels;
  SeriesPlan series;  ///< of a folder of tables: of the first
  FramePlan frames;
  DataReading reading;

  /// How the tables of the same data are read: as `reading` says, and as the first one was found to be written.
  SeriesFormat of_series() const;
};

/// Looks at the beginning of `files` (of one data set). Throws DataError when they are of no known kind, and what the
/// readers refuse.
DataPlan plan_data(const std::vector<std::string>& files, const DataReading& reading, const ReadOptions& options);
/// How further files of the same data lie, say those of a dev set: `like` with what may differ between them.
DataPlan plan_more(const std::vector<std::string>& files, const DataPlan& like, const ReadOptions& options);

/// Pairs, labelled texts (the label is the target) and tagged sentences (as texts with blanks between); of the latter
/// `tags` becomes the sentences themselves. Only for these kinds.
PairData read_as_pairs(const std::vector<std::string>& files, const DataPlan& plan, const ReadOptions& options,
                       TagData& tags);

/// The one name that series have; ConfigError for several.
const std::string& only_name(const std::vector<std::string>& files);
/// The tables that are read for a name: itself, or those of a folder.
std::vector<std::string> tables_of(const std::string& name);

}  // namespace carousel::data
