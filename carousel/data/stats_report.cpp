// Figures of data as JSON.
#include <nlohmann/json.hpp>

#include "carousel/data/stats.h"

namespace carousel::data {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Distribution& d) {
  Json bins = Json::array();
  for (const auto& bin : d.bins) bins.push_back({{"low", bin.low}, {"high", bin.high}, {"count", bin.count}});
  return {{"name", d.name},
          {"unit", d.unit},
          {"count", d.count},
          {"mean", d.mean()},
          {"min", d.min},
          {"median", d.median},
          {"percentile_90", d.percentile_90},
          {"percentile_99", d.percentile_99},
          {"max", d.max},
          {"bins", bins}};
}

Json json_of(const Coverage& c) {
  Json tops = Json::array();
  for (const auto& top : c.tops) tops.push_back({{"symbols", top.symbols}, {"share", top.share}});
  Json json = {{"name", c.name},           {"tokens", c.symbols}, {"symbols", c.running},
               {"inventory", c.different}, {"once", c.once},      {"counted_too_low_by", c.missed},
               {"most_frequent", tops}};
  if (c.dev_running > 0)
    json["dev"] = {{"symbols", c.dev_running}, {"unknown", c.dev_unknown}, {"examples", c.dev_examples}};
  return json;
}

Json json_of(const Balance& b) {
  Json counts = Json::array();
  for (const auto& [label, count] : b.counts) counts.push_back({{"label", label}, {"count", count}});
  return {{"name", b.name}, {"evenness", b.evenness()}, {"counts", counts}};
}

Json json_of(const NumericColumn& c) {
  return {{"name", c.name}, {"count", c.count}, {"min", c.min},
          {"max", c.max},   {"mean", c.mean},   {"standard_deviation", c.deviation}};
}

template <class T>
Json list_of(const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(json_of(item));
  return list;
}

}  // namespace

std::string DataStats::to_json() const {
  Json all = Json::object();
  for (const auto& [name, count] : counts) all[name] = count;
  return Json{{"schema", "carousel/data-stats@1"},
              {"kind", kind},
              {"format", format},
              {"reason", reason},
              {"counts", all},
              {"lengths", list_of(lengths)},
              {"coverage", list_of(coverage)},
              {"balance", list_of(balance)},
              {"columns", list_of(columns)},
              {"notes", notes}}
      .dump();
}

}  // namespace carousel::data
