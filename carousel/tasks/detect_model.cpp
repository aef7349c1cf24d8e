#include "carousel/tasks/detect_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/json_object.h"
#include "carousel/tasks/describe.h"

namespace carousel::tasks {

namespace {

constexpr size_t kSeriesListed = 10;
constexpr const char* kDetectKey = "detect.series";

std::vector<std::string> candidate_scores(const DetectOptions& options) {
  return options.score == "auto" ? detect_scores() : std::vector<std::string>{options.score};
}

}  // namespace

GroupDetector::GroupDetector(const DetectOptions& options, std::vector<SeriesDetector> series, std::string score)
    : series_(std::move(series)),
      alarm_(options.quiet, options.habituation),
      score_(std::move(score)),
      warm_up_(options.warm_up) {}

GroupDetector::Answer GroupDetector::read(const std::vector<double>& values) {
  Answer answer;
  bool warm = true;
  for (size_t s = 0; s < series_.size(); ++s) {
    const Signals signals = series_[s].read(values[s]);
    const double score = signals.of(score_);
    if (s == 0) answer.expected = signals.expected;
    answer.error += signals.error / static_cast<double>(series_.size());
    answer.step += signals.step / static_cast<double>(series_.size());
    if (s == 0 || score > answer.score) {
      answer.score = score;
      answer.because = s;
    }
    warm = warm && series_[s].rows() > warm_up_;
  }
  const AlarmScore::Answer alarm = alarm_.read(warm ? answer.score : 0);
  answer.score = alarm.score;
  answer.peak = alarm.peak;
  return answer;
}

DetectModel::Network::Network(const DetectOptions& o, uint64_t seed) {
  if (o.score != "reconstruction") {
    next = std::make_unique<nn::NextValue>(o.stack, SeriesFeatures::kCount, seed);
    child("next", *next);
  }
  if (o.score != "forecast") {
    again = std::make_unique<nn::SequenceAutoencoder>(o.stack, o.code_size, mix(seed, 1));
    child("again", *again);
  }
  choice = parameter("choice", Tensor::zeros({1}));
  threshold = parameter("threshold", Tensor::zeros({1}));
  found = parameter("found", Tensor::zeros({static_cast<int64_t>(candidate_scores(o).size())}));
}

DetectModel::DetectModel(DetectParts parts, uint64_t seed)
    : parts_(std::move(parts)), network_(std::make_unique<Network>(parts_.options, seed)) {}

nn::Module& DetectModel::module() {
  return *network_;
}

std::vector<std::string> DetectModel::candidates() const {
  return candidate_scores(parts_.options);
}

std::string DetectModel::chosen() const {
  const std::vector<std::string> all = candidates();
  // From a file it may be any number.
  const double last = static_cast<double>(all.size()) - 1;
  return all[static_cast<size_t>(std::clamp(std::round(network_->choice.value().item()), 0.0, last))];
}

double DetectModel::threshold() const {
  return network_->threshold.value().item();
}

void DetectModel::choose(const std::string& score, double threshold, const std::map<std::string, double>& found) const {
  const std::vector<std::string> all = candidates();
  network_->choice.mutable_value().fill(static_cast<double>(std::find(all.begin(), all.end(), score) - all.begin()));
  network_->threshold.mutable_value().fill(threshold);
  for (size_t k = 0; k < all.size(); ++k)
    network_->found.mutable_value().data<float>()[k] = static_cast<float>(found.at(all[k]));
}

DetectNetworks DetectModel::networks() {
  DetectNetworks networks;
  networks.again = network_->again.get();
  if (!network_->next) return networks;
  uint64_t version = 0;  // grows with every change of a weight
  for (const nn::NamedParameter& p : network_->next->parameters()) version += p.var.version();
  if (!stream_ || version != stream_version_)
    stream_ = std::make_shared<const nn::StreamModel>(network_->next->stream_network());
  stream_version_ = version;
  networks.next = stream_;
  return networks;
}

SeriesDetector DetectModel::one_detector(int64_t period) {
  DetectNetworks all = networks();
  const std::string score = chosen();
  if (score == "forecast") all.again = nullptr;
  return {parts_.options, std::move(all), period};
}

const DetectMemory* DetectModel::memory_of(const std::string& name, bool only_one) const {
  const std::vector<DetectMemory>& known = parts_.memories;
  const auto place = std::find_if(known.begin(), known.end(), [&](const DetectMemory& m) { return m.name == name; });
  if (place != known.end()) return &*place;
  return known.size() == 1 && only_one ? &known.front() : nullptr;  // whatever its column is called
}

bool DetectModel::knows(const std::vector<std::string>& names, bool only_one) const {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) { return memory_of(name, only_one); });
}

GroupDetector DetectModel::detector(const std::vector<std::string>& names, std::span<const int64_t> times,
                                    data::TimeStyle style, bool only_one, int64_t* going_on) {
  // Of a stream no more is known when its second row comes.
  const data::TimeStep step = times.size() > 1 ? data::step_of(times.first(2), style) : data::TimeStep();
  std::vector<SeriesDetector> made;
  for (const std::string& name : names) {
    const DetectMemory* place = memory_of(name, only_one);
    made.push_back(one_detector(place ? place->period : period_of(step, style, parts_.options, parts_.period)));
    if (!place || times.empty() || place->step.count < 1 || times.front() <= place->last_time ||
        times.front() > data::advance(place->last_time, place->step, kKeptRows))
      continue;
    for (const double value : place->end) made.back().read(value);
    if (going_on) ++*going_on;
  }
  return {parts_.options, std::move(made), chosen()};
}

std::vector<GroupDetector::Answer> DetectModel::answers(const DetectGroup& group, size_t groups) {
  std::vector<std::string> names;
  for (const data::Series& s : group.series) names.push_back(s.name);
  const auto& times = group.series.front().times;
  GroupDetector detector = this->detector(
      names,
      times ? std::span<const int64_t>(*times).first(std::min<size_t>(2, times->size())) : std::span<const int64_t>(),
      group.style, groups == 1 && names.size() == 1, nullptr);
  std::vector<GroupDetector::Answer> all;
  std::vector<double> values(names.size());
  all.reserve(static_cast<size_t>(group.rows()));
  for (int64_t i = 0; i < group.rows(); ++i) {
    for (size_t s = 0; s < values.size(); ++s) values[s] = group.series[s].values[static_cast<size_t>(i)];
    all.push_back(detector.read(values));
  }
  return all;
}

std::map<std::string, std::string> DetectModel::metadata() const {
  std::vector<std::string> names;
  std::vector<int64_t> times, steps, periods, lengths;
  std::vector<double> ends;
  for (const DetectMemory& m : parts_.memories) {
    names.push_back(m.name);
    times.push_back(m.last_time);
    steps.push_back(m.step.months ? -m.step.count : m.step.count);
    periods.push_back(m.period);
    lengths.push_back(static_cast<int64_t>(m.end.size()));
    ends.insert(ends.end(), m.end.begin(), m.end.end());
  }
  const data::SeriesPlan& plan = parts_.plan;
  const nlohmann::ordered_json json = {{"names", names},
                                       {"last_time", times},
                                       {"step", steps},
                                       {"period", periods},
                                       {"end_length", lengths},
                                       {"end", ends},
                                       {"separator", std::string(1, plan.separator)},
                                       {"layout", plan.layout},
                                       {"roles", plan.roles},
                                       {"columns", plan.names},
                                       {"time_style", static_cast<int64_t>(parts_.style)},
                                       {"common_period", parts_.period}};
  return {{kDetectKey, json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)}};
}

DetectParts load_detect_parts(const DetectOptions& options, const std::map<std::string, std::string>& metadata,
                              const std::string& file) {
  const auto found = metadata.find(kDetectKey);
  if (found == metadata.end())
    throw FormatError(file, 0,
                      fmt::format("[model] the metadata must hold '{}'; got none. The file is no detector or is "
                                  "damaged; train again.",
                                  kDetectKey));
  const data::JsonObject json(found->second, file, kDetectKey);
  const std::vector<std::string> names = json.texts("names");
  const std::vector<double> ends = json.numbers("end");
  const std::vector<int64_t> times = json.integers("last_time"), steps = json.integers("step"),
                             periods = json.integers("period"), lengths = json.integers("end_length");
  for (const size_t n : {times.size(), steps.size(), periods.size(), lengths.size()})
    if (n != names.size() || n == 0)
      json.fail("there must be series, with as many of each number", fmt::format("{} and {}", names.size(), n));
  constexpr int64_t kLargestTime = int64_t{1} << 53, kLargestStep = int64_t{1} << 37, kLongestSeason = 1000000;
  DetectParts parts;
  parts.options = options;
  if (options.window < 1)
    throw FormatError(
        file, 0,
        fmt::format("[model] window must be at least 1; got {}. The file is damaged; train again.", options.window));
  parts.plan.layout = json.text("layout");
  parts.plan.roles = json.texts("roles");
  parts.plan.names = json.texts("columns");
  const auto has = [&](const char* role) { return std::count(parts.plan.roles.begin(), parts.plan.roles.end(), role); };
  if (parts.plan.layout != "rows" && (parts.plan.roles.size() != parts.plan.names.size() || has("value") == 0 ||
                                      has("time") > 1 || has("series") > 1 || has("label") > 1))
    json.fail("columns must have a role each, and one of them the values",
              fmt::format("{} columns and {} roles, {} of them values", parts.plan.names.size(),
                          parts.plan.roles.size(), has("value")));
  const std::string separator = json.text("separator");
  if (separator.size() != 1) json.fail("the separator must be one character", separator);
  parts.plan.separator = separator.front();
  parts.style = static_cast<data::TimeStyle>(json.integer("time_style", 0, 4));
  parts.period = json.integer("common_period", 1, kLongestSeason);
  size_t used = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (lengths[i] < 0 || lengths[i] > kKeptRows || static_cast<size_t>(lengths[i]) > ends.size() - used)
      json.fail("the ends of the series must be there", fmt::format("{} values", lengths[i]));
    const auto beyond = [](int64_t value, int64_t most) { return value > most || value < -most; };
    if (beyond(times[i], kLargestTime) || beyond(steps[i], kLargestStep) || periods[i] < 1 ||
        periods[i] > kLongestSeason)
      json.fail("times, steps and seasons must be possible",
                fmt::format("{}, {} and {}", times[i], steps[i], periods[i]));
    DetectMemory m;
    m.name = names[i];
    m.last_time = times[i];
    m.step.count = std::abs(steps[i]);
    m.step.months = steps[i] < 0;
    m.period = periods[i];
    const auto begin = ends.begin() + static_cast<int64_t>(used);
    m.end.assign(begin, begin + lengths[i]);
    used += static_cast<size_t>(lengths[i]);
    parts.memories.push_back(std::move(m));
  }
  return parts;
}

AttentionMap DetectModel::inspect(const std::string&, const PredictOptions&) {
  throw UnsupportedError(
      "[inspect] a detector reads rows of numbers and has no attention; got a line. Look at its scores with predict.");
}

std::vector<Prediction> DetectModel::predict(const std::vector<std::string>&, const PredictOptions&) {
  throw UnsupportedError(
      "[predict] a detector answers rows of numbers; got lines of text. Name a file, or pipe rows into it: carousel "
      "predict MODEL FILE.");
}

std::string seasons_text(const DetectParts& parts) {
  std::set<int64_t> periods;
  for (const DetectMemory& memory : parts.memories) periods.insert(memory.period);
  if (periods.empty() || *periods.rbegin() <= 1) return "none";
  const std::string longest = counted(*periods.rbegin(), "step");
  return periods.size() == 1 ? longest : fmt::format("{} to {}", *periods.begin(), longest);
}

std::vector<std::pair<std::string, std::string>> DetectModel::describe() {
  const DetectOptions& o = parts_.options;
  std::vector<std::string> names;
  for (size_t i = 0; i < parts_.memories.size() && i < kSeriesListed; ++i) names.push_back(parts_.memories[i].name);
  if (names.size() < parts_.memories.size()) names.emplace_back("...");
  const std::vector<std::string> all = candidates();
  std::vector<std::string> found;
  for (size_t k = 0; k < all.size(); ++k)
    found.push_back(
        fmt::format("{} {:.0f} %", all[k], 100 * static_cast<double>(network_->found.value().data<float>()[k])));
  std::vector<std::pair<std::string, std::string>> rows = {
      {"series", fmt::format("{}: {}", parts_.memories.size(), fmt::join(names, ", "))},
      {"scored by", chosen()},
      {"finds", fmt::format("{} of the anomalies put into held-out rows", fmt::join(found, ", "))},
      {"threshold", fmt::format("{:.4g}, for {:g} false {} in {}", threshold(), o.false_alarms,
                                o.false_alarms == 1 ? "alarm" : "alarms",
                                o.budget_per == "1000" ? "1000 rows" : "a " + o.budget_per)},
      {"quiet", counted(o.quiet, "row")},
      {"season", seasons_text(parts_)},
      {"network", network_text(o.stack)}};
  add_stack_rows(rows, o.stack);
  if (network_->next) {
    add_parameter_rows(rows, o.stack, SeriesFeatures::kCount);
    add_lines(rows, "cell", network_->next->stack().cell().equations());
  }
  return rows;
}

}  // namespace carousel::tasks
