#include "carousel/engine/plain_data.h"

#include <filesystem>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/data/unpack.h"

namespace carousel::engine {

namespace fs = std::filesystem;

std::optional<data::DataPlan> plan_of_plain_texts(const std::string& task, const std::vector<std::string>& files,
                                                  const std::vector<std::string>& settings) {
  constexpr std::string_view kReading[] = {"columns=", "format=", "header=", "target="};
  for (const std::string& setting : settings)
    for (const std::string_view reading : kReading)
      if (setting.starts_with(reading)) return std::nullopt;
  const data::DataConfig config;
  try {
    data::DataPlan plan = data::plan_data(files, config, config.read_options());
    const bool fits = (plan.kind == data::DataKind::tags && task == "tag") ||
                      (plan.kind == data::DataKind::labels && task == "classify") ||
                      (plan.kind == data::DataKind::pairs && task == "transduce");
    if (fits) return plan;
  } catch (const Error&) {  // reading them for training will say what is wrong, or knows how they were meant
  }
  return std::nullopt;
}

uintmax_t bytes_of_texts(const std::vector<std::string>& names) {
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
