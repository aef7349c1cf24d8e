#include "carousel/tasks/forecast_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/unicode.h"
#include "carousel/train/forecasting.h"

namespace carousel::tasks {

namespace {

constexpr size_t kNamesShown = 3;

SeriesMemory memory_of(const data::Series& series, size_t series_in_file, const ForecastParts& parts,
                       std::vector<std::string>& strangers) {
  const std::vector<SeriesMemory>& known = parts.memories;
  const auto place =
      std::find_if(known.begin(), known.end(), [&](const SeriesMemory& m) { return m.name == series.name; });
  if (place != known.end()) return *place;
  if (known.size() == 1 && series_in_file == 1) return known.front();  // whatever its column is called
  strangers.push_back(series.name);
  SeriesMemory own = remember(series, series.length());
  own.seasonal_error = train::seasonal_error(series.values, parts.options.period);
  own.responses = parts.covariates.responses_of(series, series.length(), own.deviation, parts.options.period);
  return own;
}

bool continues(const data::Series& series, const SeriesMemory& memory, int64_t window, int64_t least) {
  if (static_cast<int64_t>(memory.end.size()) < window) return false;
  if (!series.times) return series.length() < least;
  return memory.step.count > 0 && data::advance(memory.last_time, memory.step, 1) == series.times->front();
}

/// As many rows behind the last value of each series as are forecast.
void require_future(const ForecastParts& parts, const data::SeriesSet& set, int64_t behind) {
  for (const data::Series& series : set.series) {
    const int64_t there = series.known ? series.known->rows() - series.length() : behind;
    if (!parts.covariates.known.empty() && there < behind)
      throw DataError(set.file, 0, 0,
                      fmt::format("[predict] what is known in advance must be given for all {} that are forecast; got "
                                  "{} behind the last value of {}. Add rows with {} and empty values.",
                                  counted(behind, "step"), counted(there, "row"), data::clip_quoted(series.name),
                                  fmt::join(parts.covariates.known, ", ")));
  }
}

}  // namespace

void require_known(const Covariates& covariates, const data::SeriesSet& set) {
  for (const data::Series& series : set.series) {
    const std::vector<std::string> names = series.known ? series.known->names : std::vector<std::string>();
    if (names != covariates.known)
      throw DataError(set.file, 0, 0,
                      fmt::format("[forecast] the columns known in advance must be those of the training data, {}; got "
                                  "{}. Put them in the same places under the same names.",
                                  fmt::join(covariates.known, ", "), fmt::join(names, ", ")));
    const bool dated = series.times && !series.times->empty() && set.style != data::TimeStyle::integer;
    if (!covariates.calendar.empty() && !dated)
      throw DataError(
          set.file, 0, 0,
          "[forecast] the model was told the calendar, so the file must have the column of dates; got none. "
          "Add it, or train with calendar=no.");
  }
}

std::string some_of(const std::vector<std::string>& names) {
  std::vector<std::string> some(names.begin(),
                                names.begin() + static_cast<int64_t>(std::min(names.size(), kNamesShown)));
  if (some.size() < names.size()) some.emplace_back("...");
  return fmt::format("{}", fmt::join(some, ", "));
}

std::string ForecastFile::time_of(size_t series, int64_t place) const {
  const data::Series& s = set.series[series];
  if (!s.times || s.times->empty()) return "";
  const int64_t row = place - in_front[series], there = static_cast<int64_t>(s.times->size());
  if (row < 0) return "";
  const int64_t time =
      row < there ? (*s.times)[static_cast<size_t>(row)] : data::advance(s.times->back(), s.step, row - there + 1);
  return data::format_time({time, set.style});
}

std::vector<std::shared_ptr<const std::vector<float>>> channels_of(const Covariates& covariates,
                                                                   const data::SeriesSet& set,
                                                                   const std::vector<SeriesMemory>& memories,
                                                                   int64_t behind) {
  std::vector<std::shared_ptr<const std::vector<float>>> all(set.series.size());
  if (covariates.channels() == 0) return all;
  std::map<std::tuple<const void*, const void*, int64_t>, size_t> places;
  for (size_t s = 0; s < all.size(); ++s) {
    const data::Series& series = set.series[s];
    const auto [place, fresh] =
        places.try_emplace(std::tuple(series.times.get(), series.known.get(), series.length()), s);
    all[s] = !fresh && !covariates.response ? all[place->second]
                                            : std::make_shared<const std::vector<float>>(covariates.of(
                                                  series, set.style, memories[s].responses, series.length() + behind));
  }
  return all;
}

ForecastFile open_forecast_file(const std::string& file, const ForecastParts& parts, int64_t least, int64_t behind) {
  const data::ReadOptions read = parts.options.read_options();
  const data::SeriesFormat& format = parts.options.format;
  const int64_t window = parts.options.network.window;
  ForecastFile out;
  out.set = data::read_series(file, data::plan_series(file, format, read), format, read);
  require_known(parts.covariates, out.set);
  require_future(parts, out.set, behind);
  out.notes = out.set.notes;
  std::vector<std::string> strangers, going_on;
  for (data::Series& series : out.set.series) {
    SeriesMemory memory = memory_of(series, out.set.series.size(), parts, strangers);
    if (series.step.count == 0) series.step = memory.step;
    out.memories.push_back(std::move(memory));
  }
  const auto channels = channels_of(parts.covariates, out.set, out.memories, behind);
  for (size_t s = 0; s < out.set.series.size(); ++s) {
    data::Series& series = out.set.series[s];
    const SeriesMemory& memory = out.memories[s];
    const bool goes_on = continues(series, memory, window, least);
    if (goes_on) {
      going_on.push_back(series.name);
      series.values.insert(series.values.begin(), memory.end.begin(), memory.end.end());
    }
    out.in_front.push_back(goes_on ? static_cast<int64_t>(memory.end.size()) : 0);
    out.standard.emplace_back(series, memory);
    out.standard.back().covariates = channels[s];
    if (!goes_on || !channels[s]) continue;
    std::vector<float> longer = memory.end_covariates;
    longer.insert(longer.end(), channels[s]->begin(), channels[s]->end());
    out.standard.back().covariates = std::make_shared<const std::vector<float>>(std::move(longer));
  }
  if (!going_on.empty())
    out.notes.push_back(fmt::format("{} where training ended ({}): the last {} of it stand before the file's",
                                    counted(static_cast<int64_t>(going_on.size()), "series begins", "series begin"),
                                    some_of(going_on), counted(window, "value")));
  if (!strangers.empty())
    out.notes.push_back(fmt::format("{} not in the training data ({}): measured by mean and deviation of the file",
                                    counted(static_cast<int64_t>(strangers.size()), "series was", "series were"),
                                    some_of(strangers)));
  return out;
}

}  // namespace carousel::tasks
