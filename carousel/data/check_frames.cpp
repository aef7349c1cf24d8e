#include "carousel/data/check_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/data/frames/audio_file.h"
#include "carousel/data/frames/frames.h"
#include "carousel/data/frames/readers.h"
#include "carousel/data/vocabulary.h"

namespace carousel::data {

namespace {

constexpr float kSilence = 1e-4F;       ///< 80 dB below full scale
constexpr float kFullScale = 0.9995F;   ///< the largest 12-bit value is below 1
constexpr int64_t kClippedRun = 3;      ///< samples at full scale that follow one another
constexpr double kClippedShare = 1e-3;  ///< of the samples in such runs

struct Sound {
  bool silent = true;
  bool clipped = false;
};

Sound listen(const std::vector<float>& samples) {
  Sound sound;
  int64_t run = 0, clipped = 0;
  const auto end_run = [&] {
    if (run >= kClippedRun) clipped += run;
    run = 0;
  };
  for (const float sample : samples) {
    sound.silent = sound.silent && std::fabs(sample) < kSilence;
    if (std::fabs(sample) >= kFullScale) {
      ++run;
    } else {
      end_run();
    }
  }
  end_run();
  sound.clipped = static_cast<double>(clipped) > kClippedShare * static_cast<double>(samples.size());
  return sound;
}

/// Of rate and values: a wav and a flac of one recording are equal.
std::string fingerprint(int64_t rate, const std::vector<float>& values) {
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return sha256(fmt::format("{} ", rate) + sha256(bytes));
}

/// Looks at all files, calls take(file, fingerprint) for each that can be read.
template <class Take>
void look_at_files(const std::vector<ListedFile>& files, const ReadOptions& options, RecordingsReport* report,
                   Take take) {
  for (const ListedFile& listed : files) {
    try {
      int64_t rate = 0, length = 0;
      std::vector<float> values;
      if (is_audio_name(listed.file)) {
        Audio audio = read_audio(listed.file);
        rate = audio.sample_rate;
        length = static_cast<int64_t>(audio.samples.size());
        values = std::move(audio.samples);
      } else {
        FrameExample example;
        read_npy(listed.file, example);
        length = example.length;
        values = std::move(example.values);
      }
      const std::string content = fingerprint(rate, values);
      if (report != nullptr) {
        const double size =
            rate > 0 ? static_cast<double>(length) / static_cast<double>(rate) : static_cast<double>(length);
        report->shortest = report->files == 0 ? size : std::min(report->shortest, size);
        report->longest = std::max(report->longest, size);
        report->total += size;
        ++report->files;
        report->arrays += rate == 0;
        if (rate > 0) {
          ++report->rates[rate];
          const Sound sound = listen(values);
          if (sound.silent) report->silent.add(listed.file);
          if (sound.clipped) report->clipped.add(listed.file);
        }
      }
      take(listed, content);
    } catch (const DataError& error) {
      options.bad_line(in_list(listed, error));
    }
  }
}

void set_labels(const SymbolCounts& counts, int64_t examples, DataReport& report) {
  report.labels = counts.symbols();
  std::stable_sort(report.labels.begin(), report.labels.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  report.target.name = "label";
  for (const auto& [label, count] : report.labels)
    if (count == 1) report.target.once.add(label);
  report.constant_target = examples > 1 && counts.size() == 1;
}

/// A sequence by where it stands and what it is called.
struct Named {
  std::string place, target;
};

/// What came before by its content, and what comes again.
class Contents {
 public:
  /// `alike` is how a place and that of its twin are told: "sounds as".
  explicit Contents(const char* alike) : alike_(alike) {}

  /// Another one of training.
  void add(const Named& one, const std::string& content, DataReport& report) {
    const auto [place, fresh] = seen_.try_emplace(content, one);
    if (fresh) return;
    const Named& twin = place->second;
    report.duplicates.add(
        fmt::format("{} {} {}{}", one.place, alike_, twin.place,
                    twin.target == one.target ? "" : fmt::format(", but is {} and not {}", one.target, twin.target)));
  }

  /// One of dev.
  void compare(const Named& one, const std::string& content, DataReport& report) {
    if (!one.target.empty() && !report.labels.empty()) strangers_.insert(one.target);
    const auto place = seen_.find(content);
    if (place == seen_.end()) return;
    ++report.dev.sources_in_train;
    report.dev.leaked.add(fmt::format("{} {} {}", one.place, alike_, place->second.place));
  }

  /// Fills in what only the whole tells.
  void finish(DataReport& report) {
    report.sources = static_cast<int64_t>(seen_.size());
    for (const auto& [label, count] : report.labels) strangers_.erase(label);
    for (const std::string& label : strangers_) report.target.unseen.add(label);
  }

 private:
  const char* alike_;
  std::map<std::string, Named> seen_;
  std::set<std::string> strangers_;  // labels of dev
};

void check_files(const std::string& file, const std::vector<std::string>& dev_files, const FramePlan& plan,
                 const ReadOptions& options, DataReport& report) {
  report.recordings.emplace();
  const std::vector<ListedFile> listed = list_frames(file, plan, {}, options);
  report.examples = static_cast<int64_t>(listed.size());
  if (!plan.transcripts && plan.format != "file" && plan.format != "transcripts" && plan.format != "names") {
    SymbolCounts counts;
    for (const ListedFile& one : listed) counts.add(one.target);
    set_labels(counts, report.examples, report);
  }
  Contents contents("sounds as");
  look_at_files(listed, options, &*report.recordings, [&](const ListedFile& one, const std::string& content) {
    contents.add({one.file, one.target}, content, report);
  });
  if (report.has_dev) {
    const std::vector<ListedFile> dev = list_frames(dev_files.front(), plan_frames(dev_files, {}), {}, options);
    report.dev.examples = static_cast<int64_t>(dev.size());
    look_at_files(dev, options, nullptr, [&](const ListedFile& one, const std::string& content) {
      contents.compare({one.file, one.target}, content, report);
    });
  }
  contents.finish(report);
}

/// Columns of the frames that hold one value in all sequences.
int64_t count_constant(const FrameSet& set) {
  if (set.examples.empty()) return 0;
  const auto width = static_cast<size_t>(set.width);
  const std::vector<float>& first = set.examples.front().values;
  std::vector<bool> constant(width, true);
  for (const FrameExample& example : set.examples)
    for (size_t i = 0; i < example.values.size(); ++i)
      if (example.values[i] != first[i % width]) constant[i % width] = false;
  return std::count(constant.begin(), constant.end(), true);
}

void check_sequences(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                     const FramePlan& plan, const ReadOptions& options, DataReport& report) {
  const auto named = [](const FrameSet& set, const FrameExample& one) {
    return Named{one.line > 0 ? fmt::format("{}:{}", set.file, one.line) : one.name, one.target};
  };
  const FrameSet set = read_frames(files, plan, {}, options);
  SequencesReport sequences;
  SymbolCounts counts;
  Contents contents("equals");
  for (const FrameExample& one : set.examples) {
    sequences.shortest = sequences.frames == 0 ? one.length : std::min(sequences.shortest, one.length);
    sequences.longest = std::max(sequences.longest, one.length);
    sequences.frames += one.length;
    if (!one.target.empty()) counts.add(one.target);
    contents.add(named(set, one), fingerprint(0, one.values), report);
  }
  sequences.width = set.width;
  sequences.constant_columns = count_constant(set);
  sequences.notes = set.notes;
  report.examples = static_cast<int64_t>(set.examples.size());
  report.sequences = std::move(sequences);
  set_labels(counts, report.examples, report);
  if (report.has_dev) {
    const FrameSet dev = read_frames(dev_files, plan_frames(dev_files, {}), {}, options);
    report.dev.examples = static_cast<int64_t>(dev.examples.size());
    for (const FrameExample& one : dev.examples) contents.compare(named(dev, one), fingerprint(0, one.values), report);
    if (dev.width != set.width)
      report.refusal =
          fmt::format("frames of dev must have {} numbers, as those of training; got {}", set.width, dev.width);
  }
  contents.finish(report);
}

}  // namespace

void check_frames(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                  const FramePlan& plan, const ReadOptions& options, DataReport& report) {
  report.has_dev = !dev_files.empty();
  if (plan.format == "ts" || plan.format == "idx") {
    check_sequences(files, dev_files, plan, options, report);
  } else {
    check_files(files.front(), dev_files, plan, options, report);
  }
}

}  // namespace carousel::data
