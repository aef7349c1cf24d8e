#include "carousel/engine/run_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>
#include <string_view>
#include <variant>

#include "carousel/base/error.h"
#include "carousel/base/files.h"

namespace carousel::engine {

namespace {

/// Options that do not change what is computed, so that a resumed run may differ in them.
constexpr std::array<std::string_view, 3> kFree = {"threads", "checkpoint_every_seconds", "replay"};

bool is_free(const Option& row) {
  return std::find(kFree.begin(), kFree.end(), row.name) != kFree.end();
}

std::string default_of(const Option& row) {
  return row.auto_text.empty() ? row.default_text : row.auto_text;
}

/// Sets the free options to their defaults while it lives.
class WithoutFree {
 public:
  explicit WithoutFree(OptionTable& table) : table_(table) {
    for (const Option& row : table.rows())
      if (is_free(row)) saved_.push_back({row.name, row.value_text(), row.origin, default_of(row)});
    for (const Saved& row : saved_) table.set(row.name, row.default_text, "default");
  }
  ~WithoutFree() {
    for (const Saved& row : saved_) table_.set(row.name, row.text, row.origin);
  }
  WithoutFree(const WithoutFree&) = delete;
  WithoutFree& operator=(const WithoutFree&) = delete;

 private:
  struct Saved {
    std::string name, text, origin, default_text;
  };
  OptionTable& table_;
  std::vector<Saved> saved_;
};

/// Throws where the option is one of other tasks.
void refuse_other_tasks(const Setting& setting, const std::string& task) {
  std::vector<std::string> theirs;
  for (const std::string& name : tasks::task_names()) {
    OptionTable table;
    const std::unique_ptr<tasks::Task> other = tasks::make_task(name);
    other->options(table);
    if (table.find(setting.key) != nullptr) theirs.push_back(name);
  }
  if (theirs.empty()) return;
  const std::string last = theirs.back();
  theirs.pop_back();
  throw ConfigError(
      fmt::format("[{}] {} is an option of {}; got it for {}. Leave it out, or say what to learn with "
                  "--task.",
                  setting.origin, setting.key,
                  theirs.empty() ? last : fmt::format("{} and {}", fmt::join(theirs, ", "), last), task));
}

}  // namespace

RunOptions::RunOptions(tasks::Task& task, const TrainRequest& request) {
  task.options(table_);
  if (!request.config_file.empty()) table_.read_toml(read_file(request.config_file), request.config_file);
  table_.read_environment();
  for (const Setting& setting : request.settings) {
    if (table_.find(setting.key) == nullptr) refuse_other_tasks(setting, task.name());
    table_.set(setting.key, setting.value, setting.origin);
  }
}

void RunOptions::adopt(const RunIdentity& saved, const std::string& file) {
  struct Value {
    std::string name, text, origin;
  };
  std::vector<Value> users;
  for (const Option& row : table_.rows())
    if (!row.is_default() && !is_free(row)) users.push_back({row.name, row.value_text(), row.origin});

  const WithoutFree unused(table_);
  table_.from_json(saved.options, file);
  std::string differences;
  for (const Value& value : users) {
    const std::string theirs = table_.find(value.name)->value_text();
    if (theirs != value.text)
      differences += fmt::format("{}{} is {} there and {} here ({})", differences.empty() ? "" : ", ", value.name,
                                 theirs, value.text, value.origin);
  }
  if (!differences.empty())
    throw ConfigError(
        fmt::format("[train] {} belongs to a run with other options; {}. Leave them out, or train to another "
                    "file.",
                    file, differences));
  // What was automatic or a default there is so here too: tasks may look at who set an option.
  std::set<std::string> set;
  std::istringstream names(saved.options_set);
  for (std::string name; std::getline(names, name, ',');) set.insert(name);
  for (Option& row : table_.rows())
    if (!set.contains(row.name)) row.origin = "default";
}

std::string RunOptions::in_force(const RunIdentity& saved, const std::string& file, const char* name) {
  const std::string now = table_.to_json();
  std::vector<std::string> origins;
  for (const Option& row : table_.rows()) origins.push_back(row.origin);
  table_.from_json(saved.config, file);
  std::string value = row(name).value_text();
  table_.from_json(now, file);
  for (size_t i = 0; i < origins.size(); ++i) table_.rows()[i].origin = origins[i];
  return value;
}

std::string RunOptions::to_json() const {
  // The table only holds pointers: a copy of it sees and, for a moment, changes the same fields.
  OptionTable table = table_;
  const WithoutFree unused(table);
  return table.to_json();
}

std::string RunOptions::names_set() const {
  std::vector<std::string> names;
  for (const Option& row : table_.rows())
    if (!row.is_default() && !is_free(row)) names.push_back(row.name);
  return fmt::format("{}", fmt::join(names, ","));
}

std::vector<std::string> RunOptions::as_settings() const {
  std::vector<std::string> settings;
  for (const Option& row : table_.rows())
    if (!row.is_default() && !is_free(row)) settings.push_back(row.name + "=" + row.value_text());
  return settings;
}

const Option& RunOptions::row(const char* name) const {
  const Option* found = table_.find(name);
  if (!found)
    throw ConfigError(
        fmt::format("[train] each task offers the trainer's options; got none called {}. Report this.", name));
  return *found;
}

int64_t RunOptions::integer(const char* name) const {
  return *std::get<int64_t*>(row(name).field);
}
double RunOptions::real(const char* name) const {
  return *std::get<double*>(row(name).field);
}
std::string RunOptions::text(const char* name) const {
  return *std::get<std::string*>(row(name).field);
}

void restore_options(tasks::Task& task, const RunIdentity& saved, const std::string& file) {
  OptionTable table;
  task.options(table);
  try {
    table.from_json(saved.config, file);
  } catch (const ConfigError& e) {
    throw FormatError(file, -1, e.what());
  }
}

}  // namespace carousel::engine
