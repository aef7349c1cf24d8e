// Sequences of numeric frames: sensor series, images read row by row, recordings as features. One target each, a label
// or a transcript.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/data/frames/audio_features.h"
#include "carousel/data/line_reader.h"

namespace carousel::data {

/// What may be said about how frames lie in files and what is read of them.
struct FrameFormat {
  int64_t label_part = 0;             ///< part of a recording's name that is its label, from 1; 0: found
  int64_t group_part = 0;             ///< part of a recording's name that tells what belongs together; 0: none
  std::string image_frames = "rows";  ///< rows | pixels: what of an image is a frame
  AudioFeatures audio;

  /// Adds the rows to the section that the caller has opened.
  void options(OptionTable& table);
  /// The same without the part that is a label: for texts.
  void options_of_texts(OptionTable& table);
};

/// ts          a file of the UCR/UEA archive: a series in each row, its dimensions separated by colons, its label last
/// idx         images and labels in two files in the format of MNIST; a row of an image is a frame, or each pixel
/// list        lines `path TAB target` or `path,target`: recordings or NPY files
/// table       the same with a row of names (CSV, TSV), or an object of JSON a line
/// recordings  a folder of recordings whose names say the labels
/// folders     a folder with a folder of recordings or NPY files for each label
/// transcripts a folder of recordings or NPY files with a text beside each, or tables of what they say
/// names       lines that name a recording or NPY file each, without a target
/// file        one recording or NPY file, without a target
std::vector<std::string> frame_formats();

/// How some files are read as frames.
struct FramePlan {
  std::string format;  ///< one of frame_formats()
  std::string reason;  ///< "a folder of 2,700 recordings; part 1 of their names is the label (10 different ones)"
  int64_t label_part = 0;
  char separator = '_';
  bool evident = false;      ///< hardly anything else
  bool transcripts = false;  ///< the targets are texts, and hardly labels
};

/// One sequence.
struct FrameExample {
  std::string name;           ///< where it comes from: "recordings/7_jackson_32.wav", "series 3"
  std::string target;         ///< "": none
  std::string group;          ///< what belongs together; "": nothing else
  int64_t line = 0;           ///< of the file that names it, from 1; 0: none does
  int64_t column = 0;         ///< there, of its label or else its name, in bytes from 1
  std::vector<float> values;  ///< [length, width], all finite
  int64_t length = 0;
};

struct FrameSet {
  std::string file;
  std::string format;
  std::vector<FrameExample> examples;
  int64_t width = 0;        ///< numbers in a frame, the same in all
  int64_t sample_rate = 0;  ///< of recordings, in Hz; 0: there are none
  std::vector<std::string> notes;
};

/// Whether what is planned gives each sequence a text as its target: a list, or a folder with texts.
bool gives_texts(const FramePlan& plan);

/// Looks at names and first bytes. A plan without format: these are no frames. Throws DataError where a folder of
/// recordings cannot be understood, ConfigError for parts of names that are not there.
FramePlan plan_frames(const std::vector<std::string>& files, const FrameFormat& wanted);

/// Reads all sequences. `format.audio.sample_rate` 0 takes that of the first recording; others are resampled to it.
/// DataError (file:line): what is no such file, has no frames, other widths, values that are not finite.
FrameSet read_frames(const std::vector<std::string>& files, const FramePlan& plan, const FrameFormat& format,
                     const ReadOptions& options);

/// Whether a folder has recordings or NPY files in it.
bool holds_frame_files(const std::string& folder);

/// The files whose bytes decide what read_frames() gives, for a name that is read as frames: of a folder or a list all
/// that are in it. Others: the name itself.
std::vector<std::string> files_of_frames(const std::string& name);

}  // namespace carousel::data
