// The report of data checks as JSON and in sentences.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "carousel/base/text.h"
#include "carousel/data/check.h"

namespace carousel::data {

namespace {

using Json = nlohmann::ordered_json;

Json report_json(const Finding& finding) {
  return {{"count", finding.count}, {"examples", finding.examples}};
}

Json report_json(const SideReport& side) {
  return {{"tokens", side.tokens},
          {"symbols", side.symbols},
          {"inventory", side.inventory},
          {"symbols_seen_once", report_json(side.once)},
          {"length",
           {{"min", side.length_min},
            {"median", side.length_median},
            {"percentile_99", side.length_99},
            {"max", side.length_max},
            {"longest_line", side.longest_line}}},
          {"suspicious_lines", report_json(side.suspicious)},
          {"unseen_in_dev", report_json(side.unseen)}};
}

/// "3 lines are bad: a; b; ...".
std::string sentence(const Finding& finding, const std::string& one, const std::string& many) {
  std::string text = counted(finding.count, one, many);
  text += fmt::format(": {}", fmt::join(finding.examples, "; "));
  if (finding.count > static_cast<int64_t>(finding.examples.size())) text += "; ...";
  return text;
}

void describe_side(const SideReport& side, std::vector<std::string>& out) {
  if (side.symbols == 0) return;
  out.push_back(fmt::format("{}: {} of {}; lengths {} to {}, median {}, 99 % up to {}; longest in line {}", side.name,
                            counted(side.symbols, "symbol"), counted(side.inventory, "kind"), side.length_min,
                            side.length_max, side.length_median, side.length_99, side.longest_line));
  out.push_back(side.tokens);
  if (side.once.count > 0)
    out.push_back(side.name + ": " + sentence(side.once, "symbol occurs once", "symbols occur once"));
  if (side.suspicious.count > 0) {
    out.push_back(side.name + ": " +
                  sentence(side.suspicious, "line holds a control, invisible or damaged character",
                           "lines hold control, invisible or damaged characters"));
  }
  if (side.unseen.count > 0) {
    out.push_back(side.name + ": " +
                  sentence(side.unseen, "symbol of dev is not in the training data",
                           "symbols of dev are not in the training data"));
  }
}

std::string illegal_tags(const DataReport& report) {
  return sentence(report.illegal, "tag breaks the scheme of its spans, " + report.scheme,
                  "tags break the scheme of their spans, " + report.scheme);
}

std::string leaks(const DataReport& report) {
  return sentence(report.dev.leaked, "dev example is in the training data too, so its score means nothing",
                  "dev examples are in the training data too, so their score means nothing");
}

std::string silences(const RecordingsReport& recordings) {
  return sentence(recordings.silent, "recording is silent", "recordings are silent");
}

/// Of labelled texts and tagged sentences.
std::string contradictions(const DataReport& report) {
  const bool tags = report.target.name == "tag";
  return sentence(report.ambiguous,
                  tags ? "sentence is tagged in several ways: at most one can be answered"
                       : "text has several labels: at most one can be answered",
                  tags ? "sentences are tagged in several ways: at most one can be answered"
                       : "texts have several labels: at most one can be answered");
}

/// "labels: pos 60 (60 %), neg 40 (40 %)", and what is odd about them.
void describe_labels(const DataReport& report, std::vector<std::string>& out) {
  constexpr size_t kShown = 20;
  int64_t all = 0;
  for (const auto& [label, count] : report.labels) all += count;
  std::string text;
  for (size_t i = 0; i < report.labels.size() && i < kShown; ++i) {
    const auto& [label, count] = report.labels[i];
    text += fmt::format("{}{} {} ({:.1f} %)", i > 0 ? ", " : "", label, count,
                        100.0 * static_cast<double>(count) / static_cast<double>(all));
  }
  const std::string& name = report.target.name;
  out.push_back(fmt::format("{}: {}{}", counted(static_cast<int64_t>(report.labels.size()), name), text,
                            report.labels.size() > kShown ? ", ..." : ""));
  if (report.target.once.count > 0)
    out.push_back(sentence(report.target.once, name + " occurs once: little can be learned of it",
                           name + "s occur once: little can be learned of them"));
  if (report.target.unseen.count > 0)
    out.push_back(sentence(report.target.unseen,
                           name + " of dev is not in the training data, so no answer can be right",
                           name + "s of dev are not in the training data, so no answer can be right"));
  if (report.illegal.count > 0) out.push_back(illegal_tags(report));
}

std::string known_values(const DataReport& report) {
  const Finding& leaked = report.dev.leaked;  // examples are series, and values counted
  return fmt::format("{} of {} of dev stand in the training data too, in runs of 16 and more: {}{}", leaked.count,
                     counted(report.series->dev_values, "value"), fmt::join(leaked.examples, "; "),
                     leaked.examples.size() == Finding::kExamples ? "; ..." : "");
}

/// "3 series of 700 to 960 values, one each 1 hour; a season of 24 steps".
void describe_series(const DataReport& report, std::vector<std::string>& out) {
  const SeriesReport& s = *report.series;
  const std::string lengths = s.shortest == s.longest ? "" : fmt::format("{} to ", s.shortest);
  out.push_back(fmt::format("{} of {}{}{} ({}: {})", counted(s.series, "series", "series"), lengths,
                            counted(s.longest, "value"), s.step.empty() ? "" : ", one each " + s.step, report.format,
                            report.reason));
  out.push_back(s.period > 1 ? fmt::format("a season of {}, by autocorrelation", counted(s.period, "step"))
                             : "no season stands out");
  if (s.tables > 1) out.push_back(counted(s.tables, "table"));
  if (s.labelled)
    out.push_back(s.anomalies > 0 ? counted(s.anomalies, "labelled anomaly", "labelled anomalies")
                                  : "no anomaly is labelled: there is nothing to score a detector by");
  out.insert(out.end(), s.notes.begin(), s.notes.end());
  if (report.has_dev) out.push_back(fmt::format("dev: {}", counted(s.dev_values, "value")));
  if (report.dev.leaked.count > 0) out.push_back(known_values(report));
}

/// "150 sequences of 28 frames with 28 numbers each (idx: images)".
void describe_sequences(const DataReport& report, std::vector<std::string>& out) {
  const SequencesReport& s = *report.sequences;
  const std::string lengths = s.shortest == s.longest ? "" : fmt::format("{} to ", s.shortest);
  out.push_back(fmt::format("{} of {}{} with {} each ({}: {})", counted(report.examples, "sequence"), lengths,
                            counted(s.longest, "frame"), counted(s.width, "number"), report.format, report.reason));
  if (s.constant_columns > 0)
    out.push_back(fmt::format("{} of a frame never {}", counted(s.constant_columns, "number"),
                              s.constant_columns == 1 ? "changes" : "change"));
  out.insert(out.end(), s.notes.begin(), s.notes.end());
  if (report.duplicates.count > 0)
    out.push_back(sentence(report.duplicates, "sequence repeats another", "sequences repeat others"));
  if (report.has_dev) out.push_back(fmt::format("dev: {}", counted(report.dev.examples, "sequence")));
  if (!report.labels.empty()) describe_labels(report, out);
}

/// "2,700 recordings, 1,234.5 s in all, 0.3 to 2.1 s each; sampled at 8000 Hz".
void describe_recordings(const DataReport& report, std::vector<std::string>& out) {
  const RecordingsReport& r = *report.recordings;
  const bool sound = r.arrays < r.files;
  const char* unit = sound ? "s" : "frames";
  out.push_back(fmt::format("{} ({}: {}), {:.6g} {} in all, {:.3g} to {:.6g} {} each",
                            sound ? counted(r.files, "recording") : counted(r.files, "array"), report.format,
                            report.reason, r.total, unit, r.shortest, r.longest, unit));
  if (sound && r.arrays > 0) out.push_back(counted(r.arrays, "of them is an array", "of them are arrays"));
  std::string rates;
  for (const auto& [rate, count] : r.rates)
    rates += fmt::format("{}{} Hz ({})", rates.empty() ? "" : ", ", rate, count);
  if (r.rates.size() > 1)
    out.push_back("sampling rates differ: " + rates + "; training brings all to that of the first");
  else if (!rates.empty())
    out.push_back("sampled at " + rates);
  if (r.silent.count > 0) out.push_back(silences(r));
  if (r.clipped.count > 0)
    out.push_back(sentence(r.clipped, "recording is clipped: its loudest samples are cut off",
                           "recordings are clipped: their loudest samples are cut off"));
  if (report.duplicates.count > 0)
    out.push_back(sentence(report.duplicates, "recording repeats another", "recordings repeat others"));
  if (report.has_dev) out.push_back(fmt::format("dev: {}", counted(report.dev.examples, "recording")));
  if (!report.labels.empty()) describe_labels(report, out);
}

/// What is told of all kinds of data.
Json head_of(const DataReport& report) {
  return {{"schema", "carousel/data-check@1"},
          {"sound", report.sound()},
          {"format", report.format},
          {"reason", report.reason},
          {"faults", report_json(report.faults)}};
}

/// What is told of all kinds of frames.
void add_frames(const DataReport& report, Json& json) {
  json["examples"] = report.examples;
  Json counts = Json::object();
  for (const auto& [label, count] : report.labels) counts[label] = count;
  json["duplicates"] = report_json(report.duplicates);
  json["constant_target"] = report.constant_target;
  if (!report.labels.empty())
    json["labels"] = {{"counts", counts},
                      {"once", report_json(report.target.once)},
                      {"unseen_in_dev", report_json(report.target.unseen)}};
  if (report.has_dev) json["dev"] = {{"examples", report.dev.examples}, {"in_train", report_json(report.dev.leaked)}};
}

Json json_of_recordings(const DataReport& report) {
  const RecordingsReport& r = *report.recordings;
  Json rates = Json::object();
  for (const auto& [rate, count] : r.rates) rates[fmt::format("{}", rate)] = count;
  Json json = head_of(report);
  json.update({{"recordings", r.files - r.arrays},
               {"arrays", r.arrays},
               {"total", r.total},
               {"shortest", r.shortest},
               {"longest", r.longest},
               {"sample_rates", rates},
               {"silent", report_json(r.silent)},
               {"clipped", report_json(r.clipped)}});
  add_frames(report, json);
  return json;
}

Json json_of_sequences(const DataReport& report) {
  const SequencesReport& s = *report.sequences;
  Json json = head_of(report);
  json.update({{"refusal", report.refusal},
               {"width", s.width},
               {"frames", s.frames},
               {"shortest", s.shortest},
               {"longest", s.longest},
               {"constant_columns", s.constant_columns},
               {"notes", s.notes}});
  add_frames(report, json);
  return json;
}

/// "1115394 characters in 40000 lines of running text (...), 202651 words between white space; line 12 is the longest,
/// 69 characters".
void describe_text(const DataReport& report, std::vector<std::string>& out) {
  const RunningTextReport& t = *report.text;
  out.push_back(fmt::format("{} in {} of running text ({}), {}; line {} is the longest, {}",
                            counted(t.characters, "character"), counted(t.lines, "line"), report.reason,
                            counted(t.words, "word between white space", "words between white space"), t.longest_line,
                            counted(t.longest, "character")));
  if (t.blank_lines > 0) out.push_back(counted(t.blank_lines, "blank line"));
  if (t.suspicious.count > 0)
    out.push_back(sentence(t.suspicious, "line holds control, invisible or damaged characters",
                           "lines hold control, invisible or damaged characters"));
  if (report.has_dev) out.push_back(fmt::format("dev: {}", counted(report.dev.examples, "line")));
  if (report.dev.leaked.count > 0)
    out.push_back(sentence(report.dev.leaked,
                           fmt::format("of {} long lines of dev is in the training text too", t.dev_long_lines),
                           fmt::format("of {} long lines of dev are in the training text too", t.dev_long_lines)));
}

Json json_of_text(const DataReport& report) {
  const RunningTextReport& t = *report.text;
  Json json = head_of(report);
  json.update({{"lines", t.lines},
               {"blank_lines", t.blank_lines},
               {"words", t.words},
               {"characters", t.characters},
               {"longest", t.longest},
               {"suspicious", report_json(t.suspicious)}});
  if (report.has_dev)
    json["dev"] = {
        {"lines", report.dev.examples}, {"long_lines", t.dev_long_lines}, {"in_train", report_json(report.dev.leaked)}};
  return json;
}

Json json_of_series(const DataReport& report) {
  const SeriesReport& s = *report.series;
  Json json = head_of(report);
  json.update({{"series", s.series},
               {"values", s.values},
               {"shortest", s.shortest},
               {"longest", s.longest},
               {"step", s.step},
               {"period", s.period},
               {"tables", s.tables},
               {"labelled", s.labelled},
               {"anomalies", s.anomalies},
               {"notes", s.notes}});
  if (!report.refusal.empty()) json["refusal"] = report.refusal;
  if (report.has_dev) json["dev"] = {{"values", s.dev_values}, {"in_train", report_json(report.dev.leaked)}};
  return json;
}

}  // namespace

std::string DataReport::to_json() const {
  if (series) return json_of_series(*this).dump();
  if (text) return json_of_text(*this).dump();
  if (recordings) return json_of_recordings(*this).dump();
  if (sequences) return json_of_sequences(*this).dump();
  Json json = head_of(*this);
  json.update({{"examples", examples},
               {"blank_lines", blank_lines},
               {"duplicates", report_json(duplicates)},
               {"sources", sources},
               {"sources_with_several_targets", report_json(ambiguous)},
               {"constant_target", constant_target},
               {"too_long", report_json(too_long)},
               {"refusal", refusal},
               {"source", report_json(source)},
               {"target", report_json(target)}});
  if (!labels.empty()) {
    Json counts = Json::object();
    for (const auto& [label, count] : labels) counts[label] = count;
    json["labels"] = {
        {"counts", counts}, {"once", report_json(target.once)}, {"unseen_in_dev", report_json(target.unseen)}};
    json.erase("target");
  }
  if (!scheme.empty()) {
    json["labels"]["scheme"] = scheme;
    json["labels"]["illegal"] = report_json(illegal);
  }
  if (has_dev) {
    json["dev"] = {{"examples", dev.examples},
                   {"sources_in_train", dev.sources_in_train},
                   {"pairs_in_train", report_json(dev.leaked)}};
  }
  return json.dump();
}

std::vector<std::string> DataReport::sentences() const {
  std::vector<std::string> out;
  const bool labelled = !labels.empty();
  if (faults.count > 0)
    out.push_back(recordings ? sentence(faults, "file would be refused", "files would be refused")
                             : sentence(faults, "line would be refused", "lines would be refused"));
  if (series) {
    if (refusal.empty()) describe_series(*this, out);
    return out;
  }
  if (text) {
    describe_text(*this, out);
    return out;
  }
  if (examples == 0) out.emplace_back("no example: there is nothing to learn from");
  if (constant_target) out.push_back(fmt::format("all {}s are equal: there is nothing to learn", target.name));
  if (!refusal.empty() && examples > 0 && !constant_target) out.push_back("training would refuse: " + refusal);
  if (dev.leaked.count > 0) out.push_back(leaks(*this));
  if (recordings) {
    describe_recordings(*this, out);
    return out;
  }
  if (sequences) {
    describe_sequences(*this, out);
    return out;
  }
  out.push_back(fmt::format("{} with {} ({}: {})", counted(examples, "example"),
                            counted(sources, "different " + source.name), format, reason));
  if (has_dev) {
    out.push_back(fmt::format("dev: {}, {} of them with a {} that is in the training data",
                              counted(dev.examples, "example"), dev.sources_in_train, source.name));
  }
  if (blank_lines > 0) out.push_back(counted(blank_lines, "blank line is", "blank lines are") + " skipped");
  if (too_long.count > 0 && labelled) {
    out.push_back(sentence(too_long, "text is so long that only its beginning and its end are read",
                           "texts are so long that only their beginnings and ends are read"));
  } else if (too_long.count > 0) {
    out.push_back(sentence(too_long, "example has more than max_length symbols on a side and is left out of training",
                           "examples have more than max_length symbols on a side and are left out of training"));
  }
  if (duplicates.count > 0) {
    out.push_back(sentence(duplicates, "example repeats another exactly", "examples repeat others exactly"));
  }
  if (ambiguous.count > 0 && labelled) {
    out.push_back(contradictions(*this));
  } else if (ambiguous.count > 0) {
    out.push_back(sentence(ambiguous, "source has several targets, taken as several references",
                           "sources have several targets, taken as several references"));
  }
  if (labelled) describe_labels(*this, out);
  describe_side(source, out);
  describe_side(target, out);
  return out;
}

std::vector<std::string> DataReport::warnings() const {
  std::vector<std::string> out;
  if (text) {
    if (2 * dev.leaked.count > text->dev_long_lines)
      out.push_back(fmt::format("{} of {} long lines of dev are in the training text too, so their score means nothing",
                                dev.leaked.count, text->dev_long_lines));
    return out;
  }
  if (series) {
    // Some of it may be there on purpose, in front of what is to be forecast.
    if (10 * dev.leaked.count >= 9 * series->dev_values && dev.leaked.count > 0)
      out.push_back(known_values(*this) + ". Is dev a copy of it?");
    return out;
  }
  if (dev.leaked.count > 0) out.push_back(leaks(*this));
  if (recordings && recordings->silent.count > 0) out.push_back(silences(*recordings));
  if (ambiguous.count > 0 && !labels.empty()) out.push_back(contradictions(*this));
  if (illegal.count > 0) out.push_back(illegal_tags(*this));
  return out;
}

}  // namespace carousel::data
