// One function for each file format of frames; frames.h is what others call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
};
/// Rows `path TAB target`; paths are relative to the folder of the list. A third column tells what belongs together.
std::vector<ListedFile> read_list(const std::string& file, const ReadOptions& options);
/// The files that a folder or a list of recordings or arrays names, or the one that it is, with their targets. `plan`
/// has the format list, recordings, folders or file.
std::vector<ListedFile> list_frames(const std::string& file, const FramePlan& plan, const FrameFormat& format,
                                    const ReadOptions& options);
/// Reads recordings and arrays.
FrameSet read_listed(const std::string& source, const std::vector<ListedFile>& files, const FrameFormat& format,
                     const ReadOptions& options);

}  // namespace carousel::data
