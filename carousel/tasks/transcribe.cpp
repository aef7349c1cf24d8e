#include "carousel/tasks/transcribe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "carousel/autograd/ops/ctc.h"
#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/choose.h"
#include "carousel/data/frames/split.h"
#include "carousel/data/split.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/frame_reading.h"
#include "carousel/tasks/transcribe_model.h"
#include "carousel/tasks/transcribe_objective.h"

namespace carousel::tasks {

namespace {

/// What a model is built from, before frames are scaled.
struct TranscriptSides {
  data::FrameSet data, dev_data;  ///< dev_data has no examples where dev is a part of data
  std::vector<int64_t> train, dev;

  const data::FrameExample& example(int64_t i) const { return data.examples[static_cast<size_t>(i)]; }
  const data::FrameSet& dev_set() const { return dev_data.examples.empty() ? data : dev_data; }
};

data::FrameSet read_side(const std::vector<std::string>& files, TransduceConfig& config, const Say& say, bool dev) {
  const data::FramePlan plan = data::plan_frames(files, config.frames.format);
  require_texts(files.front(), plan);
  if (!dev) say(fmt::format("data: {}", plan.reason));
  data::FrameSet set = data::read_frames(files, plan, config.frames.format, config.data.read_options());
  for (const std::string& note : set.notes) say(note);
  if (!dev && set.sample_rate > 0) config.frames.format.audio.sample_rate = set.sample_rate;
  return set;
}

TranscriptSides read(const TaskInput& input, TransduceConfig& config, const Say& say) {
  TranscriptSides sides;
  sides.data = read_side(input.data, config, say, false);
  const auto seed = static_cast<uint64_t>(config.trainer.seed);
  if (!input.dev.empty()) {
    sides.dev_data = read_side(input.dev, config, say, true);
    if (sides.dev_data.width != sides.data.width)
      throw DataError(sides.dev_data.file, 0, 0,
                      fmt::format("[transduce] frames of dev must have {} numbers, as those of training; got {}. Give "
                                  "data of the same kind.",
                                  sides.data.width, sides.dev_data.width));
    sides.train = all_of(sides.data);
    sides.dev = all_of(sides.dev_data);
    say(fmt::format("dev: {} of {}", counted(static_cast<int64_t>(sides.dev.size()), "sequence"), input.dev.front()));
    return sides;
  }
  const auto count = static_cast<int64_t>(sides.data.examples.size());
  const double share = static_cast<double>(data::dev_size(count, config.data.dev_share)) / static_cast<double>(count);
  data::FrameSplit split = data::cut_frames_with_texts(sides.data, share, seed);
  sides.train = std::move(split.train);
  sides.dev = std::move(split.dev);
  std::set<std::string> groups, held_out;
  for (const data::FrameExample& e : sides.data.examples) groups.insert(e.group);
  for (const int64_t i : sides.dev) held_out.insert(sides.example(i).group);
  say(fmt::format(
      "dev: {} of {} sequences cut from the data by seed {}{}", sides.dev.size(), count, config.trainer.seed,
      groups.size() > 1 ? fmt::format(", {} of {} groups as a whole", held_out.size(), groups.size()) : ""));
  return sides;
}

/// Subwords are learnt from so many words, and each must be heard often enough to be known.
constexpr int64_t kWordsForSubwords = 300000;

std::unique_ptr<data::Tokenizer> make_target(const TranscriptSides& sides, data::DataConfig& config, const Say& say) {
  std::vector<std::string_view> texts;
  int64_t words = 0;
  for (const int64_t i : sides.train) {
    texts.emplace_back(sides.example(i).target);
    words += static_cast<int64_t>(data::split_words(texts.back()).size());
  }
  data::TokenPlan plan = data::plan_tokens(texts, config, data::Side::target);
  if (config.target_tokens == "auto" && plan.kind == "bpe" && words < kWordsForSubwords) {
    config.target_tokens = "characters";
    plan = data::plan_tokens(texts, config, data::Side::target);
    plan.reason = fmt::format("target: characters, because {} words are too few to learn subwords from", words);
  }
  config.target_tokens = plan.kind;
  say(plan.reason);
  return data::make_tokenizer(texts, plan, config.min_count);
}

/// How many steps the training texts need, beside how many frames they have.
struct Room {
  struct Row {
    int64_t frames = 0, needed = 0, symbols = 0;
  };
  std::vector<Row> rows;  ///< by TranscriptSides::train

  double mean_symbols() const {
    double sum = 0;
    for (const Row& row : rows) sum += static_cast<double>(row.symbols);
    return sum / static_cast<double>(rows.size());
  }
  double share(int64_t stack) const {
    const auto fit = std::count_if(rows.begin(), rows.end(),
                                   [&](const Row& row) { return row.needed <= (row.frames + stack - 1) / stack; });
    return static_cast<double>(fit) / static_cast<double>(rows.size());
  }
};

Room look_at_room(const TranscriptSides& sides, const data::Tokenizer& target, bool ctc) {
  Room room;
  for (const int64_t i : sides.train) {
    const std::vector<int32_t> ids = target.encode(sides.example(i).target);
    room.rows.push_back(
        {sides.example(i).length, ctc ? ops::ctc_least_steps(ids) : 1, static_cast<int64_t>(ids.size())});
  }
  return room;
}

/// Leaves out what has no room for its text, or a text that is too long, and says so.
void leave_out(TranscriptSides& sides, Room& room, const TransduceConfig& config, const Say& say) {
  const int64_t stack = config.frames.stack_frames, most = config.data.max_length;
  std::vector<int64_t> kept;
  std::vector<Room::Row> rows;
  int64_t tight = 0, too_long = 0;
  std::string example, long_example;
  for (size_t k = 0; k < sides.train.size(); ++k) {
    const Room::Row& row = room.rows[k];
    const int64_t steps = (row.frames + stack - 1) / stack;
    const std::string& name = sides.example(sides.train[k]).name;
    if (row.symbols > most) {
      if (too_long++ == 0) long_example = name;
    } else if (row.needed > steps) {
      if (tight++ == 0) example = fmt::format("{} has {} for {}", name, counted(steps, "step"), row.needed);
    } else {
      kept.push_back(sides.train[k]);
      rows.push_back(row);
    }
  }
  const auto all = static_cast<int64_t>(sides.train.size());
  if (kept.empty())
    throw DataError(
        sides.data.file, 0, 0,
        tight > 0 ? fmt::format(
                        "[transduce] a sequence needs a step for each symbol of its text, and one more between equal "
                        "ones; got fewer in all {} of them: {}. Set {}a smaller frame_step, target_tokens = words, or "
                        "decoder = attention.",
                        all, example, stack > 1 ? fmt::format("stack_frames = 1 (now {}), ", stack) : "")
                  : fmt::format(
                        "[transduce] a text may have at most {} symbols (max_length); got more in all {} of them. Cut "
                        "the recordings into sentences, or raise max_length.",
                        most, all));
  if (tight > 0)
    say(fmt::format("data: {} fewer steps than the text needs and {} left out: {}",
                    counted(tight, "sequence has", "sequences have"), tight == 1 ? "is" : "are", example));
  if (too_long > 0)
    say(fmt::format("data: {} more than max_length = {} symbols and {} left out: {}{}",
                    counted(too_long, "text has", "texts have"), most, too_long == 1 ? "is" : "are", long_example,
                    too_long > 1 ? ", ..." : ""));
  sides.train = std::move(kept);
  room.rows = std::move(rows);
}

TextFramesSize measure(const TranscriptSides& sides, const Room& room, const TransduceConfig& config,
                       int64_t vocab_size) {
  TextFramesSize size;
  size.frames = measure_frames(sides.data, sides.train);
  size.frames.mean_length /= static_cast<double>(config.frames.stack_frames);
  size.target_vocab = vocab_size;
  size.mean_target_length = room.mean_symbols();
  for (const Room::Row& row : room.rows) {
    const int64_t beyond = row.symbols + 1 - config.search.max_length_extra;  // 1: the end marker
    const double steps = std::ceil(static_cast<double>(row.frames) / static_cast<double>(config.frames.stack_frames));
    size.length_factor = std::max(size.length_factor, static_cast<double>(beyond) / steps);
  }
  return size;
}

void find_usual(const TranscriptSides& sides, TranscribeParts& parts) {
  std::map<std::string_view, int64_t> counts;
  for (const int64_t i : sides.train) ++counts[sides.example(i).target];
  for (const auto& [text, count] : counts) {
    if (count <= parts.usual_count) continue;
    parts.usual = text;
    parts.usual_count = count;
  }
}

void warn_of_strangers(const TranscriptSides& sides, const data::Tokenizer& target, const Say& say) {
  std::set<std::string> unknown;
  int64_t texts = 0;
  for (const int64_t i : sides.dev) {
    const auto strangers = target.unknown_symbols(sides.dev_set().examples[static_cast<size_t>(i)].target);
    texts += !strangers.empty();
    unknown.insert(strangers.begin(), strangers.end());
  }
  if (unknown.empty()) return;
  say(fmt::format("dev: training never had {} of {}, such as {}; the model cannot write them",
                  counted(static_cast<int64_t>(unknown.size()), "symbol"), counted(texts, "text"),
                  data::clip_quoted(*unknown.begin())));
}

}  // namespace

std::string recognise_transcripts(const std::vector<std::string>& files, const TransduceConfig& config) {
  const data::FramePlan plan = data::plan_frames(files, config.frames.format);
  if (plan.format == "names") require_texts(files.front(), plan);  // or they would be taken for a text of paths
  if (!plan.evident || !plan.transcripts) return "";
  return plan.reason + (plan.format != "transcripts" ? "; --task classify takes them for labels" : "");
}

TrainingJob build_transcribe(const TaskInput& input, TransduceConfig& config, const Say& say) {
  if (config.decoder == "auto") config.decoder = "ctc";
  const bool ctc = config.decoder == "ctc";
  if (!ctc) config.model.check();
  TranscriptSides sides = read(input, config, say);
  TranscribeParts parts;
  parts.target = make_target(sides, config.data, say);
  Room room = look_at_room(sides, *parts.target, ctc);
  decide_reading(config, measure_frames(sides.data, sides.train), room.mean_symbols(),
                 [&](int64_t stack) { return room.share(stack); });
  leave_out(sides, room, config, say);
  parts.scaling = data::FrameScaling::learn(sides.data, sides.train, config.frames.scaling, config.frames.stack_frames);
  const TextFramesSize size = measure(sides, room, config, parts.target->vocabulary().size());
  decide_frames(config, size);
  say(frames_sentence(config.frames, sides.data.width, size.frames.mean_length));
  say(fmt::format("model: encoder of {}, decoder = {}, {} symbols, projection to {}, dropout {}",
                  network_text(config.model.stack), config.decoder,
                  parts.target->vocabulary().size() - data::Vocabulary::kMarkers, config.model.embedding_size,
                  config.model.stack.dropout));
  warn_of_strangers(sides, *parts.target, say);
  TranscribeSets sets;
  sets.train = scaled_examples(sides.data, sides.train, parts.scaling);
  sets.dev = scaled_examples(sides.dev_set(), sides.dev, parts.scaling);
  find_usual(sides, parts);
  parts.train_examples = static_cast<int64_t>(sets.train.size());
  parts.config = config;
  sides = {};
  auto model = std::make_unique<TranscribeModel>(std::move(parts), static_cast<uint64_t>(config.trainer.seed));
  TrainingJob job;
  job.trainer = config.trainer;
  job.train_examples = static_cast<int64_t>(sets.train.size());
  job.dev_examples = static_cast<int64_t>(sets.dev.size());
  job.example = sets.train.front().name;
  job.objective = make_transcribe_objective(*model, std::move(sets));
  job.model = std::move(model);
  return job;
}

}  // namespace carousel::tasks
