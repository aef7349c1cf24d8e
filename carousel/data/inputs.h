// What a table holds for a model to answer: the texts of one of its columns.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/line_reader.h"

namespace carousel::data {

/// How the column of inputs is known.
struct InputColumn {
  std::span<const std::string_view> usual;  ///< names for it
  std::vector<std::string> roles;           ///< of the columns of the training data, where they are known
  const char* role = "text";                ///< the input's among them
  bool header = false;                      ///< with `roles`: the first row holds names
};

/// The cells of the column of inputs of a .csv or .tsv table, or the values of that key of .jsonl objects, in order:
/// the one column whose name in the first row is usual; else, where a row has as many columns as there are roles, the
/// one with the role. None where the name of the file has another ending, or no column is known: its lines are inputs
/// themselves. DataError (file:line:column): a row of another width, an object without the key, and what TableReader
/// and LineReader refuse.
std::optional<std::vector<std::string>> read_inputs(const std::string& file, const InputColumn& wanted,
                                                    const ReadOptions& options);

}  // namespace carousel::data
