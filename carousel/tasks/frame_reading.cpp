#include "carousel/tasks/frame_reading.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "carousel/base/error.h"
#include "carousel/base/text.h"

namespace carousel::tasks {

std::vector<int64_t> all_of(const data::FrameSet& set) {
  std::vector<int64_t> indices(set.examples.size());
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return indices;
}

void require_texts(const std::string& file, const data::FramePlan& plan) {
  if (data::gives_texts(plan)) return;
  throw DataError(file, 0, 0,
                  fmt::format("[transduce] each sequence of frames needs the text that it says; got {}. Give a list of "
                              "lines `path TAB text`, or a folder with a text beside each recording (a.wav, a.txt).",
                              plan.reason.empty() ? "none" : plan.reason));
}

data::FramePlan plan_unlabelled(const std::vector<std::string>& files, const data::FrameFormat& format) {
  std::error_code error;
  if (!std::filesystem::is_directory(files.front(), error) || !data::holds_frame_files(files.front()))
    return data::plan_frames(files, format);
  data::FramePlan plan;
  plan.format = "recordings";
  return plan;
}

data::FrameSet read_like_training(const std::vector<std::string>& files, const data::FramePlan& plan,
                                  const FrameOptions& options, const data::FrameScaling& scaling,
                                  const data::ReadOptions& read, const std::string& task,
                                  std::vector<std::string>& notes) {
  data::FrameSet set = data::read_frames(files, plan, options.format, read);
  if (set.width != scaling.columns())
    throw DataError(files.front(), 0, 0,
                    fmt::format("[{}] frames must have {} numbers, as those of the training data; got {}. Give "
                                "data of the same kind.",
                                task, scaling.columns(), set.width));
  notes.insert(notes.end(), set.notes.begin(), set.notes.end());
  return set;
}

data::FrameScaling load_scaling(const data::JsonObject& json, const FrameOptions& options) {
  data::FrameScaling s;
  s.kind = options.scaling;
  s.stack = options.stack_frames;
  s.mean = json.numbers("mean");
  s.deviation = json.numbers("deviation");
  if (s.mean.empty() || s.mean.size() > 65536 || s.mean.size() != s.deviation.size())
    json.fail("there must be columns, with a mean and a deviation for each",
              fmt::format("{} and {}", s.mean.size(), s.deviation.size()));
  for (size_t c = 0; c < s.mean.size(); ++c)
    if (!std::isfinite(s.mean[c]) || !(s.deviation[c] > 0) || !std::isfinite(s.deviation[c]))
      json.fail("means must be finite and deviations above 0", fmt::format("{} and {}", s.mean[c], s.deviation[c]));
  if (s.kind == "auto" || s.stack < 1) json.fail("the options must be decided", "automatic ones");
  return s;
}

std::vector<data::FrameExample> scaled_examples(const data::FrameSet& set, const std::vector<int64_t>& indices,
                                                const data::FrameScaling& scaling) {
  std::vector<data::FrameExample> examples;
  for (const int64_t i : indices) {
    examples.push_back(set.examples[static_cast<size_t>(i)]);
    scaling.apply(examples.back());
  }
  return examples;
}

std::string frames_sentence(const FrameOptions& options, int64_t columns, double mean_length) {
  const data::AudioFeatures& audio = options.format.audio;
  return fmt::format(
      "frames: {} numbers{}, {:.0f} steps on average{}, scaling = {}", columns,
      audio.sample_rate > 0
          ? fmt::format(" ({}) every {} ms of sound at {} Hz", audio.features, audio.frame_step, audio.sample_rate)
          : "",
      mean_length, options.stack_frames > 1 ? fmt::format(" of {} frames", options.stack_frames) : "", options.scaling);
}

std::string frames_text(const FrameOptions& options, int64_t columns) {
  const data::AudioFeatures& audio = options.format.audio;
  if (audio.sample_rate == 0) return counted(columns, "number");
  return fmt::format("{} numbers ({}) every {} ms, of sound at {} Hz", columns, audio.features, audio.frame_step,
                     audio.sample_rate);
}

}  // namespace carousel::tasks
