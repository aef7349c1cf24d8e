#include "carousel/data/series_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>

#include "carousel/base/text.h"

namespace carousel::data {

namespace {

constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86400;

/// Takes `fewest` to `most` digits.
bool take_digits(std::string_view& text, size_t fewest, size_t most, int& number) {
  const size_t digits = std::min({text.find_first_not_of("0123456789"), text.size(), most});
  if (digits < fewest) return false;
  std::from_chars(text.data(), text.data() + digits, number);
  text.remove_prefix(digits);
  return true;
}

bool take_digits(std::string_view& text, size_t digits, int& number) {
  return take_digits(text, digits, digits, number);
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

/// "12", and "12.0" as programs write that count in floating point.
std::optional<Time> parse_integer(std::string_view cell) {
  constexpr int64_t kLargest = int64_t{1} << 53;
  Time time;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), time.value);
  if (error != std::errc()) return std::nullopt;
  std::string_view rest = cell.substr(static_cast<size_t>(end - cell.data()));
  if (!rest.empty() && (!take(rest, '.') || rest.find_first_not_of('0') != std::string_view::npos)) return std::nullopt;
  if (time.value > kLargest || time.value < -kLargest) return std::nullopt;
  return time;
}

/// " AM" or "pm" behind an hour of 1 to 12. False for another hour.
bool take_half_of_day(std::string_view& text, int& hour) {
  std::string_view rest = text;
  take(rest, ' ');
  if (rest.size() < 2 || (rest[1] != 'M' && rest[1] != 'm')) return true;
  const char half = rest[0];
  const bool morning = half == 'A' || half == 'a', evening = half == 'P' || half == 'p';
  if (!morning && !evening) return true;
  if (hour < 1 || hour > 12) return false;
  hour = hour % 12 + (evening ? 12 : 0);
  text = rest.substr(2);
  return true;
}

/// "Z", "+01:00", "+0100" or "-05": seconds before UTC.
bool take_zone(std::string_view& text, int64_t& seconds) {
  if (text.empty() || take(text, 'Z')) return true;
  const bool west = text.starts_with('-');
  if (!take(text, '+') && !take(text, '-')) return false;
  int hours = 0, minutes = 0;
  if (!take_digits(text, 2, hours)) return false;
  if (!text.empty()) {
    take(text, ':');
    if (!take_digits(text, 2, minutes)) return false;
  }
  seconds = (hours * kHour + minutes * kMinute) * (west ? -1 : 1);
  return hours < 24 && minutes < 60;
}

/// The time of the day behind a date; `text` is used up when it is one.
bool parse_clock(std::string_view& text, Time& time) {
  int hour = 0, minute = 0, second = 0;
  if (!take_digits(text, 1, 2, hour) || !take(text, ':') || !take_digits(text, 2, minute)) return false;
  time.style = TimeStyle::minutes;
  if (take(text, ':')) {
    if (!take_digits(text, 2, second)) return false;
    time.style = TimeStyle::seconds;
    if (take(text, '.')) text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
  }
  int64_t zone = 0;
  if (!take_half_of_day(text, hour) || !take_zone(text, zone)) return false;
  if (hour > 23 || minute > 59 || second > 59) return false;
  time.value += hour * kHour + minute * kMinute + second - zone;
  time.zone = zone != 0;
  return text.empty();
}

struct Date {
  int year = 0, month = 0, day = 1;
};

bool is_between_dates(char c) {
  return c == '-' || c == '/' || c == '.';
}

/// `2020-12`, `2020-12-31`.
bool take_year_first(std::string_view& text, Date& date, TimeStyle& style) {
  style = TimeStyle::month;
  if (!take_digits(text, 4, date.year) || text.empty() || !is_between_dates(text.front())) return false;
  const char dash = text.front();
  const size_t before = text.size();
  if (!take(text, dash) || !take_digits(text, 1, 2, date.month)) return false;
  if (text.empty()) return dash != '.' && before == 3;  // 2020.12 is a number, 2020-1 a year and a half year or so
  style = TimeStyle::date;
  return take(text, dash) && take_digits(text, 1, 2, date.day);
}

/// `31.12.2020`, `12/31/2020`.
bool take_year_last(std::string_view& text, DateOrder order, Date& date, TimeStyle& style) {
  style = TimeStyle::date;
  int first = 0, second = 0;
  if (!take_digits(text, 1, 2, first) || text.empty() || !is_between_dates(text.front())) return false;
  const char dash = text.front();
  if (!take(text, dash) || !take_digits(text, 1, 2, second) || !take(text, dash) || !take_digits(text, 4, date.year))
    return false;
  date.day = order == DateOrder::day_first ? first : second;
  date.month = order == DateOrder::day_first ? second : first;
  return true;
}

}  // namespace

std::optional<Time> parse_time(std::string_view cell, DateOrder order) {
  if (const auto integer = parse_integer(cell)) return integer;
  Date date;
  Time time;
  std::string_view rest = cell;
  if (!take_year_first(rest, date, time.style)) {
    rest = cell;
    if (order == DateOrder::year_first || !take_year_last(rest, order, date, time.style)) return std::nullopt;
  }
  const std::chrono::year_month_day day{std::chrono::year(date.year),
                                        std::chrono::month(static_cast<unsigned>(date.month)),
                                        std::chrono::day(static_cast<unsigned>(date.day))};
  if (!day.ok()) return std::nullopt;
  time.value = seconds_of(day);
  if (rest.empty()) return time;
  if (!take(rest, ' ') && !take(rest, 'T')) return std::nullopt;
  if (!parse_clock(rest, time)) return std::nullopt;
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
