#include "carousel/tasks/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "carousel/data/json_object.h"
#include "carousel/data/unicode.h"

namespace carousel::tasks {

Labels Labels::of(const std::map<std::string, int64_t>& counts) {
  Labels labels;
  for (const auto& [name, count] : counts) {
    labels.names.push_back(name);
    labels.counts.push_back(count);
  }
  return labels;
}

std::string Labels::to_json() const {
  return nlohmann::ordered_json{{"names", names}, {"counts", counts}}.dump();
}

Labels Labels::from_json(const std::string& json, const std::string& file, const std::string& what) {
  const data::JsonObject object(json, file, what);
  Labels labels{object.texts("names"), object.integers("counts")};
  const std::vector<std::string>& names = labels.names;
  const std::vector<int64_t>& counts = labels.counts;
  if (names.empty() || names.size() != counts.size())
    object.fail("there must be labels, with a count for each", fmt::format("{} and {}", names.size(), counts.size()));
  for (size_t i = 0; i < names.size(); ++i) {
    // An answer is a line.
    if (names[i].empty() || names[i].find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
      object.fail("labels must have text without line ends", data::clip_quoted(names[i]));
    if (i > 0 && names[i - 1] >= names[i])
      object.fail("labels must differ and stand in order", data::clip_quoted(names[i]));
    if (counts[i] < 1 || counts[i] > (int64_t{1} << 50)) object.fail("counts from 1 on", fmt::format("{}", counts[i]));
  }
  return labels;
}

int64_t Labels::find(std::string_view name) const {
  const auto at = std::lower_bound(names.begin(), names.end(), name);
  return at != names.end() && *at == name ? at - names.begin() : -1;
}

int64_t Labels::most_frequent() const {
  return std::max_element(counts.begin(), counts.end()) - counts.begin();
}

int64_t Labels::total() const {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

std::vector<double> Labels::shares() const {
  const auto all = static_cast<double>(total());
  std::vector<double> shares;
  for (const int64_t count : counts) shares.push_back(static_cast<double>(count) / all);
  return shares;
}

std::string Labels::list(size_t shown) const {
  std::string text;
  for (size_t i = 0; i < names.size() && i < shown; ++i)
    text += fmt::format("{}{} ({})", i > 0 ? ", " : "", names[i], counts[i]);
  return text + (shown < names.size() ? ", ..." : "");
}

}  // namespace carousel::tasks
