#include "carousel/base/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

#include "carousel/base/error.h"

namespace carousel {

namespace {

std::string text_of(const Option::Field& field) {
  return std::visit(
      [](auto* value) -> std::string {
        using T = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
          return fmt::format("{}", fmt::join(*value, ","));
        } else {
          return fmt::format("{}", *value);
        }
      },
      field);
}

template <class T>
std::optional<T> number_of(std::string_view text) {
  T value{};
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  return value;
}

std::optional<bool> truth_of(const std::string& text) {
  if (text == "true" || text == "yes" || text == "on" || text == "1") return true;
  if (text == "false" || text == "no" || text == "off" || text == "0") return false;
  return std::nullopt;
}

std::string bounds(const Option& option) {
  const bool low = std::isfinite(option.min), high = std::isfinite(option.max);
  if (low && high) return fmt::format(" from {} to {}", option.min, option.max);
  if (low) return fmt::format(" of at least {}", option.min);
  if (high) return fmt::format(" of at most {}", option.max);
  return "";
}

std::string rule(const Option& option) {
  struct Kind {
    const Option& option;
    std::string operator()(int64_t*) const { return "an integer" + bounds(option); }
    std::string operator()(double*) const { return "a number" + bounds(option); }
    std::string operator()(bool*) const { return "true or false"; }
    std::string operator()(std::string*) const {
      if (option.choices.empty()) return "valid UTF-8 text";
      return fmt::format("one of {}", fmt::join(option.choices, ", "));
    }
    std::string operator()(std::vector<int64_t>*) const { return "integers" + bounds(option) + ", joined by commas"; }
  };
  return std::visit(Kind{option}, option.field) + (option.auto_text.empty() ? "" : ", or " + option.auto_text);
}

/// Writes `text` into the field; false when it breaks the rule of the option, which leaves the field as it was.
class Assign {
 public:
  Assign(const Option& option, const std::string& text) : option_(option), text_(text) {}

  bool operator()(int64_t* field) const { return number(field, text_); }
  bool operator()(double* field) const { return number(field, text_); }
  bool operator()(bool* field) const {
    const auto value = truth_of(text_);
    if (value) *field = *value;
    return value.has_value();
  }
  bool operator()(std::string* field) const {
    const auto& choices = option_.choices;
    if (!simdjson::validate_utf8(text_)) return false;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), text_) == choices.end()) return false;
    *field = text_;
    return true;
  }
  bool operator()(std::vector<int64_t>* field) const {
    std::vector<int64_t> values;
    for (size_t begin = 0; begin < text_.size();) {
      const size_t end = std::min(text_.find(',', begin), text_.size());
      values.emplace_back();
      if (!number(&values.back(), std::string_view(text_).substr(begin, end - begin))) return false;
      if (end + 1 == text_.size()) return false;  // a comma with nothing behind it
      begin = end + 1;
    }
    *field = std::move(values);
    return true;
  }

 private:
  template <class T>
  bool number(T* field, std::string_view text) const {
    const auto value = number_of<T>(text);
    if (!value) return false;
    const auto size = static_cast<double>(*value);
    if (size < option_.min || size > option_.max) return false;
    *field = *value;
    return true;
  }

  const Option& option_;
  const std::string& text_;
};

/// What an error shows of a value: whole when short, so that one line stays one line.
std::string shown(const std::string& text) {
  constexpr size_t kMost = 60;
  std::string kept;
  for (const char c : text.substr(0, kMost)) kept += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  if (!simdjson::validate_utf8(kept) && simdjson::validate_utf8(text)) {
    while (!kept.empty() && !simdjson::validate_utf8(kept)) kept.pop_back();
  }
  return text.size() > kMost ? kept + "..." : kept;
}

}  // namespace

Option& Option::range(double low, double high) {
  min = low;
  max = high;
  return *this;
}

Option& Option::one_of(std::vector<std::string> allowed) {
  choices = std::move(allowed);
  return *this;
}

Option& Option::automatic() {
  auto_text = "auto";
  return *this;
}

std::string Option::value_text() const {
  const std::string text = text_of(field);
  return !auto_text.empty() && text == default_text ? auto_text : text;
}

std::string Option::environment_name() const {
  std::string name_in_capitals = fmt::format("CAROUSEL_{}_{}", section, name);
  for (char& c : name_in_capitals) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return name_in_capitals;
}

Option& OptionTable::insert(std::string name, Option::Field field, std::string help) {
  for (const Option& row : rows_) {
    if (row.name == name) {
      throw ConfigError(fmt::format("[options] names are unique over all sections; got {} in {} and {}. Rename one.",
                                    name, row.section, section_));
    }
  }
  Option row;
  row.section = section_;
  row.name = std::move(name);
  row.help = std::move(help);
  row.field = field;
  row.default_text = text_of(field);
  rows_.push_back(std::move(row));
  return rows_.back();
}

const Option* OptionTable::find(const std::string& key) const {
  for (const Option& row : rows_) {
    if (row.name == key || row.section + "." + row.name == key) return &row;
  }
  return nullptr;
}

std::string OptionTable::nearest(const std::string& key) const {
  // A right name under a wrong section is the most likely slip; then whole keys, then bare names.
  std::string bare = key.substr(key.rfind('.') + 1);
  if (find(bare) != nullptr) return bare;
  std::vector<std::string> names;
  for (const Option& row : rows_) names.push_back(row.name);
  return nearest_name(bare, names);
}

void OptionTable::set(const std::string& key, const std::string& text, const std::string& origin) {
  const Option* found = find(key);
  if (found == nullptr) {
    const std::string candidate = nearest(key);
    throw ConfigError(fmt::format("[{}] no option is called \"{}\". {}", origin, shown(key),
                                  candidate.empty() ? "`carousel config dump` lists all names."
                                                    : fmt::format("Did you mean \"{}\"?", candidate)));
  }
  Option& row = rows_[static_cast<size_t>(found - rows_.data())];
  if (!row.auto_text.empty() && text == row.auto_text) {
    // The default may lie outside the range (0 for "chosen"), so it is assigned without the check.
    Option unbounded = row;
    unbounded.range(-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()).choices.clear();
    std::visit(Assign(unbounded, row.default_text), row.field);
    row.origin = "default";
    return;
  }
  if (!std::visit(Assign(row, text), row.field)) {
    const std::string near = nearest_name(text, row.choices);
    throw ConfigError(fmt::format("[{}] {} must be {}; got \"{}\". {}", origin, row.name, rule(row), shown(text),
                                  near.empty() ? "It means: " + row.help : fmt::format("Did you mean \"{}\"?", near)));
  }
  row.origin = origin;
}

int64_t edit_distance(const std::string& a, const std::string& b) {
  // Optimal string alignment; three rolling rows are enough for the swap of two neighbours.
  const size_t n = b.size();
  std::vector<int64_t> before(n + 1), above(n + 1), row(n + 1);
  for (size_t j = 0; j <= n; ++j) above[j] = static_cast<int64_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int64_t>(i);
    for (size_t j = 1; j <= n; ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[n];
}

namespace {

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace

std::string nearest_name(const std::string& name, const std::vector<std::string>& candidates) {
  constexpr size_t kLongestName = 64;  // bounds the work; nothing longer is a typo of an option
  if (name.empty() || name.size() > kLongestName) return "";
  std::string best;
  int64_t best_distance = std::numeric_limits<int64_t>::max();
  for (const std::string& candidate : candidates) {
    const int64_t distance = edit_distance(lower_case(name), lower_case(candidate));
    const auto allowed = static_cast<int64_t>(std::max<size_t>(1, std::min(name.size(), candidate.size()) / 3));
    if (distance <= allowed && distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace carousel
