#include "carousel/engine/quantize.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/base/text.h"
#include "carousel/engine/checkpoint.h"
#include "carousel/engine/number_format.h"
#include "carousel/engine/training.h"

namespace carousel::engine {

namespace {

namespace fs = std::filesystem;

void check(const QuantizeRequest& request) {
  if (!(request.max_loss >= 0) || !std::isfinite(request.max_loss))
    throw ConfigError(
        fmt::format("[quantize] the most that may be lost is a number of 0 or more; got {}. Give 0.01 for "
                    "one in a hundred.",
                    request.max_loss));
  std::error_code error;
  if (request.model == request.output || fs::equivalent(request.model, request.output, error))
    throw ConfigError(fmt::format(
        "[quantize] the quantized model must not replace its original, which alone can be trained on, converted and "
        "quantized in another way; got {} for both. Name another file.",
        request.output));
}

/// Rates, accuracies and F1 run from 0 to 1.
bool is_share(const std::string& metric) {
  for (const char* end : {"_rate", "accuracy", "f1", "_share"})
    if (metric.ends_with(end)) return true;
  return false;
}

double loss_of(const train::Evaluation& deciding, double before, double after) {
  const double worse = deciding.lower_is_better ? after - before : before - after;
  if (is_share(deciding.metric) || worse == 0) return worse;
  return before == 0 ? std::copysign(std::numeric_limits<double>::infinity(), worse) : worse / std::abs(before);
}

double value_of(const tasks::EvalReport& report, const std::string& metric, const std::string& file) {
  const auto found = report.metrics.find(metric);
  if (found == report.metrics.end())
    throw FormatError(file, -1,
                      fmt::format("[quantize] the metric that chose the model's weights must be one of its task; got "
                                  "'{:.40}'. Train anew.",
                                  metric));
  return found->second;
}

/// True when the data are, byte for byte, all that the model was trained on.
bool is_training_data(const std::vector<std::string>& files, const RunIdentity& identity) {
  return hash_of_data(files) == identity.data_hash;
}

void measure(const QuantizeRequest& request, const Archive& before, const Archive& after, QuantizeReport& report) {
  const train::Evaluation deciding = record_of(before, request.model).result.best.evaluation;
  report.before = Engine::from_archive(before, request.model).evaluate(request.data, {});
  report.after = Engine::from_archive(after, request.model).evaluate(request.data, {});
  report.metric = deciding.metric;
  const double old_value = value_of(report.before, deciding.metric, request.model),
               new_value = value_of(report.after, deciding.metric, request.model);
  report.loss = loss_of(deciding, old_value, new_value);
  report.notes = report.before.notes;
  if (is_training_data(request.data, identity_of(before, request.model)))
    report.notes.emplace_back(
        "these are the data that the model was trained on: what is lost on data it never saw may be more");
  if (!(report.loss <= request.max_loss))
    throw Error(fmt::format(
        "[quantize] {} may get worse by at most {:.4g}{}; got {:.6g} -> {:.6g}, which is {:.4g}, on {}. Nothing was "
        "written: {}allow more with --max-loss, or measure on more data.",
        deciding.metric, request.max_loss, is_share(deciding.metric) ? "" : " of its value", old_value, new_value,
        report.loss, counted(report.before.examples, "example"),
        request.format == "bf16" ? "" : "try --format bf16, "));
}

}  // namespace

QuantizeReport quantize_model(const QuantizeRequest& request) {
  check(request);
  const kernels::quant::Format& format = kernels::quant::format_named(request.format);
  const Archive archive = read_archive(request.model);
  if (const auto* present = format_of(archive))
    throw UnsupportedError(
        fmt::format("[quantize] weights must be f32 to be rounded once; got {}, in {} already. Quantize the model it "
                    "was made from.",
                    request.model, present->name));
  Engine::from_archive(archive, request.model);  // whatever is wrong with the file is told before anything is done
  Quantized quantized = quantize_weights(archive, format);
  if (quantized.matrices == 0)
    throw UnsupportedError(fmt::format(
        "[quantize] a model must have matrices to be rounded; got none in {}. Keep it as it is.", request.model));
  QuantizeReport report;
  report.format = format.name;
  report.matrices = quantized.matrices;
  report.values = quantized.values;
  report.tensors_left = quantized.left;
  if (!request.data.empty()) measure(request, archive, quantized.archive, report);
  std::string& text = quantized.archive.metadata[kQuantizedKey];
  text = fmt::format("{}, {}", format.name, counted(report.matrices, "matrix", "matrices"));
  if (!report.metric.empty())
    text += fmt::format("; {} {:.6g} -> {:.6g} on {}", report.metric, report.before.metrics.at(report.metric),
                        report.after.metrics.at(report.metric), counted(report.before.examples, "example"));
  const std::string bytes = serialize_archive(quantized.archive);
  report.bytes_before = static_cast<int64_t>(fs::file_size(request.model));
  report.bytes_after = static_cast<int64_t>(bytes.size());
  atomic_write(request.output, bytes);
  return report;
}

}  // namespace carousel::engine
