#include "carousel/train/run_state.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "carousel/base/error.h"

namespace carousel::train {

namespace {

using Json = nlohmann::ordered_json;

/// JSON has no word for these; metrics of a bad model may be such numbers.
Json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

Json json_of(const EvaluationPoint& point) {
  Json metrics = Json::object();
  for (const auto& [name, value] : point.evaluation.metrics) metrics[name] = number(value);
  return {{"step", point.step},
          {"epoch", number(point.epoch)},
          {"metric", point.evaluation.metric},
          {"value", number(point.evaluation.value)},
          {"lower_is_better", point.evaluation.lower_is_better},
          {"metrics", metrics},
          {"warning", point.evaluation.warning}};
}

/// One JSON object of a file that may be hostile.
class Reader {
 public:
  Reader(simdjson::dom::object object, const std::string& file) : object_(object), file_(file) {}

  [[noreturn]] void fail(const char* key) const {
    throw FormatError(
        file_, -1,
        fmt::format("[checkpoint] the state of the training needs a sound \"{}\"; got none. Train afresh, "
                    "without --resume.",
                    key));
  }
  template <class T>
  T get(const char* key) const {
    T value{};
    if (object_.at_key(key).get(value) != simdjson::SUCCESS) fail(key);
    return value;
  }
  bool has(const char* key) const { return object_.at_key(key).error() == simdjson::SUCCESS; }
  int64_t count(const char* key, int64_t least = 0) const {
    constexpr auto kMost = int64_t{1} << 53;
    const auto value = get<int64_t>(key);
    if (value < least || value > kMost) fail(key);
    return value;
  }
  double number(const char* key) const {
    simdjson::dom::element element;
    if (object_.at_key(key).get(element) != simdjson::SUCCESS) fail(key);
    return number(element, key);
  }
  /// A number in [0, most].
  double number(const char* key, double most) const {
    const double value = number(key);
    if (!(value >= 0 && value <= most)) fail(key);
    return value;
  }
  double number(const simdjson::dom::element& element, const char* key) const {
    std::string_view word;
    double value = 0;
    if (element.get(value) == simdjson::SUCCESS) return value;
    if (element.get(word) != simdjson::SUCCESS) fail(key);
    if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (word == "inf") return std::numeric_limits<double>::infinity();
    if (word == "-inf") return -std::numeric_limits<double>::infinity();
    fail(key);
  }
  std::string text(const char* key) const { return std::string(get<std::string_view>(key)); }
  const std::string& file() const { return file_; }

 private:
  simdjson::dom::object object_;
  const std::string& file_;
};

EvaluationPoint point_from(const Reader& reader) {
  EvaluationPoint point;
  point.step = reader.count("step");
  point.epoch = reader.number("epoch");
  point.evaluation.metric = reader.text("metric");
  point.evaluation.value = reader.number("value");
  point.evaluation.lower_is_better = reader.get<bool>("lower_is_better");
  for (const auto field : reader.get<simdjson::dom::object>("metrics"))
    point.evaluation.metrics[std::string(field.key)] = reader.number(field.value, "metrics");
  point.evaluation.warning = reader.text("warning");
  return point;
}

}  // namespace

std::string RunState::to_json() const {
  Json points = Json::array();
  for (const EvaluationPoint& point : history) points.push_back(json_of(point));
  const Json json = {{"step", step},
                     {"epoch", epoch},
                     {"batch", batch},
                     {"progress", progress},
                     {"seconds", seconds},
                     {"slowest_evaluation", slowest_evaluation},
                     {"clipped", clipped},
                     {"averaged", averaged},
                     {"running_nll", number(running_nll)},
                     {"running_tokens", running_tokens},
                     {"evaluated_at", evaluated_at},
                     {"stale", stale},
                     {"best", best},
                     {"history", points},
                     {"trace", trace.text()},
                     {"replaying", replaying}};
  return json.dump();
}

RunState RunState::from_json(const std::string& json, const std::string& file) {
  constexpr double kMost = 1e15;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json).get(object) != simdjson::SUCCESS)
    throw FormatError(file, -1,
                      "[checkpoint] the state of the training must be a JSON object; got something else. Train afresh, "
                      "without --resume.");
  const Reader reader(object, file);
  RunState state;
  state.step = reader.count("step");
  state.epoch = reader.count("epoch");
  state.batch = reader.count("batch");
  state.progress = reader.number("progress", 1);
  state.seconds = reader.number("seconds", kMost);
  state.slowest_evaluation = reader.number("slowest_evaluation", kMost);
  state.clipped = reader.count("clipped");
  if (reader.has("averaged")) state.averaged = reader.count("averaged");  // not in early files
  state.running_nll = reader.number("running_nll");
  state.running_tokens = reader.number("running_tokens", kMost);
  state.evaluated_at = reader.number("evaluated_at", 1);
  state.stale = reader.count("stale");
  state.best = reader.count("best", -1);
  for (const auto element : reader.get<simdjson::dom::array>("history")) {
    simdjson::dom::object point;
    if (element.get(point) != simdjson::SUCCESS) reader.fail("history");
    state.history.push_back(point_from(Reader(point, file)));
  }
  if (state.best >= static_cast<int64_t>(state.history.size())) reader.fail("best");
  try {
    state.trace = ProgressTrace::parse(reader.text("trace"), file);
  } catch (const FormatError&) {
    reader.fail("trace");
  }
  state.replaying = reader.get<bool>("replaying");
  return state;
}

}  // namespace carousel::train
