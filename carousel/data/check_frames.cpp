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

void set_labels(const std::vector<ListedFile>& files, DataReport& report) {
  SymbolCounts counts;
  for (const ListedFile& file : files) counts.add(file.target);
  report.labels = counts.symbols();
  std::stable_sort(report.labels.begin(), report.labels.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  report.target.name = "label";
  for (const auto& [label, count] : report.labels)
    if (count == 1) report.target.once.add(label);
  report.constant_target = files.size() > 1 && counts.size() == 1;
}

}  // namespace

bool check_frames(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                  const ReadOptions& options, DataReport& report) {
  if (files.size() != 1) return false;
  const FramePlan plan = plan_frames(files, {});
  if (plan.format == "ts" || plan.format == "idx")
    throw UnsupportedError(
        fmt::format("[data] the check reads texts, tables of numbers and recordings; got {}: {}. Train on it: training "
                    "names what is wrong.",
                    files.front(), plan.reason));
  const bool named_by_a_table = plan.format == "table" && plan.evident;
  if (plan.format != "list" && plan.format != "recordings" && plan.format != "folders" && plan.format != "file" &&
      plan.format != "transcripts" && !named_by_a_table)
    return false;
  report.format = plan.format;
  report.reason = plan.reason;
  report.recordings.emplace();
  const std::vector<ListedFile> listed = list_frames(files.front(), plan, {}, options);
  report.examples = static_cast<int64_t>(listed.size());
  const bool labelled = !plan.transcripts && plan.format != "file" && plan.format != "transcripts";
  if (labelled) set_labels(listed, report);
  std::map<std::string, ListedFile> seen;  // by content
  look_at_files(listed, options, &*report.recordings, [&](const ListedFile& file, const std::string& content) {
    const auto [place, fresh] = seen.try_emplace(content, file);
    if (fresh) return;
    const bool agree = place->second.target == file.target;
    report.duplicates.add(
        fmt::format("{} sounds as {}{}", file.file, place->second.file,
                    agree ? "" : fmt::format(", but is {} and not {}", file.target, place->second.target)));
  });
  report.sources = static_cast<int64_t>(seen.size());
  report.has_dev = !dev_files.empty();
  if (!report.has_dev) return true;
  const FramePlan dev_plan = plan_frames(dev_files, {});
  const std::vector<ListedFile> dev = list_frames(dev_files.front(), dev_plan, {}, options);
  report.dev.examples = static_cast<int64_t>(dev.size());
  std::set<std::string> known;
  for (const auto& [label, count] : report.labels) known.insert(label);
  std::set<std::string> unseen;
  look_at_files(dev, options, nullptr, [&](const ListedFile& file, const std::string& content) {
    if (!known.empty() && !known.contains(file.target)) unseen.insert(file.target);
    const auto place = seen.find(content);
    if (place == seen.end()) return;
    ++report.dev.sources_in_train;
    report.dev.leaked.add(fmt::format("{} sounds as {}", file.file, place->second.file));
  });
  for (const std::string& label : unseen) report.target.unseen.add(label);
  return true;
}

}  // namespace carousel::data
