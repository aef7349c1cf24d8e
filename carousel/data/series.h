// Numbers over time: the data of forecasting and of the detection of anomalies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/series_time.h"

namespace carousel::data {

/// What may be said about how series lie in a file; the rest is found out.
struct SeriesFormat {
  std::string layout = "auto";  ///< auto, or one of series_layouts()
  /// Roles of the columns, with commas between: time, series, value, known, label, _ (skipped).
  std::string columns = "auto";
  std::string header = "auto";     ///< auto | yes | no: whether the first row names the columns
  std::string missing = "refuse";  ///< refuse | interpolate: what is done with empty cells, NA and NaN
  std::string dates = "auto";      ///< auto | year_first | day_first | month_first: how dates are written
  std::string decimal = "auto";    ///< auto | point | comma: what stands before the fraction of a number

  /// Adds the rows to the section that the caller has opened.
  void options(OptionTable& table);
  /// The same without those that other tables have too, columns and header.
  void options_of_cells(OptionTable& table);
};

/// wide  a row for each time, a column for each series: `time,a,b,c`
/// long  a row for each series and time: `series,time,value`
/// rows  a row for each series, its name first: `name,1,2,3,...`
std::vector<std::string> series_layouts();

/// How a file is read as series.
struct SeriesPlan {
  char separator = ',';
  std::string layout;              ///< one of series_layouts()
  std::vector<std::string> roles;  ///< of each column; of the layout rows: series, and value for all others
  std::vector<std::string> names;  ///< of each column: as the first row has it, or "column 3"
  bool header = false;
  DateOrder dates = DateOrder::year_first;
  std::string
      open_date;       ///< a date whose day and month nothing tells apart; read_series() refuses it; "": there is none
  char decimal = '.';  ///< before the fraction of a number; ',' only where another character separates columns
  bool evident = false;  ///< hardly anything but series of numbers: a reason to forecast them
  std::string reason;    ///< "comma-separated columns under a row of names: date is the time, 7 columns of values"

  std::string columns_text() const;
  /// Gives `format` those of the choices for dates and fractions that are not the usual ones: one row alone, met later,
  /// would not tell them.
  void decide(SeriesFormat& format) const;
};

/// Columns whose values are known before their time comes, such as prices or holidays.
struct KnownColumns {
  std::vector<std::string> names;
  std::vector<std::vector<double>> values;  ///< of each column: of all rows, and of future ones behind them

  int64_t rows() const { return values.empty() ? 0 : static_cast<int64_t>(values.front().size()); }
};

/// One variable over time.
struct Series {
  std::string name;                                    ///< "" when a file holds one without a name
  std::vector<double> values;                          ///< all finite; none where all rows are future ones
  std::shared_ptr<const std::vector<int64_t>> times;   ///< of each value and future row; null: the file has none
  std::shared_ptr<const std::vector<uint8_t>> labels;  ///< of the same, 1 for an anomaly; null: the file has none
  std::shared_ptr<const KnownColumns> known;           ///< null: the file has none
  TimeStep step;

  int64_t length() const { return static_cast<int64_t>(values.size()); }
};

/// The series of a file, in its order.
struct SeriesSet {
  std::string file;
  std::vector<Series> series;
  TimeStyle style = TimeStyle::integer;  ///< how times are written
  bool zones = false;                    ///< times had offsets from UTC, and are in UTC here
  std::vector<std::string> notes;        ///< what the user should know: values filled in, unequal steps, constants
};

/// Looks at the first rows of a file: which character separates its cells (comma, tab or semicolon), whether the first
/// row names the columns, what they hold, and how dates and fractions are written. Throws ConfigError for roles that
/// make no sense, DataError when a column holds neither numbers nor times, and what TableReader refuses.
SeriesPlan plan_series(const std::string& file, const SeriesFormat& wanted, const ReadOptions& options);

/// Reads all series. Missing values are refused, or with `missing` = "interpolate" filled in by a straight line between
/// their neighbours (at the ends by the nearest value). Where there are known columns, the last rows of a series may
/// have no values: they are the future, of which only those columns are known.
/// DataError (file:line:column): what is no finite number, no time or no label 0 or 1; a missing value (of a known
/// column: always); a time that
/// comes before the one before it in its series; another number of columns; no value at all; and what
/// TableReader refuses.
SeriesSet read_series(const std::string& file, const SeriesPlan& plan, const SeriesFormat& wanted,
                      const ReadOptions& options);

/// Whether a cell stands for a value that is not there: empty, NA, NaN, null, none or a question mark.
bool is_missing(std::string_view cell);
/// A finite number as it stands in a cell, white space around it allowed; false for anything else, such as points in a
/// number whose fraction stands behind a comma: they may group its digits.
bool parse_number(std::string_view cell, double& number, char decimal = '.');
/// Whether the comma of a number may stand between groups of digits: three behind it, and before it one to three that
/// do not begin with 0.
bool may_group_digits(std::string_view cell);
/// What an option of these names means; `auto` is taken as year_first and '.'.
DateOrder date_order(const std::string& name);
char decimal_mark(const std::string& name);

/// The longest season that is looked for.
inline constexpr int64_t kLongestPeriod = 1000;

/// The length of the season of some series, in steps, by autocorrelation: values must resemble those a season before,
/// and less those in between; the first lag that comes near the best, and of lags near to that the best, where those of
/// `usual` count for a little more. 1 when none stands out. At most `longest`.
int64_t find_period(const std::vector<std::vector<double>>& series, int64_t longest,
                    const std::vector<int64_t>& usual = {});
/// Seasons that the calendar makes likely: days and weeks of a clock, weeks and years of days, years of weeks and
/// months.
std::vector<int64_t> usual_periods(const TimeStep& step, TimeStyle style);

}  // namespace carousel::data
