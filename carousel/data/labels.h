// Texts with one label each: the data of classification. A labelled text is a pair, its label the target.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/pairs.h"

namespace carousel::data {

/// What may be said about how labels and texts lie in a file; the rest is found out.
struct LabelFormat {
  std::string format = "auto";   ///< auto, or one of label_formats()
  std::string columns = "auto";  ///< roles of a table's columns, with commas between: text, label, _ (skipped)
  std::string header = "auto";   ///< auto | yes | no: whether a table's first row names its columns
  bool elsewhere = false;  ///< the roles are those of another file: where this one's first row names them, it wins

  /// Adds the rows to the section that the caller has opened.
  void options(OptionTable& table);
};

/// lines    each begins with its label: `__label__X text`, or `X text`
/// tsv, csv tables, see TableReader
/// jsonl    an object a line, with a text and a label under their usual names
/// aligned  two files, texts and labels line by line
std::vector<std::string> label_formats();

/// How some files are read as labelled texts.
struct LabelPlan {
  std::string format;                ///< one of label_formats()
  std::vector<std::string> columns;  ///< of a table: role of each; of aligned files: of each file
  bool header = false;
  bool evident = false;  ///< hardly anything but labelled texts: a reason to classify them
  std::string reason;    ///< "two tab-separated columns; the first holds 6 different labels"

  std::string columns_text() const;  ///< "label,text", or "auto" where there are none
  /// What a further file of the same data is read with: the same columns, unless it names its own, in
  /// whatever format it is.
  LabelFormat found() const { return {"auto", columns_text(), "auto", true}; }
};

/// Looks at the beginning of `files` (one, or two aligned ones). `otherwise` is the format where the file shows none
/// ("" when it must). Throws ConfigError for roles that make no sense, DataError when the format or the column of the
/// labels cannot be told, and what LineReader refuses.
LabelPlan plan_labels(const std::vector<std::string>& files, const LabelFormat& wanted, const ReadOptions& options,
                      const std::string& otherwise = "");

/// Reads all labelled texts: source the text, target the label, both without white space at their ends.
/// DataError (file:line): no or an empty label or text, several labels, another number of columns, an object without
/// text or label, and what LineReader refuses.
PairData read_labels(const std::vector<std::string>& files, const LabelPlan& plan, const ReadOptions& options);

}  // namespace carousel::data
