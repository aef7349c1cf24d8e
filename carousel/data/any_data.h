// Data of any kind, found out from the files as training does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "carousel/data/config.h"
#include "carousel/data/frames/frames.h"
#include "carousel/data/labels.h"
#include "carousel/data/pairs.h"
#include "carousel/data/series.h"
#include "carousel/data/tags.h"

namespace carousel::data {

enum class DataKind { tags, labels, pairs, text, series, frames };
/// "tagged sentences", "labelled texts", "pairs", "running text", "series of numbers", "sequences of frames".
const char* name_of(DataKind kind);

/// What some files hold and how it lies in them. Of the plans the one of its kind is filled in.
struct DataPlan {
  DataKind kind = DataKind::pairs;
  std::string format;  ///< as the readers call it: "conllu", "lines", "tsv", "wide", ...
  std::string reason;  ///< "two tab-separated columns in all of the first 1,000 lines"
  TagPlan tags;
  LabelPlan labels;
  SeriesPlan series;  ///< of a folder of tables: of the first
  FramePlan frames;
};

/// How files hold tagged sentences, or labelled texts, when they can hardly be anything else.
std::optional<TagPlan> find_tags(const std::vector<std::string>& files, const ReadOptions& options);
std::optional<LabelPlan> find_labels(const std::vector<std::string>& files, const ReadOptions& options);

/// Looks at the beginning of `files` (of one data set). Throws DataError when they are of no known kind, and what the
/// readers refuse.
DataPlan plan_data(const std::vector<std::string>& files, const DataConfig& config, const ReadOptions& options);
/// How further files of the same data lie, say those of a dev set: `like` with what may differ between them.
DataPlan plan_more(const std::vector<std::string>& files, const DataPlan& like, const DataConfig& config,
                   const ReadOptions& options);

/// Pairs, labelled texts (the label is the target) and tagged sentences (as texts with blanks between); of the latter
/// `tags` becomes the sentences themselves. Only for these kinds.
PairData read_as_pairs(const std::vector<std::string>& files, const DataPlan& plan, const DataConfig& config,
                       const ReadOptions& options, TagData& tags);

/// The tables that are read for a name: itself, or those of a folder.
std::vector<std::string> tables_of(const std::string& name);

}  // namespace carousel::data
