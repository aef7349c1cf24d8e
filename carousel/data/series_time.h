// The times of a series: how cells write them, what lies between two of them, and which come next.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace carousel::data {

/// How a time is written, from plain numbers to the finest clock.
enum class TimeStyle { integer, month, date, minutes, seconds };

/// A point in time: an integer as it stands, or seconds since 1970-01-01 00:00:00 (in UTC where zones are
/// told; fractions of a second are cut off).
struct Time {
  int64_t value = 0;
  TimeStyle style = TimeStyle::integer;
  bool zone = false;  ///< it was written with an offset from UTC, other than 0
};

/// The order of dates that do not begin with the year: none are read, `31.12.2020`, `12/31/2020`.
enum class DateOrder { year_first, day_first, month_first };

/// Reads an integer (which may end in `.0`), `YYYY-MM`, `YYYY-MM-DD`, or a date with `HH:MM` or `HH:MM:SS` behind a
/// space or a T; slashes or dots may stand for dashes. Behind the clock there may be a fraction, AM or PM, and a Z or
/// an offset such as +01:00, which brings the time to UTC. With an order of days and months dates may be written so,
/// with one or two digits each. Nothing for anything else, such as February 30.
std::optional<Time> parse_time(std::string_view cell, DateOrder order = DateOrder::year_first);
/// The same with dashes and a space; `2024-05`, `2024-05-01`, `2024-05-01 06:00`.
std::string format_time(const Time& time);

/// What lies between neighbouring times.
struct TimeStep {
  int64_t count = 0;       ///< of months, seconds or plain numbers; 0: unknown, there are fewer than two times
  bool months = false;     ///< calendar months, which have unequal lengths
  int64_t exceptions = 0;  ///< places where another step stands; 0: regular
};

/// The most frequent step of increasing times; months where that is regular.
TimeStep step_of(std::span<const int64_t> times, TimeStyle style);
/// The time `steps` steps after `time` (seconds or a number).
int64_t advance(int64_t time, const TimeStep& step, int64_t steps);
/// "1 hour", "3 months", "7 days", "5 minutes", "step 1".
std::string describe(const TimeStep& step, TimeStyle style);

}  // namespace carousel::data
