#include <fmt/format.h>
#include <fmt/ranges.h>

#include "carousel/base/error.h"
#include "carousel/base/options.h"
#include "carousel/tasks/classify.h"
#include "carousel/tasks/detect.h"
#include "carousel/tasks/forecast.h"
#include "carousel/tasks/language_model.h"
#include "carousel/tasks/tag.h"
#include "carousel/tasks/task.h"
#include "carousel/tasks/transduce.h"

namespace carousel::tasks {

namespace {

struct Entry {
  const char* name;
  std::unique_ptr<Task> (*make)();
};

/// Every task there is, one line each, in the order in which files are offered to them.
/// Tagged sentences first: their columns look like a table of labelled texts. Those before pairs: a table of them is
/// one of pairs too.
constexpr Entry kTasks[] = {{"tag", make_tag},           {"classify", make_classify},   {"detect", make_detect},
                            {"forecast", make_forecast}, {"transduce", make_transduce}, {"lm", make_language_model}};

}  // namespace

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Entry& row : kTasks) names.emplace_back(row.name);
  return names;
}

std::unique_ptr<Task> make_task(const std::string& name) {
  for (const Entry& row : kTasks)
    if (name == row.name) return row.make();
  const std::string nearest = nearest_name(name, task_names());
  throw ConfigError(fmt::format("[task] there is no task '{:.40}'; got known tasks {}. {}", name,
                                fmt::join(task_names(), ", "),
                                nearest.empty() ? "Choose one of them." : "Did you mean '" + nearest + "'?"));
}

std::pair<std::string, std::string> decide_task(const std::vector<std::string>& data) {
  if (data.empty()) throw ConfigError("[task] at least one data file is needed; got none. Name one.");
  for (const Entry& row : kTasks) {
    const std::string reason = row.make()->recognises(data);
    if (!reason.empty()) return {row.name, reason};
  }
  throw DataError(data.front(), 0, 0,
                  fmt::format("[task] the file must fit one of the tasks {}; got none that does. Name one with --task.",
                              fmt::join(task_names(), ", ")));
}

}  // namespace carousel::tasks
