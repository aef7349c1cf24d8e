#include "carousel/tasks/frames_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/batcher.h"
#include "carousel/data/json_object.h"
#include "carousel/inspect/recording.h"
#include "carousel/tasks/describe.h"
#include "carousel/tasks/frame_reading.h"
#include "carousel/tasks/metadata.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kSequencesAtOnce = 64;  ///< sequences read together
constexpr size_t kClassesListed = 20;
constexpr const char* kFramesClassKey = "classify.frames";

/// Means and deviations of the columns, [2 * width].
std::vector<double> summary_of(const data::FrameExample& example, int64_t width) {
  const auto w = static_cast<size_t>(width);
  std::vector<double> s(2 * w);
  const auto n = static_cast<double>(example.length);
  for (size_t i = 0; i < example.values.size(); ++i) {
    const auto v = static_cast<double>(example.values[i]);
    s[i % w] += v / n;
    s[w + i % w] += v * v / n;
  }
  for (size_t c = 0; c < w; ++c) s[w + c] = std::sqrt(std::max(0.0, s[w + c] - s[c] * s[c]));
  return s;
}

std::vector<const data::FrameExample*> pointers(const data::FrameSet& set) {
  std::vector<const data::FrameExample*> all;
  for (const data::FrameExample& e : set.examples) all.push_back(&e);
  return all;
}

}  // namespace

Centroids Centroids::learn(const std::vector<data::FrameExample>& scaled, const std::vector<int64_t>& classes,
                           int64_t num_classes, int64_t width) {
  Centroids c;
  const auto w = static_cast<size_t>(2 * width);
  c.values.resize(static_cast<size_t>(num_classes) * w);
  std::vector<double> counts(static_cast<size_t>(num_classes));
  for (size_t i = 0; i < scaled.size(); ++i) {
    const std::vector<double> s = summary_of(scaled[i], width);
    const auto k = static_cast<size_t>(classes[i]);
    counts[k] += 1;
    for (size_t f = 0; f < w; ++f) c.values[k * w + f] += s[f];
  }
  for (size_t f = 0; f < c.values.size(); ++f) c.values[f] /= std::max(1.0, counts[f / w]);
  return c;
}

int64_t Centroids::nearest(const data::FrameExample& scaled, int64_t width) const {
  const std::vector<double> s = summary_of(scaled, width);
  int64_t best = 0;
  double least = 0;
  for (size_t k = 0; k < values.size() / s.size(); ++k) {
    double distance = 0;
    for (size_t f = 0; f < s.size(); ++f) distance += std::pow(s[f] - values[k * s.size() + f], 2);
    if (k > 0 && distance >= least) continue;
    best = static_cast<int64_t>(k);
    least = distance;
  }
  return best;
}

FrameModel::FrameModel(FrameParts parts, uint64_t seed)
    : parts_(std::move(parts)),
      networks_(parts_.options.model, {0, parts_.labels.size(), 0, parts_.scaling.width()}, parts_.options.members,
                seed, false) {}

std::map<std::string, std::string> FrameModel::metadata() const {
  const data::FrameScaling& s = parts_.scaling;
  const nlohmann::ordered_json json = {
      {"mean", s.mean}, {"deviation", s.deviation}, {"centroids", parts_.centroids.values}};
  return {{"classify.labels", parts_.labels.to_json()}, {kFramesClassKey, json.dump()}};
}

bool holds_frames(const std::map<std::string, std::string>& metadata) {
  return metadata.contains(kFramesClassKey);
}

FrameParts load_frame_parts(const ClassifyOptions& options, const std::map<std::string, std::string>& metadata,
                            const std::string& file) {
  FrameParts parts;
  parts.options = options;
  parts.labels =
      Labels::from_json(metadata_entry(metadata, "classify.labels", file, "classifier"), file, "classify.labels");
  const data::JsonObject json(metadata_entry(metadata, kFramesClassKey, file, "classifier"), file, kFramesClassKey);
  parts.scaling = load_scaling(json, options.frames);
  parts.centroids.values = json.numbers("centroids");
  if (parts.centroids.values.size() != static_cast<size_t>(2 * parts.labels.size() * parts.scaling.width()))
    json.fail("there must be two numbers for each label and number of a frame",
              fmt::format("{}", parts.centroids.values.size()));
  if (options.members < 1) json.fail("the options must be decided", "automatic ones");
  return parts;
}

std::vector<float> FrameModel::member_logits(nn::Classifier& member,
                                             const std::vector<const data::FrameExample*>& scaled) {
  const auto width = static_cast<size_t>(parts_.labels.size());
  std::vector<float> all(scaled.size() * width);
  std::vector<int64_t> lengths;
  for (const data::FrameExample* e : scaled) lengths.push_back(e->length);
  for (const std::vector<int64_t>& places : data::batches_by_length(lengths, kSequencesAtOnce)) {
    std::vector<std::span<const float>> batch;
    for (const int64_t i : places) batch.emplace_back(scaled[static_cast<size_t>(i)]->values);
    nn::Context ctx;
    const Tensor part = member.forward(ctx, nn::FrameBatch::of(batch, parts_.scaling.width())).value();
    for (size_t k = 0; k < places.size(); ++k)
      std::copy_n(part.data<float>() + k * width, width, all.data() + static_cast<size_t>(places[k]) * width);
  }
  return all;
}

std::vector<float> FrameModel::logits(const std::vector<const data::FrameExample*>& scaled) {
  return networks_.mean([&](nn::Classifier& member) { return member_logits(member, scaled); });
}

/// Reads the frames of `files` as training read them, not scaled yet.
data::FrameSet FrameModel::read(const std::vector<std::string>& files, bool labelled,
                                std::vector<std::string>& notes) const {
  const FrameOptions& frames = parts_.options.frames;
  const data::FramePlan plan =
      labelled ? data::plan_frames(files, frames.format) : plan_unlabelled(files, frames.format);
  return read_like_training(files, plan, frames, parts_.scaling, parts_.options.read_options(), task(), notes);
}

std::vector<float> FrameModel::logits_of(data::FrameSet& set) {
  for (data::FrameExample& e : set.examples) parts_.scaling.apply(e);
  return logits(pointers(set));
}

EvalReport FrameModel::evaluate(const std::vector<std::string>& files, const PredictOptions& options) {
  refuse_class_search(options);
  EvalReport report;
  report.task = task();
  data::FrameSet set = read(files, true, report.notes);
  std::vector<std::string_view> names;
  for (const data::FrameExample& e : set.examples) {
    if (e.target.empty())
      throw DataError(files.front(), e.line, e.column,
                      fmt::format("[eval] every sequence needs a label; got none for {}. Use predict.", e.name));
    names.emplace_back(e.target);
  }
  std::vector<float> all = logits_of(set);
  const ClassAnswers answers{std::move(all), numbers_of(parts_.labels, names)};
  report.examples = static_cast<int64_t>(set.examples.size());
  report.metrics = score_of(answers, parts_.labels.size(), temperature());
  report.set(class_baseline(parts_.labels, answers.wanted));
  int64_t right = 0;
  for (size_t i = 0; i < answers.wanted.size(); ++i)
    right += parts_.centroids.nearest(set.examples[i], parts_.scaling.width()) == answers.wanted[i];
  const double nearest = static_cast<double>(right) / static_cast<double>(report.examples);
  const double accuracy = report.metrics.at("accuracy");
  if (accuracy <= report.baseline.at("accuracy"))
    report.notes.emplace_back("the model is not better than the baseline: train longer, or check the labels");
  report.notes.push_back(
      fmt::format("the nearest mean of each column's mean and deviation reaches accuracy {:.4f}{}", nearest,
                  accuracy < nearest ? ": more than the model, which needs more data, more time or less dropout" : ""));
  note_strangers(parts_.labels, names, answers.wanted, "sequences", report);
  return report;
}

std::vector<Prediction> FrameModel::predict(const std::vector<std::string>& lines, const PredictOptions& options) {
  refuse_class_search(options);
  std::vector<Prediction> predictions(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    predictions[i].input = lines[i];
    try {
      data::FrameSet set = read({lines[i]}, false, predictions[i].notes);
      if (set.examples.size() != 1)
        throw DataError(lines[i], 0, 0,
                        fmt::format("[predict] each line names a file of one sequence; got {}. Give the file itself: "
                                    "carousel predict MODEL FILE.",
                                    set.examples.size()));
      add_answers(parts_.labels, logits_of(set), temperature(), options.nbest, predictions[i]);
    } catch (const DataError& e) {
      predictions[i].error = e.what();
    }
  }
  return predictions;
}

FileAnswer FrameModel::predict_file(const std::string& file, const PredictOptions& options) {
  refuse_class_search(options);
  FileAnswer answer;
  answer.columns = {"input", "label", "probability"};
  data::FrameSet set = read({file}, false, answer.notes);
  const std::vector<float> all = logits_of(set);
  const auto width = static_cast<size_t>(parts_.labels.size());
  for (size_t i = 0; i < set.examples.size(); ++i) {
    Prediction p;
    add_answers(parts_.labels, {all.data() + i * width, width}, temperature(), options.nbest, p);
    for (const Hypothesis& h : p.hypotheses) answer.rows.push_back({set.examples[i].name, h.text, h.probability});
  }
  return answer;
}

/// One answer with all that the layers recorded.
struct FrameModel::Look {
  std::string input, label;
  double probability = 0;
  std::vector<std::string> steps;  ///< "1", "2", ...
  inspect::CellRecording recording;
};

FrameModel::Look FrameModel::look_at(const std::string& file) {
  std::vector<std::string> notes;
  data::FrameSet set = read({file}, false, notes);
  data::FrameExample& first = set.examples.front();
  parts_.scaling.apply(first);
  Look look;
  look.input = first.name;
  for (int64_t t = 1; t <= first.length; ++t) look.steps.push_back(std::to_string(t));
  nn::Context ctx;
  ctx.recorder = &look.recording;
  const Tensor logits = member(0).forward(ctx, nn::FrameBatch::of({first.values}, parts_.scaling.width())).value();
  Prediction p;
  add_answers(parts_.labels, logits.span<float>(), temperature(), 1, p);
  look.label = p.hypotheses.front().text;
  look.probability = p.hypotheses.front().probability;
  return look;
}

std::vector<std::string> FrameModel::views() const {
  if (parts_.options.model.pooling == "attention") return {"attention", "gates"};
  return {"gates"};
}

AttentionMap FrameModel::inspect(const std::string& file, const PredictOptions& options) {
  refuse_class_search(options);
  require_attention(parts_.options.model.pooling);
  const Look look = look_at(file);
  AttentionMap map;
  map.input = look.input;
  map.output = look.label;
  map.probability = look.probability;
  map.source = look.steps;
  map.target = {look.label};
  map.weights = look.recording.find("pooling/attention")->values;
  return map;
}

GateTrace FrameModel::gates(const std::string& file, const PredictOptions& options) {
  refuse_class_search(options);
  const Look look = look_at(file);
  GateTrace trace;
  trace.input = look.input;
  trace.output = look.label;
  add_gates(look.recording, look.steps, member(0).stack().cell(), trace);
  return trace;
}

std::vector<std::pair<std::string, std::string>> FrameModel::describe() {
  const ClassifyOptions& o = parts_.options;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"labels", fmt::format("{}: {}", parts_.labels.size(), parts_.labels.list(kClassesListed))},
      {"frames", frames_text(o.frames, parts_.scaling.columns())},
      {"scaling", o.frames.scaling},
      {"frames in a step", std::to_string(o.frames.stack_frames)},
      {"network", network_text(o.model.stack)},
      {"members", std::to_string(members())},
      {"pooling", o.model.pooling},
      {"projection", std::to_string(o.model.embedding_size)},
      {"dropout", fmt::format("{} on projected frames and before the output", o.model.stack.dropout)},
      {"temperature", fmt::format("{:.3g}", temperature())},
      {"training sequences", std::to_string(parts_.labels.total())}};
  add_stack_rows(rows, o.model.stack);
  add_lines(rows, "cell", member(0).stack().cell().equations());
  return rows;
}

}  // namespace carousel::tasks
