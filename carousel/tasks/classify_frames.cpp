#include "carousel/tasks/classify_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/frames/split.h"
#include "carousel/data/split.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/frame_reading.h"
#include "carousel/tasks/frames_model.h"
#include "carousel/tasks/frames_objective.h"

namespace carousel::tasks {

namespace {

/// What a model is built from, before frames are scaled.
struct Sides {
  data::FrameSet data, dev_data;  ///< dev_data has no examples where dev is a part of data
  std::vector<int64_t> train, dev;
  std::vector<int64_t> parts;  ///< of each example of data, when all of it is learnt from and dev by parts
};

void require_labels(const data::FrameSet& set) {
  std::map<std::string_view, int64_t> labels;
  for (const data::FrameExample& e : set.examples) {
    if (e.target.empty())
      throw DataError(set.file, e.line, e.column,
                      fmt::format("[classify] every sequence needs a label; got none for {}. Give one for each: in "
                                  "the file, in names, by folders or in a list.",
                                  e.name));
    ++labels[e.target];
  }
  if (labels.size() < 2)
    throw DataError(set.file, 0, 0,
                    fmt::format("[classify] sequences must have different labels to learn from; got {} for all {} of "
                                "them. Check the labels.",
                                labels.begin()->first, set.examples.size()));
}

void cut(Sides& sides, const ClassifyOptions& options, const Say& say) {
  const auto seed = static_cast<uint64_t>(options.trainer.seed);
  const auto count = static_cast<int64_t>(sides.data.examples.size());
  const bool grouped = options.frames.format.group_part > 0;
  if (options.members > 1) {
    sides.parts = data::equal_parts(sides.data, options.members, seed);
    sides.train = all_of(sides.data);
    say(
        fmt::format("dev: {} networks, each of which learns from all but its own part of the {} sequences{}; dev "
                    "scores are those of the parts held out",
                    options.members, count, grouped ? ", groups as a whole" : ""));
    return;
  }
  const double share = static_cast<double>(data::dev_size(count, options.dev_share)) / static_cast<double>(count);
  data::FrameSplit split = data::cut_frames(sides.data, share, seed);
  sides.train = std::move(split.train);
  sides.dev = std::move(split.dev);
  say(fmt::format("dev: {} of {} sequences cut from the data by seed {}, the same share of each label{}",
                  sides.dev.size(), count, seed, grouped ? ", groups as a whole" : ""));
}

Labels labels_of(const Sides& sides) {
  std::map<std::string, int64_t> counts;
  for (const int64_t i : sides.train) ++counts[sides.data.examples[static_cast<size_t>(i)].target];
  return Labels::of(counts);
}

data::FrameSet read(const std::vector<std::string>& files, ClassifyOptions& options, const Say& say, bool dev) {
  const data::FramePlan plan = data::plan_frames(files, options.frames.format);
  if (!dev && options.frames.format.image_frames != "rows" && plan.format != "idx")
    throw ConfigError(fmt::format(
        "[classify] image_frames says how images in the format of MNIST are read; got image_frames = {} for "
        "{}. Leave it out.",
        options.frames.format.image_frames, plan.reason));
  if (!dev) say(fmt::format("data: {}", plan.reason));
  data::FrameSet set = data::read_frames(files, plan, options.frames.format, options.read_options());
  for (const std::string& note : set.notes) say(note);
  if (!dev) {
    if (plan.label_part > 0) options.frames.format.label_part = plan.label_part;
    if (set.sample_rate > 0) options.frames.format.audio.sample_rate = set.sample_rate;
    require_labels(set);
  }
  return set;
}

}  // namespace

std::string recognise_frames(const std::vector<std::string>& files, const ClassifyOptions& options) {
  const data::FramePlan plan = data::plan_frames(files, options.frames.format);
  if (!plan.evident || plan.transcripts) return "";
  return plan.reason + (data::gives_texts(plan) ? "; --task transduce takes them for texts" : "");
}

TrainingJob build_frames(const TaskInput& input, ClassifyOptions& options, const Say& say) {
  Sides sides;
  sides.data = read(input.data, options, say, false);
  if (!input.dev.empty()) {
    sides.dev_data = read(input.dev, options, say, true);
    if (sides.dev_data.width != sides.data.width)
      throw DataError(sides.dev_data.file, 0, 0,
                      fmt::format("[classify] frames of dev must have {} numbers, as those of training; got {}. Give "
                                  "data of the same kind.",
                                  sides.data.width, sides.dev_data.width));
    sides.train = all_of(sides.data);
    sides.dev = all_of(sides.dev_data);
    say(fmt::format("dev: {} of {}", counted(static_cast<int64_t>(sides.dev.size()), "sequence"), input.dev.front()));
  }
  FrameSize size = measure_frames(sides.data, all_of(sides.data));
  size.held_out = !input.dev.empty();
  decide_reading(options, size);
  if (input.dev.empty()) cut(sides, options, say);
  FrameParts parts;
  parts.labels = labels_of(sides);
  say(fmt::format("labels: {}: {}", parts.labels.size(), parts.labels.list(10)));
  parts.scaling =
      data::FrameScaling::learn(sides.data, sides.train, options.frames.scaling, options.frames.stack_frames);
  size = measure_frames(sides.data, sides.train);
  size.mean_length /= static_cast<double>(options.frames.stack_frames);
  decide_frames(options, size);
  say(frames_sentence(options.frames, sides.data.width, size.mean_length));
  say(fmt::format("model: {}, {} pooling, projection to {}, dropout {}", network_text(options.model.stack),
                  options.model.pooling, options.model.embedding_size, options.model.stack.dropout));
  FrameSets sets;
  sets.train = scaled_examples(sides.data, sides.train, parts.scaling);
  sets.dev = scaled_examples(sides.dev_data.examples.empty() ? sides.data : sides.dev_data, sides.dev, parts.scaling);
  sets.parts = std::move(sides.parts);
  std::vector<std::string_view> names;
  for (const data::FrameExample& e : sets.train) names.emplace_back(e.target);
  parts.centroids =
      Centroids::learn(sets.train, numbers_of(parts.labels, names), parts.labels.size(), parts.scaling.width());
  parts.options = options;
  sides = {};
  auto model = std::make_unique<FrameModel>(std::move(parts), static_cast<uint64_t>(options.trainer.seed));
  TrainingJob job;
  job.trainer = options.trainer;
  job.train_examples = static_cast<int64_t>(sets.train.size());
  job.dev_examples = static_cast<int64_t>(sets.parts.empty() ? sets.dev.size() : sets.train.size());
  job.example = input.data.front();
  job.objective = make_frames_objective(*model, std::move(sets));
  job.model = std::move(model);
  return job;
}

}  // namespace carousel::tasks
