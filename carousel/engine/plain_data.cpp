#include "carousel/engine/plain_data.h"

#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/data/unpack.h"

namespace carousel::engine {

namespace fs = std::filesystem;

namespace {

bool suits(data::DataKind kind, const std::string& task) {
  switch (kind) {
    case data::DataKind::tags:
      return task == "tag";
    case data::DataKind::labels:
      return task == "classify";
    case data::DataKind::pairs:
      return task == "transduce";
    case data::DataKind::text:
      return task == "lm";
    case data::DataKind::series:
      return task == "forecast" || task == "detect";
    case data::DataKind::frames:
      return task == "classify" || task == "transduce";
  }
  return false;
}

/// What settings say of how data lie; nothing where they name a format.
std::optional<data::DataReading> reading_of(const std::vector<std::string>& settings) {
  data::DataReading reading;
  OptionTable table;
  table.section("data");
  reading.options(table);
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    const std::string key = setting.substr(0, equals);
    if (key == "format") return std::nullopt;
    if (table.find(key) != nullptr) table.set(key, setting.substr(equals + 1), "--set");
  }
  return reading;
}

}  // namespace

std::optional<data::DataPlan> plan_for_task(const std::string& task, const std::vector<std::string>& files,
                                            const std::vector<std::string>& settings) {
  const auto reading = reading_of(settings);
  if (!reading) return std::nullopt;
  try {
    data::DataPlan plan = data::plan_data(files, *reading, {});
    if (suits(plan.kind, task)) return plan;
  } catch (const Error&) {  // reading them for training will say what is wrong, or knows how they were meant
  }
  return std::nullopt;
}

uintmax_t bytes_of_files(const std::vector<std::string>& names) {
  constexpr uintmax_t kUnpacked = 4;  // times as large as when packed, of most texts
  uintmax_t sum = 0;
  const auto add = [&](const fs::path& file) {
    std::error_code error;
    const uintmax_t size = fs::file_size(file, error);
    if (error) return;
    const std::string name = file.string();
    sum += data::without_packing(name) == name ? size : size * kUnpacked;
  };
  for (const std::string& name : names) {
    std::error_code error;
    if (fs::is_regular_file(name, error)) add(name);
    if (!fs::is_directory(name, error)) continue;
    for (fs::directory_iterator place(name, error), end; !error && place != end; place.increment(error))
      if (std::error_code ignored; place->is_regular_file(ignored)) add(place->path());
  }
  return sum;
}

}  // namespace carousel::engine
