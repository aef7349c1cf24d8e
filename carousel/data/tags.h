// Sentences with a tag for each token: the data of tagging.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/pairs.h"

namespace carousel::data {

/// What may be said about how tokens and tags lie in a file; the rest is found out.
struct TagFormat {
  std::string format = "auto";   ///< auto, or one of tag_formats()
  std::string columns = "auto";  ///< roles of columns, with commas between: token, tag, _ (skipped)
  std::string target = "auto";   ///< of CoNLL-U: the field that is learnt, one of tag_targets(); auto: upos

  /// Adds the rows to the section that the caller has opened.
  void options(OptionTable& table);
};

/// conllu    ten tab-separated columns, as of universaldependencies.org
/// columns   a token a line with its tag, between tabs or blanks; a blank line ends a sentence
/// folder    a folder with seq.in (sentences), seq.out (their tags) and, when it has one, label (their intents)
std::vector<std::string> tag_formats();
/// Fields of CoNLL-U that can be tags.
std::vector<std::string> tag_targets();

struct TaggedSentence {
  std::vector<std::string> tokens, tags;  ///< equally many, at least one; none is empty
  std::vector<int64_t> lines;             ///< of each token, from 1
  std::vector<int64_t> columns;           ///< where in that line its tag begins; the token, if tags are another file
  std::string intent;                     ///< what the whole sentence asks for; "" where the data names none
};

/// All sentences of one data set, in file order.
struct TagData {
  std::string file;  ///< that line numbers count in
  std::vector<TaggedSentence> sentences;

  bool has_intents() const { return !sentences.empty() && !sentences.front().intent.empty(); }
  int64_t num_tokens() const;
  /// Tokens and tags as pairs of texts with blanks between, for those who cut, compare and name examples.
  PairData pairs() const;
  /// The tags of each sentence.
  std::vector<std::vector<std::string>> tags() const;
};

/// How some files are read as tagged sentences.
struct TagPlan {
  std::string format;                ///< one of tag_formats()
  std::vector<std::string> columns;  ///< of `columns`: role of each
  bool tabs = false;                 ///< of `columns`: tabs separate, and not runs of blanks
  std::string target;                ///< of `conllu`
  bool evident = false;              ///< hardly anything but tagged sentences
  std::string reason;                ///< "ten tab-separated columns of CoNLL-U; upos is learnt"

  std::string columns_text() const;  ///< "token,_,tag", or "auto" where there are none
};

/// Looks at the beginning of `files` (one file or folder). `otherwise` is the format where the file shows none ("" when
/// it must). Throws ConfigError for roles that make no sense, DataError when the format or the columns cannot be told,
/// and what LineReader refuses.
TagPlan plan_tags(const std::vector<std::string>& files, const TagFormat& wanted, const ReadOptions& options,
                  const std::string& otherwise = "");

/// Reads all sentences. Of CoNLL-U comments, ranges of tokens (1-2) and empty nodes (8.1) are skipped, of columns
/// -DOCSTART- lines. DataError (file:line:column): another number of columns, an empty token or tag, a token without
/// tag in a folder, unequal numbers of lines, and what LineReader refuses.
TagData read_tags(const std::vector<std::string>& files, const TagPlan& plan, const ReadOptions& options);

/// The files that are read for a name: itself, or of a folder the ones above.
std::vector<std::string> files_behind(const std::string& name);

/// Throws DataError when there is nothing to learn from: no sentence at all, or one tag only.
void require_taggable(const TagData& data);

}  // namespace carousel::data
