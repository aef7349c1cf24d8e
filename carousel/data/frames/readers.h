// One function for each file format of frames; frames.h is what others call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/frames/frames.h"

namespace carousel::data {

/// A .ts file of the UCR/UEA archive (Bagnall et al. 2018): lines `@key value` and `# remark`, then `@data` and a
/// series a row. A missing value (`?`, NaN) lies on a straight line between its neighbours. Series without a label,
/// where the file says `@classLabel false`, have none.
FrameSet read_ts(const std::string& file, const ReadOptions& options);

/// The file of labels that belongs to one of images: the same name with labels for images and idx1 for idx3; "" where
/// there is none.
std::string labels_beside(const std::string& images);
/// True for the first bytes of an IDX file of two dimensions or more.
bool is_idx(const std::string& bytes);
/// Images of an IDX file, their rows as frames, and their labels from another; "": they have none.
FrameSet read_idx(const std::string& images, const std::string& labels);

/// An array of NumPy: [length] or [length, width], in .npy, or the only one in .npz. The values go to `example`; the
/// width is returned.
int64_t read_npy(const std::string& file, FrameExample& example);

/// Whether a name ends as a recording or an array does.
bool is_frame_file(const std::string& file);
/// Files of frames in a folder, sorted by name.
std::vector<std::string> frame_files(const std::string& folder);
/// What a name says without folder and ending, cut at a separator.
std::vector<std::string> name_parts(const std::string& file, char separator);

/// A row of a list.
struct ListedFile {
  std::string file, target, group;
  int64_t line = 0;
  std::string list = {};  ///< whose line it is; "" where no text names the file
  int64_t column = 0;     ///< of the file's name
};
/// What is wrong with a file, behind the place in the list that names it.
DataError in_list(const ListedFile& listed, const DataError& error);
/// What stands behind the path in a row of a list: a tab or, where the row has none and such a character follows the
/// name of a recording or an array, quoted or not, a comma or a semicolon.
char list_separator(const std::string& row);
/// Its cells without the blanks around them; none where a quote is not closed in the row.
std::vector<std::string> list_cells(const std::string& row, char separator);
/// Rows `path TAB target`; paths are relative to the folder of the list. A third column tells what belongs together.
/// With commas or semicolons, as the first row has it, there are two columns, and quotes as in a table.
std::vector<ListedFile> read_list(const std::string& file, const ReadOptions& options);
/// A table with a row of names, or an object of JSON a line, that names files.
struct FrameTable {
  char separator = '\0';                   ///< '{' for objects of JSON; 0: no such table
  std::vector<std::string> names;          ///< of columns or keys
  size_t path = 0, target = 0, group = 0;  ///< places in `names`; names.size(): none
  bool texts = false;                      ///< the target's name is one of texts
};
/// By the usual names of columns: one for paths, one for texts or labels, and maybe one for speakers.
FrameTable find_frame_table(const std::string& file, const std::string& first_line);
/// Paths are relative to the folder of the table. DataError (file:line:column) to options.bad_line: no path or target.
std::vector<ListedFile> read_frame_table(const std::string& file, const FrameTable& table, const ReadOptions& options);
/// Rows that are a path each.
std::vector<ListedFile> read_names(const std::string& file, const ReadOptions& options);
/// A folder, and the folders in it, of recordings or arrays with what they say: a text of the same name beside each
/// (.txt), whose folder is its group where there are several, or tables NAME.trans.txt of lines `NAME TEXT` (the layout
/// of LibriSpeech, Panayotov et al. 2015), where what stands before the first hyphen of a name is its group. A plan
/// without format: less than half of the recordings have a text, and there is no table.
FramePlan plan_transcripts(const std::string& folder);
/// DataError (to options.bad_line) for a recording without a text, a text that is empty or no UTF-8, and a line of a
/// table that names no recording.
std::vector<ListedFile> read_transcripts(const std::string& folder, const ReadOptions& options);
/// Recordings and texts.
std::vector<std::string> files_of_transcripts(const std::string& folder);
/// The files that a folder or a list of recordings or arrays names, or the one that it is, with their targets. `plan`
/// has a format of such.
std::vector<ListedFile> list_frames(const std::string& file, const FramePlan& plan, const FrameFormat& format,
                                    const ReadOptions& options);
/// Reads recordings and arrays.
FrameSet read_listed(const std::string& source, const std::vector<ListedFile>& files, const FrameFormat& format,
                     const ReadOptions& options);

}  // namespace carousel::data
