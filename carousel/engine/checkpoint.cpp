#include "carousel/engine/checkpoint.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "carousel/base/error.h"
#include "carousel/engine/number_format.h"
#include "carousel/engine/run_options.h"
#include "carousel/nn/init.h"
#include "carousel/train/gradients.h"

namespace carousel::engine {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kVersionKey = "carousel.format_version";
constexpr const char* kTaskKey = "carousel.task";
constexpr const char* kConfigKey = "carousel.config";
constexpr const char* kOptionsKey = "carousel.options";
constexpr const char* kOptionsSetKey = "carousel.options_set";
constexpr const char* kDataHashKey = "carousel.data_hash";
constexpr const char* kThreadsKey = "carousel.threads";
constexpr const char* kFinishedKey = "carousel.finished";
constexpr const char* kScheduleKey = "carousel.schedule";
constexpr const char* kCommandKey = "carousel.command";
constexpr const char* kStepsKey = "carousel.steps";
constexpr const char* kBestKey = "carousel.best";
constexpr const char* kHistoryKey = "carousel.history";
constexpr const char* kStateKey = "carousel.trainer_state";

Json finite_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

/// {"step", "epoch", "metric", "value", "lower_is_better", "metrics"}
std::string json_of(const train::EvaluationPoint& point) {
  Json metrics = Json::object();
  for (const auto& [name, value] : point.evaluation.metrics) metrics[name] = finite_or_null(value);
  const Json json = {{"step", point.step},
                     {"epoch", point.epoch},
                     {"metric", point.evaluation.metric},
                     {"value", finite_or_null(point.evaluation.value)},
                     {"lower_is_better", point.evaluation.lower_is_better},
                     {"metrics", metrics}};
  return json.dump();
}

/// [[step, epoch, value], ...]
std::string json_of(const std::vector<train::EvaluationPoint>& history) {
  Json json = Json::array();
  for (const train::EvaluationPoint& point : history)
    json.push_back({point.step, point.epoch, finite_or_null(point.evaluation.value)});
  return json.dump();
}

train::EvaluationPoint point_from(const std::string& text, const std::string& file) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  std::string_view metric;
  train::EvaluationPoint point;
  if (parser.parse(text).get(object) != simdjson::SUCCESS || object["metric"].get(metric) != simdjson::SUCCESS ||
      object["step"].get(point.step) != simdjson::SUCCESS)
    throw FormatError(
        file, -1,
        fmt::format("[model] {} must be the best evaluation as JSON; got something else. Train anew.", kBestKey));
  const auto number = [](simdjson::dom::element element) {
    double value = std::nan("");
    return element.get(value) == simdjson::SUCCESS ? value : std::nan("");
  };
  point.evaluation.metric = metric;
  if (object["lower_is_better"].get(point.evaluation.lower_is_better) != simdjson::SUCCESS)  // not in early files
    point.evaluation.lower_is_better = metric.ends_with("_rate") || metric == "perplexity";
  simdjson::dom::element value;
  if (object["value"].get(value) == simdjson::SUCCESS) point.evaluation.value = number(value);
  simdjson::dom::object metrics;
  if (object["metrics"].get(metrics) == simdjson::SUCCESS)
    for (const auto field : metrics) point.evaluation.metrics[std::string(field.key)] = number(field.value);
  return point;
}

const std::string& text_of(const Archive& archive, const std::string& key, const std::string& file) {
  const std::string* text = archive.text(key);
  if (!text) throw FormatError(file, -1, fmt::format("[model] the metadata must hold {}; got none. Train anew.", key));
  return *text;
}

int64_t count_of(const Archive& archive, const std::string& key, const std::string& file) {
  const std::string& text = text_of(archive, key, file);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    throw FormatError(file, -1, fmt::format("[model] {} must be a count; got \"{:.40}\". Train anew.", key, text));
  return value;
}

void check_version(const Archive& archive, const std::string& file) {
  if (!archive.text(kVersionKey))
    throw FormatError(
        file, -1,
        fmt::format("[model] a model of this program has {} in its metadata; got none. Give the file that "
                    "`train` wrote.",
                    kVersionKey));
  const int64_t version = count_of(archive, kVersionKey, file);
  if (version > kFormatVersion)
    throw FormatError(file, -1,
                      fmt::format("[model] this program reads formats up to {}; got format {}. Update the program.",
                                  kFormatVersion, version));
}

}  // namespace

std::string checkpoint_file(const std::string& model_file) {
  return model_file + ".ckpt";
}

void store_identity(std::map<std::string, std::string>& metadata, const RunIdentity& identity) {
  metadata[kVersionKey] = std::to_string(kFormatVersion);
  metadata[kTaskKey] = identity.task;
  metadata[kConfigKey] = identity.config;
  metadata[kOptionsKey] = identity.options;
  metadata[kOptionsSetKey] = identity.options_set;
  metadata[kDataHashKey] = identity.data_hash;
  metadata[kThreadsKey] = std::to_string(identity.threads);
}

Archive model_archive(tasks::TaskModel& model, const RunIdentity& identity, const RunRecord& record) {
  Archive archive;
  archive.metadata = model.metadata();
  store_identity(archive.metadata, identity);
  archive.metadata[kFinishedKey] = record.finished ? "true" : "false";
  if (!record.schedule.empty()) archive.metadata[kScheduleKey] = record.schedule;
  archive.metadata[kCommandKey] = record.command;
  archive.metadata[kStepsKey] = std::to_string(record.result.step);
  archive.metadata[kBestKey] = json_of(record.result.best);
  archive.metadata[kHistoryKey] = json_of(record.result.history);
  for (const nn::NamedParameter& p : model.module().parameters()) archive.tensors.push_back({p.name, p.var.value()});
  return archive;
}

Archive checkpoint_archive(const RunIdentity& identity, const train::TrainerState& state) {
  Archive archive;
  store_identity(archive.metadata, identity);
  archive.metadata[kStateKey] = state.json;
  archive.tensors = state.tensors;
  return archive;
}

const std::string& trainer_state_of(const Archive& archive, const std::string& file) {
  return text_of(archive, kStateKey, file);
}

RunIdentity identity_of(const Archive& archive, const std::string& file) {
  check_version(archive, file);
  RunIdentity identity;
  identity.task = text_of(archive, kTaskKey, file);
  identity.config = text_of(archive, kConfigKey, file);
  identity.options = text_of(archive, kOptionsKey, file);
  identity.options_set = text_of(archive, kOptionsSetKey, file);
  identity.data_hash = text_of(archive, kDataHashKey, file);
  identity.threads = count_of(archive, kThreadsKey, file);
  return identity;
}

RunRecord record_of(const Archive& archive, const std::string& file) {
  RunRecord record;
  record.finished = text_of(archive, kFinishedKey, file) == "true";
  if (const std::string* schedule = archive.text(kScheduleKey)) record.schedule = *schedule;
  record.command = text_of(archive, kCommandKey, file);
  record.result.step = count_of(archive, kStepsKey, file);
  record.result.best = point_from(text_of(archive, kBestKey, file), file);
  return record;
}

std::unique_ptr<tasks::TaskModel> load_model(tasks::Task& task, const Archive& archive, const std::string& file) {
  const RunIdentity identity = identity_of(archive, file);
  if (archive.text(kStateKey))
    throw FormatError(file, -1,
                      "[model] a model is needed; got the checkpoint of a running training. Give the model file beside "
                      "it, or go on with `train --resume`.");
  restore_options(task, identity, file);
  std::unique_ptr<tasks::TaskModel> model;
  int64_t stored = 0;
  for (const NamedTensor& t : archive.tensors) stored += t.tensor.numel() * size_of(DType::f32);
  try {
    // Room for a mistake of ordinary size: load_weights names its tensor.
    const nn::BlankInit from_file(4 * stored + (int64_t{1} << 20));
    model = task.load(archive.metadata, file);
  } catch (const FormatError&) {
    throw;
  } catch (const ResourceError&) {
    throw;
  } catch (const Error& e) {  // to the user, all that is wrong inside a model file is one kind of error
    throw FormatError(file, -1, e.what());
  }
  load_weights(model->module(), archive, file);
  return model;
}

void load_weights(nn::Module& module, const Archive& archive, const std::string& file) {
  const auto describe = [](const Tensor& t) { return fmt::format("{} {}", name_of(t.dtype()), t.shape().str()); };
  std::set<std::string> expected;
  for (nn::NamedParameter& p : module.parameters()) {
    expected.insert(p.name);
    Tensor& value = p.var.mutable_value();
    const Tensor* saved = archive.find(p.name);
    if (!saved)
      throw FormatError(
          file, -1,
          fmt::format("[model] tensor {} must be {}; got none of that name. Fetch the file again, or train "
                      "anew.",
                      p.name, describe(value)));
    if (format_of(saved->dtype())) {
      restore_weight(p, *saved, archive, file, expected);
      continue;
    }
    if (saved->shape() != value.shape() || saved->dtype() != value.dtype())
      throw FormatError(file, -1,
                        fmt::format("[model] tensor {} must be {}; got {}. Fetch the file again, or train anew.",
                                    p.name, describe(value), describe(*saved)));
    if (!train::all_finite(*saved))
      throw FormatError(
          file, -1,
          fmt::format("[model] tensor {} must be finite; got NaN or infinity. Fetch the file again, or train "
                      "anew.",
                      p.name));
    std::memcpy(value.raw(), saved->raw(), static_cast<size_t>(saved->nbytes()));
  }
  for (const NamedTensor& t : archive.tensors)
    if (!expected.contains(t.name))
      throw FormatError(
          file, -1,
          fmt::format("[model] the model has no tensor {}; got one of {}. Fetch the file again, or train anew.", t.name,
                      describe(t.tensor)));
}

}  // namespace carousel::engine
