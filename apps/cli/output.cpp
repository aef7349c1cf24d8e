#include "apps/cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>
#include <system_error>

#include "apps/cli/terminal.h"
#include "carousel/base/error.h"

namespace carousel::cli {

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EPIPE) throw ClosedPipe();
    if (count < 0) {
      throw ResourceError(fmt::format("[stdout] all output must be written; got: {}. Free space or write elsewhere.",
                                      std::generic_category().message(errno)));
    }
    text.remove_prefix(static_cast<size_t>(count));
  }
}

void print_json(const Json& value, bool pretty) {
  print(value.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void write_stderr(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void say(std::string_view line) {
  write_stderr(printable(line) + "\n");
}

std::string printable(std::string_view text) {
  std::string safe;
  while (true) {
    const size_t end = std::min(text.find_first_of("\n\t"), text.size());
    safe += fit(text.substr(0, end), std::numeric_limits<int64_t>::max());
    if (end == text.size()) return safe;
    safe += text[end];
    text.remove_prefix(end + 1);
  }
}

Json in_training(const tasks::Prediction& prediction) {
  return prediction.in_training ? Json(*prediction.in_training) : Json(nullptr);
}

std::string metric_text(const std::string& name, double value) {
  const auto ends_with = [&](std::string_view end) {
    return name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
  };
  if (ends_with("_rate") || ends_with("accuracy") || ends_with("_share")) return fmt::format("{:.2f} %", 100 * value);
  return fmt::format("{:.4g}", value);
}

std::string metric_title(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string clock_text(double seconds) {
  constexpr double kLongest = 1e9;  // keeps the conversion below defined for any estimate
  const auto total = static_cast<int64_t>(std::isfinite(seconds) ? std::clamp(seconds, 0.0, kLongest) : kLongest);
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

}  // namespace carousel::cli
