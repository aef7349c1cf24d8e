// Lines of columns with a token each, as the reader of tagged sentences and whoever recognises them see them.
#pragma once

#include <string_view>
#include <vector>

namespace carousel::data {

/// Of CoNLL-2003: such a line separates documents and holds no token.
inline constexpr std::string_view kDocumentStart = "-DOCSTART-";
inline constexpr size_t kConlluColumns = 10;

/// The cells of a line between separators; a blank stands for any run of white space. They point into the line.
std::vector<std::string_view> cells_of(std::string_view line, char separator);

/// What the first column of CoNLL-U says: 8, 8-9, 8.1, or nothing known.
enum class ConlluId { token, range, empty_node, none };
ConlluId conllu_id(std::string_view cell);
/// Which column holds a field of tag_targets().
size_t conllu_field(std::string_view target);

}  // namespace carousel::data
