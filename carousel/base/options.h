// Option tables: one row per option feeds parsing, range check, nearest-name errors, help, environment names, JSON,
// docs and shell completion.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace carousel {

/// One option, bound to a field. The field's value when the row is made is the default.
struct Option {
  using Field = std::variant<int64_t*, double*, bool*, std::string*, std::vector<int64_t>*>;
  std::string section;  ///< "train", "model", "data", "decode"
  std::string name;     ///< snake_case, unique over all sections
  std::string help;     ///< one sentence: meaning, unit, what "auto" does
  Field field;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices;  ///< allowed texts of a string option; empty: any
  std::string auto_text;             ///< name of the default when the program decides ("auto"); "" when there is none
  std::string default_text;
  std::string origin = "default";  ///< who set it: "default", "auto", "file x.toml:3", "environment", "command line"

  Option& range(double low, double high);
  Option& one_of(std::vector<std::string> allowed);
  /// The field's default stands for "the program decides"; the user may write `auto`.
  Option& automatic();
  bool is_default() const { return origin == "default"; }
  std::string value_text() const;
  /// "CAROUSEL_TRAIN_LEARNING_RATE".
  std::string environment_name() const;
};

/// The rows of one or more config structs. Holds pointers into them: they must outlive it.
class OptionTable {
 public:
  /// Rows added from now on belong to this section.
  void section(std::string name) { section_ = std::move(name); }
  template <class T>
  Option& add(std::string name, T* field, std::string help) {
    return insert(std::move(name), Option::Field(field), std::move(help));
  }
  /// `key` is `name` or `section.name`. Throws ConfigError: unknown key (with the nearest name), not a number, out of
  /// range, not one of the choices; the text names `origin`.
  void set(const std::string& key, const std::string& text, const std::string& origin);
  const Option* find(const std::string& key) const;
  /// Nearest known name to a mistyped key, or "".
  std::string nearest(const std::string& key) const;
  std::vector<Option>& rows() { return rows_; }
  const std::vector<Option>& rows() const { return rows_; }
  /// Reads CAROUSEL_<SECTION>_<NAME> of every row from the environment.
  void read_environment();
  /// Reads a TOML text with sections; errors carry `file:line:column` (DataError for syntax, ConfigError for keys).
  void read_toml(const std::string& text, const std::string& file);
  /// All values as a JSON object {"section": {"name": value}} in row order, and back. `from_json` ignores nothing: an
  /// unknown key is a ConfigError naming `file`.
  std::string to_json() const;
  void from_json(const std::string& json, const std::string& file);

 private:
  Option& insert(std::string name, Option::Field field, std::string help);
  std::vector<Option> rows_;
  std::string section_;
};

/// Edit distance (insert, delete, substitute, swap) for "did you mean".
int64_t edit_distance(const std::string& a, const std::string& b);
/// The candidate nearest to `name`, be it in upper or lower case, or "" when none is near enough to be a likely typo.
std::string nearest_name(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace carousel
