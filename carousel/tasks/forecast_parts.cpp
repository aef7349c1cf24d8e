#include "carousel/tasks/forecast_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "carousel/base/error.h"
#include "carousel/data/json_object.h"

namespace carousel::tasks {

namespace {

constexpr const char* kMemoryKey = "forecast.series";
constexpr size_t kMostColumns = 10000;  ///< known in advance

/// The next `count` of some numbers, which are taken off its front.
template <class T>
void take_part(const data::JsonObject& json, std::vector<double>& numbers, size_t& used, size_t count,
               std::vector<T>& to) {
  if (count > numbers.size() - used)
    json.fail("there must be numbers for each series", fmt::format("{} of {}", numbers.size() - used, count));
  const auto begin = numbers.begin() + static_cast<int64_t>(used);
  std::transform(begin, begin + static_cast<int64_t>(count), std::back_inserter(to),
                 [](double x) { return static_cast<T>(x); });
  used += count;
}

void read_covariates(const data::JsonObject& json, size_t series, ForecastParts& parts) {
  Covariates& c = parts.covariates;
  c.known = json.texts("known");
  c.mean = json.numbers("known_mean");
  c.deviation = json.numbers("known_deviation");
  c.calendar = json.texts("calendar");
  c.response = !c.known.empty() && series > 1;
  if (c.mean.size() != c.known.size() || c.deviation.size() != c.known.size() || c.known.size() > kMostColumns)
    json.fail("columns known in advance must have a mean and a deviation each",
              fmt::format("{}, {} and {}", c.known.size(), c.mean.size(), c.deviation.size()));
  for (const double d : c.deviation)
    if (!(d > 0)) json.fail("deviations must be above 0", fmt::format("{}", d));
  std::vector<std::string> all = {"hour_of_day", "day_of_week", "time_of_year"};
  for (const std::string& what : c.calendar) {
    const auto place = std::find(all.begin(), all.end(), what);
    if (place == all.end()) json.fail("the calendar knows hour_of_day, day_of_week and time_of_year, each once", what);
    all.erase(place);
  }
  parts.options.network.channels = c.channels();
}

}  // namespace

std::map<std::string, std::string> forecast_metadata(const ForecastParts& parts) {
  std::vector<std::string> names;
  std::vector<double> means, deviations, errors, ends, responses;
  std::vector<float> channels;
  std::vector<int64_t> times, steps, lengths;
  for (const SeriesMemory& m : parts.memories) {
    names.push_back(m.name);
    means.push_back(m.mean);
    deviations.push_back(m.deviation);
    errors.push_back(m.seasonal_error);
    times.push_back(m.last_time);
    steps.push_back(m.step.months ? -m.step.count : m.step.count);
    lengths.push_back(static_cast<int64_t>(m.end.size()));
    ends.insert(ends.end(), m.end.begin(), m.end.end());
    responses.insert(responses.end(), m.responses.begin(), m.responses.end());
    channels.insert(channels.end(), m.end_covariates.begin(), m.end_covariates.end());
  }
  nlohmann::ordered_json json = {{"names", names},           {"mean", means},      {"deviation", deviations},
                                 {"seasonal_error", errors}, {"last_time", times}, {"step", steps},
                                 {"end_length", lengths},    {"end", ends}};
  const Covariates& c = parts.covariates;
  if (c.channels() > 0) {
    json["known"] = c.known;
    json["known_mean"] = c.mean;
    json["known_deviation"] = c.deviation;
    json["calendar"] = c.calendar;
    json["responses"] = responses;
    json["end_channels"] = channels;
  }
  return {{kMemoryKey, json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)}};
}

ForecastParts load_forecast_parts(const ForecastOptions& options, const std::map<std::string, std::string>& metadata,
                                  const std::string& file) {
  const auto found = metadata.find(kMemoryKey);
  if (found == metadata.end())
    throw FormatError(file, 0,
                      fmt::format("[model] the metadata must hold '{}'; got none. The file is no forecaster or is "
                                  "damaged; train again.",
                                  kMemoryKey));
  const data::JsonObject json(found->second, file, kMemoryKey);
  const std::vector<std::string> names = json.texts("names");
  const std::vector<double> means = json.numbers("mean"), deviations = json.numbers("deviation"),
                            errors = json.numbers("seasonal_error"), ends = json.numbers("end");
  const std::vector<int64_t> times = json.integers("last_time"), steps = json.integers("step"),
                             lengths = json.integers("end_length");
  for (const size_t n : {means.size(), deviations.size(), errors.size(), times.size(), steps.size(), lengths.size()})
    if (n != names.size() || n == 0)
      json.fail("there must be series, with as many of each number", fmt::format("{} and {}", names.size(), n));
  // What a rule divides by and looks back to; a network checks its own.
  for (const int64_t n : {options.period, options.network.window, options.network.horizon})
    if (n < 1)
      throw FormatError(
          file, 0,
          fmt::format("[model] period, window and horizon must be at least 1; got {}. The file is damaged; "
                      "train again.",
                      n));
  constexpr int64_t kLargestTime = int64_t{1} << 53, kLargestStep = int64_t{1} << 37;  // 65,536 of them: a time
  ForecastParts parts;
  parts.options = options;
  if (json.has("known")) read_covariates(json, names.size(), parts);
  std::vector<double> responses, channels;
  if (json.has("known")) {
    responses = json.numbers("responses");
    channels = json.numbers("end_channels");
  }
  size_t used = 0, used_responses = 0, used_channels = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!(deviations[i] > 0) || errors[i] < 0)
      json.fail("deviations must be above 0 and errors at least 0", fmt::format("{} and {}", deviations[i], errors[i]));
    if (lengths[i] < 0 || lengths[i] > options.network.window || static_cast<size_t>(lengths[i]) > ends.size() - used)
      json.fail("the ends of the series must be there", fmt::format("{} values", lengths[i]));
    const auto beyond = [](int64_t value, int64_t most) { return value > most || value < -most; };
    if (beyond(times[i], kLargestTime) || beyond(steps[i], kLargestStep))
      json.fail("times and steps must be possible", fmt::format("{} and {}", times[i], steps[i]));
    SeriesMemory m;
    m.name = names[i];
    m.mean = means[i];
    m.deviation = deviations[i];
    m.seasonal_error = errors[i];
    m.last_time = times[i];
    m.step.count = std::abs(steps[i]);
    m.step.months = steps[i] < 0;
    const auto begin = ends.begin() + static_cast<int64_t>(used);
    m.end.assign(begin, begin + lengths[i]);
    used += static_cast<size_t>(lengths[i]);
    take_part(json, responses, used_responses, parts.covariates.response ? parts.covariates.known.size() : 0,
              m.responses);
    take_part(json, channels, used_channels, m.end.size() * static_cast<size_t>(parts.covariates.channels()),
              m.end_covariates);
    parts.memories.push_back(std::move(m));
  }
  return parts;
}

}  // namespace carousel::tasks
