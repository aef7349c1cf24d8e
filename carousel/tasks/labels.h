// The names that a model may answer with, and how often training had each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::tasks {

/// In order of their names.
struct Labels {
  std::vector<std::string> names;
  std::vector<int64_t> counts;

  static Labels of(const std::map<std::string, int64_t>& counts);
  /// {"names": [...], "counts": [...]} as JSON text, and back. Throws FormatError naming `file` and `what`: none,
  /// counts below 1, names out of order, empty or with line ends.
  std::string to_json() const;
  static Labels from_json(const std::string& json, const std::string& file, const std::string& what);

  int64_t size() const { return static_cast<int64_t>(names.size()); }
  /// -1 for a label that training did not have.
  int64_t find(std::string_view name) const;
  int64_t most_frequent() const;
  const std::string& most_frequent_name() const { return names[static_cast<size_t>(most_frequent())]; }
  /// How often all of them together.
  int64_t total() const;
  /// Of that, the shares of each.
  std::vector<double> shares() const;
  /// The first ones with their counts: "bad (40), good (60), ...".
  std::string list(size_t shown) const;
};

}  // namespace carousel::tasks
