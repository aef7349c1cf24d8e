#include "carousel/data/series_time.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <map>

#include "carousel/base/text.h"

namespace carousel::data {

namespace {

constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86400;

bool take_digits(std::string_view& text, size_t digits, int& number) {
  if (text.size() < digits) return false;
  const char* end = text.data() + digits;
  for (const char* c = text.data(); c != end; ++c)
    if (*c < '0' || *c > '9') return false;
  std::from_chars(text.data(), end, number);
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

int64_t seconds_of(std::chrono::year_month_day date) {
  return std::chrono::sys_days(date).time_since_epoch().count() * kDay;
}

struct Civil {
  std::chrono::year_month_day date;
  int64_t second = 0;  ///< of the day
};

Civil civil_of(int64_t value) {
  const int64_t day = value >= 0 ? value / kDay : -((kDay - 1 - value) / kDay);
  return {std::chrono::sys_days(std::chrono::days(day)), value - day * kDay};
}

/// Months since the year 0.
int64_t month_of(const Civil& time) {
  return int64_t{static_cast<int>(time.date.year())} * 12 + static_cast<unsigned>(time.date.month()) - 1;
}

std::optional<Time> parse_integer(std::string_view cell) {
  constexpr int64_t kLargest = int64_t{1} << 53;
  Time time;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), time.value);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  if (time.value > kLargest || time.value < -kLargest) return std::nullopt;
  return time;
}

/// The time of the day behind a date; `text` is used up when it is one.
bool parse_clock(std::string_view& text, Time& time) {
  int hour = 0, minute = 0, second = 0;
  if (!take_digits(text, 2, hour) || !take(text, ':') || !take_digits(text, 2, minute)) return false;
  time.style = TimeStyle::minutes;
  if (take(text, ':')) {
    if (!take_digits(text, 2, second)) return false;
    time.style = TimeStyle::seconds;
    if (take(text, '.')) text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
  }
  take(text, 'Z');
  if (hour > 23 || minute > 59 || second > 59) return false;
  time.value += hour * kHour + minute * kMinute + second;
  return text.empty();
}

}  // namespace

std::optional<Time> parse_time(std::string_view cell) {
  if (const auto integer = parse_integer(cell)) return integer;
  int year = 0, month = 0, day = 1;
  if (!take_digits(cell, 4, year) || cell.empty()) return std::nullopt;
  const char dash = cell.front();
  if ((dash != '-' && dash != '/') || !take(cell, dash) || !take_digits(cell, 2, month)) return std::nullopt;
  Time time{0, TimeStyle::month};
  if (!cell.empty()) {
    if (!take(cell, dash) || !take_digits(cell, 2, day)) return std::nullopt;
    time.style = TimeStyle::date;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  time.value = seconds_of(date);
  if (cell.empty()) return time;
  if (!take(cell, ' ') && !take(cell, 'T')) return std::nullopt;
  if (!parse_clock(cell, time)) return std::nullopt;
  return time;
}

std::string format_time(const Time& time) {
  if (time.style == TimeStyle::integer) return fmt::format("{}", time.value);
  const Civil civil = civil_of(time.value);
  std::string text =
      fmt::format("{:04}-{:02}", static_cast<int>(civil.date.year()), static_cast<unsigned>(civil.date.month()));
  if (time.style == TimeStyle::month) return text;
  text += fmt::format("-{:02}", static_cast<unsigned>(civil.date.day()));
  if (time.style == TimeStyle::date) return text;
  text += fmt::format(" {:02}:{:02}", civil.second / kHour, civil.second % kHour / kMinute);
  if (time.style == TimeStyle::seconds) text += fmt::format(":{:02}", civil.second % kMinute);
  return text;
}

TimeStep step_of(std::span<const int64_t> times, TimeStyle style) {
  TimeStep step;
  if (times.size() < 2) return step;
  std::map<int64_t, int64_t> counts, months;
  bool same_day = style != TimeStyle::integer;
  const auto first = civil_of(style == TimeStyle::integer ? 0 : times.front());
  for (size_t i = 1; i < times.size(); ++i) {
    ++counts[times[i] - times[i - 1]];
    if (!same_day) continue;
    const Civil before = civil_of(times[i - 1]), now = civil_of(times[i]);
    same_day = now.date.day() == first.date.day() && now.second == first.second;
    ++months[month_of(now) - month_of(before)];
  }
  // Where all months are equally long they are days as well.
  step.months = same_day && (style == TimeStyle::month || counts.size() > 1);
  int64_t most = 0;
  for (const auto& [length, count] : step.months ? months : counts) {
    if (count > most) step.count = length;
    most = std::max(most, count);
  }
  step.exceptions = static_cast<int64_t>(times.size()) - 1 - most;
  return step;
}

int64_t advance(int64_t time, const TimeStep& step, int64_t steps) {
  if (!step.months) return time + step.count * steps;
  const Civil civil = civil_of(time);
  const auto months = std::chrono::months(static_cast<int>(step.count * steps));
  std::chrono::year_month_day date = civil.date + months;
  if (!date.ok()) date = date.year() / date.month() / std::chrono::last;
  return seconds_of(date) + civil.second;
}

std::string describe(const TimeStep& step, TimeStyle style) {
  if (style == TimeStyle::integer) return fmt::format("step {}", step.count);
  if (step.months) return counted(step.count, "month");
  for (const auto& [length, name] : {std::pair(kDay, "day"), {kHour, "hour"}, {kMinute, "minute"}})
    if (step.count % length == 0) return counted(step.count / length, name);
  return counted(step.count, "second");
}

}  // namespace carousel::data
