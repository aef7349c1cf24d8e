#include "carousel/data/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

void require_learnable(const PairData& data) {
  const std::string file = data.files.empty() ? "data" : data.files.front();
  if (data.examples.empty()) {
    throw DataError(file, 0, 0, "[data] training needs examples; got none, all lines are blank. Write one per line.");
  }
  const std::string& target = data.examples.front().target;
  const bool constant = std::all_of(data.examples.begin(), data.examples.end(),
                                    [&](const PairExample& example) { return example.target == target; });
  if (constant && data.examples.size() > 1) {
    throw DataError(file, 0, 0,
                    fmt::format("[data] targets must differ for there to be something to learn; got {} in all {} "
                                "examples. Check which column is the target.",
                                clip_quoted(target), data.examples.size()));
  }
}

void require_dev(const PairData& dev) {
  if (!dev.examples.empty()) return;
  throw DataError(dev.files.empty() ? "dev" : dev.files.front(), 0, 0,
                  "[data] the dev file must hold at least one pair; got none. Check it.");
}

std::vector<Question> group_by_source(const PairData& data, const std::vector<int64_t>& indices) {
  std::vector<Question> questions;
  std::unordered_map<std::string_view, size_t> known;
  known.reserve(indices.size());
  for (const int64_t index : indices) {
    const std::string& source = data.examples[static_cast<size_t>(index)].source;
    const auto [place, fresh] = known.try_emplace(source, questions.size());
    if (fresh) questions.push_back({source, {}});
    questions[place->second].examples.push_back(index);
  }
  return questions;
}

std::vector<Question> group_by_source(const PairData& data) {
  std::vector<int64_t> all(data.examples.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  return group_by_source(data, all);
}

std::string describe_examples(const PairData& data, const std::vector<int64_t>& indices, int64_t max_lines) {
  std::map<int32_t, std::vector<int64_t>> lines;
  for (const int64_t index : indices) {
    const PairExample& example = data.examples[static_cast<size_t>(index)];
    lines[example.file].push_back(example.line);
  }
  std::string out;
  for (auto& [file, numbers] : lines) {
    std::sort(numbers.begin(), numbers.end());
    const auto shown = std::min(numbers.size(), static_cast<size_t>(max_lines));
    if (!out.empty()) out += "; ";
    out += fmt::format("{} {} {}", data.files[static_cast<size_t>(file)], numbers.size() == 1 ? "line" : "lines",
                       fmt::join(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (shown < numbers.size()) out += fmt::format(" (+{} more)", numbers.size() - shown);
  }
  return out;
}

}  // namespace carousel::data
