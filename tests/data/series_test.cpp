// Series of numbers: how they are found in a file, read, and refused.
#include "carousel/data/series.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace series_test {

using testing::error_of;
using testing::TempDir;

SeriesSet read(const std::string& file, const SeriesFormat& wanted = {}) {
  return read_series(file, plan_series(file, wanted, {}), wanted, {});
}

std::string hourly(int rows) {
  std::string text = "date,load,OT\n";
  for (int i = 0; i < rows; ++i)
    text += fmt::format("2016-07-{:02} {:02}:00:00,{}.5,-{}e-1\n", 1 + i / 24, i % 24, i, i);
  return text;
}

TEST(Series, RefusesTablesWithoutValuesAndEqualNamesAndHugeNumbers) {
  const TempDir dir;
  std::string dates = "date\n", twins = "a,a\n";
  for (int i = 0; i < 19; ++i) {
    dates += fmt::format("2020-01-{:02}\n", i + 1);
    twins += fmt::format("{}.5,{}.25\n", i, 100 * i);
  }
  const std::string no_values = dir.write("dates.csv", dates);
  EXPECT_EQ(error_of<DataError>([&] { read(no_values); }),
            no_values +
                ": [data] a table of numbers must have a column of values; got none beside times, names and labels. "
                "Check the file, or say what its columns are with --columns.");
  const std::string equal = dir.write("twins.csv", twins);
  EXPECT_EQ(error_of<DataError>([&] { read(equal); }),
            equal +
                ": [data] series must have different names; got \"a\" twice. Rename one, or skip it with --columns and "
                "a _ in its place.");
  const std::string huge = dir.write("huge.csv", "a,b\n1.5,2.5\n1e101,2\n");
  EXPECT_NE(error_of<DataError>([&] { read(huge); })
                .find("[data] a value must lie within 1e+100, or its square would not be finite; got \"1e101\". Use a "
                      "larger unit."),
            std::string::npos);
}

TEST(Series, AWideTableWithTimesAndNames) {
  const TempDir dir;
  const std::string file = dir.write("a.csv", hourly(30));
  const SeriesPlan plan = plan_series(file, {}, {});
  EXPECT_TRUE(plan.evident);
  EXPECT_EQ(plan.layout, "wide");
  EXPECT_EQ(plan.columns_text(), "time,value,value");
  EXPECT_EQ(plan.reason, "comma-separated columns under a row of names: date is the time, 2 columns of values");
  const SeriesSet set = read(file);
  ASSERT_EQ(set.series.size(), 2u);
  EXPECT_EQ(set.series[0].name, "load");
  EXPECT_EQ(set.series[0].values[3], 3.5);
  EXPECT_EQ(set.series[1].values[2], -0.2);
  EXPECT_EQ(set.series[0].times, set.series[1].times) << "shared";
  EXPECT_EQ(describe(set.series[0].step, set.style), "1 hour");
  EXPECT_EQ(set.series[0].step.exceptions, 0);
  EXPECT_TRUE(set.notes.empty());
}

TEST(Series, OtherSeparatorsNoHeaderNoTimes) {
  const TempDir dir;
  std::string tabs, semicolons, one;
  for (int i = 0; i < 12; ++i) {
    tabs += fmt::format("{}.25\t{}\t7e{}\n", i, 100 - i, i % 3);
    semicolons += fmt::format("{};{}.5\n", 10 + i, i);
    one += fmt::format("{}.5\n", i);
  }
  const SeriesPlan plan = plan_series(dir.write("a.tsv", tabs), {}, {});
  EXPECT_TRUE(plan.evident);
  EXPECT_EQ(plan.columns_text(), "value,value,value");
  EXPECT_EQ(plan.reason, "tab-separated columns: 3 columns of values");
  EXPECT_EQ(read(dir.file("a.tsv")).series[1].name, "column 2");
  const SeriesSet counted = read(dir.write("b.csv", semicolons));
  ASSERT_EQ(counted.series.size(), 1u) << "the first counts the steps";
  EXPECT_EQ(counted.series[0].times->front(), 10);
  EXPECT_EQ(counted.series[0].step.count, 1);
  EXPECT_FALSE(plan_series(dir.file("b.csv"), {}, {}).evident) << "two columns of numbers may be pairs";
  EXPECT_TRUE(plan_series(dir.write("c.csv", one), {}, {}).evident);
  EXPECT_EQ(read(dir.file("c.csv")).series[0].length(), 12);
}

TEST(Series, ALongTableHasASeriesForEachName) {
  const TempDir dir;
  std::string text = "unique_id,ds,y,z\n";
  for (int i = 0; i < 12; ++i)
    for (const char* id : {"north", "south"})
      text += fmt::format("{},2020-{:02}-01,{},{}\n", id, i + 1, i, *id == 's' ? 10 * i : 0);
  const std::string file = dir.write("a.csv", text);
  EXPECT_EQ(plan_series(file, {}, {}).layout, "long");
  EXPECT_TRUE(plan_series(file, {}, {}).evident);
  const SeriesSet set = read(file);
  ASSERT_EQ(set.series.size(), 4u);
  EXPECT_EQ(set.series[0].name, "north/y");
  EXPECT_EQ(set.series[3].name, "south/z");
  EXPECT_EQ(set.series[3].values[11], 110);
  EXPECT_EQ(describe(set.series[0].step, set.style), "1 month") << "months have unequal lengths";
  EXPECT_EQ(set.series[0].step.exceptions, 0);
  EXPECT_EQ(set.notes, (std::vector<std::string>{"constant: north/z"}));
}

TEST(Series, ARowForEachSeries) {
  const TempDir dir;
  std::string text = "\"V1\",\"V2\",\"V3\",\"V4\",\"V5\",\"V6\",\"V7\",\"V8\",\"V9\",\"V10\",\"V11\",\"V12\"\n";
  text += "\"H1\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"\n";
  text += "\"H2\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"\",NA\n";
  const std::string file = dir.write("m4.csv", text);
  const SeriesPlan plan = plan_series(file, {}, {});
  EXPECT_TRUE(plan.evident);
  EXPECT_EQ(plan.layout, "rows");
  EXPECT_EQ(plan.reason, "comma-separated columns under a row of names: a series in each row, its name first");
  const SeriesSet set = read(file);
  ASSERT_EQ(set.series.size(), 2u);
  EXPECT_EQ(set.series[0].name, "H1");
  EXPECT_EQ(set.series[0].length(), 11);
  EXPECT_EQ(set.series[1].length(), 9) << "empty cells at the end are no values";
  EXPECT_EQ(set.series[0].times, nullptr);
}

TEST(Series, KnownColumnsGoOnBehindTheValues) {
  const TempDir dir;
  std::string text = "day,sales,price\n";
  for (int i = 0; i < 12; ++i) text += fmt::format("2020-01-{:02},{},{}.5\n", i + 1, i < 9 ? std::to_string(i) : "", i);
  SeriesFormat wanted;
  wanted.columns = "time,value,known";
  const std::string file = dir.write("a.csv", text);
  EXPECT_EQ(plan_series(file, wanted, {}).reason,
            "comma-separated columns under a row of names: day is the time, 1 column of values, 1 column known in "
            "advance");
  const SeriesSet set = read(file, wanted);
  ASSERT_EQ(set.series.size(), 1u);
  EXPECT_EQ(set.series[0].length(), 9);
  ASSERT_TRUE(set.series[0].known);
  EXPECT_EQ(set.series[0].known->names, (std::vector<std::string>{"price"}));
  EXPECT_EQ(set.series[0].known->rows(), 12);
  EXPECT_EQ(set.series[0].known->values[0][11], 11.5);
  EXPECT_EQ(set.series[0].times->size(), 12u);
  EXPECT_TRUE(set.notes.empty()) << "future rows are no missing values";
  const SeriesSet future = read(dir.write("b.csv", "day,sales,price\n2020-01-01,,1\n2020-01-02,NA,2\n"), wanted);
  EXPECT_EQ(future.series[0].length(), 0);
  EXPECT_EQ(future.series[0].known->rows(), 2);
}

TEST(Series, ALongTableHasKnownColumnsAndAFutureForEachName) {
  const TempDir dir;
  std::string text = "id,t,y,z,c\n";
  for (int i = 0; i < 12; ++i)
    for (const char* id : {"a", "b"})
      text += fmt::format("{},{},{},{},{}\n", id, i, i < (*id == 'a' ? 12 : 10) ? "5.5" : "", i < 10 ? "6" : "", 2 * i);
  SeriesFormat wanted;
  wanted.columns = "series,time,value,value,known";
  wanted.missing = "interpolate";
  const SeriesSet set = read(dir.write("a.csv", text), wanted);
  ASSERT_EQ(set.series.size(), 4u);
  EXPECT_EQ(set.series[0].length(), 12);
  EXPECT_EQ(set.series[1].length(), 12) << "one value of the row is there: the other is missing";
  EXPECT_EQ(set.series[2].length(), 10);
  EXPECT_EQ(set.series[3].known->values[0][11], 22);
  EXPECT_EQ(set.series[2].known, set.series[3].known) << "shared";
}

TEST(Series, RefusesGapsBeforeValuesAndKnownColumnsThatAreNot) {
  const TempDir dir;
  SeriesFormat wanted;
  wanted.columns = "time,value,known";
  const std::string gap = dir.write("gap.csv", "t,y,c\n1,5,1\n2,,1\n3,,1\n4,8,1\n");
  EXPECT_EQ(error_of<DataError>([&] { read(gap, wanted); }),
            gap +
                ":3:3: [data] rows without values must be the last of a series, its future; got one with values behind "
                "them. Fill the values in, or have it done by straight lines: --set missing=interpolate.");
  wanted.missing = "interpolate";
  const SeriesSet filled = read(gap, wanted);
  EXPECT_EQ(filled.series[0].values, (std::vector<double>{5, 6, 7, 8}));
  EXPECT_EQ(filled.notes.front().rfind("2 missing values were filled in", 0), 0u) << filled.notes.front();
  const std::string unknown = dir.write("unknown.csv", "t,y,c\n1,5,1\n2,6,\n");
  EXPECT_EQ(error_of<DataError>([&] { read(unknown, wanted); }),
            unknown +
                ":3:5: [data] a column known in advance must have a number within 1e+100 in each row, those to be "
                "forecast too; got \"\". Fill it in, or skip its column with --columns and a _ in its place.");
  wanted.layout = "rows";
  EXPECT_EQ(
      error_of<ConfigError>([&] { read(unknown, wanted); }),
      "[columns] in the layout rows there are no columns that could be known in advance; got the role known. Give "
      "a table with a row for each time.");
}

TEST(Series, RolesMayBeSaid) {
  const TempDir dir;
  std::string text = "n,when,a,b,odd\n";
  for (int i = 0; i < 12; ++i) text += fmt::format("x{},2020-01-{:02},{},{},{}\n", i, i + 1, i, 2 * i, i == 4 ? 1 : 0);
  const std::string file = dir.write("a.csv", text);
  EXPECT_EQ(error_of<DataError>([&] { plan_series(file, {}, {}); }),
            file +
                ":2:1: [data] a column must hold numbers or times (such as 2024-05-01 06:00); got \"x0\" in n. Skip it "
                "with --columns and a _ in its place, or write its times so.");
  SeriesFormat wanted;
  wanted.columns = "_,time,value,_,label";
  const SeriesSet set = read(file, wanted);
  ASSERT_EQ(set.series.size(), 1u);
  EXPECT_EQ(set.series[0].name, "a");
  EXPECT_EQ((*set.series[0].labels)[4], 1);
  EXPECT_EQ((*set.series[0].labels)[5], 0);
  wanted.columns = "time,time,value";
  EXPECT_EQ(error_of<ConfigError>([&] { plan_series(file, wanted, {}); }),
            "[columns] the roles of columns must be value, at least once, time, series and label, at most once each, "
            "known for what is known in advance, and _ for those to skip; got \"time,time,value\". Write for example "
            "--columns time,value,_.");
  wanted = {};
  wanted.layout = "long";
  wanted.columns = "_,time,value,value,_";
  EXPECT_EQ(error_of<DataError>([&] { plan_series(file, wanted, {}); }),
            file +
                ": [data] in the layout long a column must name the series; got none. Say which: --columns "
                "series,time,value.");
}

TEST(Series, AHeaderMayBeDenied) {
  const TempDir dir;
  SeriesFormat wanted;
  wanted.columns = "value,value,value";
  wanted.header = "yes";
  const std::string file = dir.write("a.csv", "1,2,3\n4,5,6\n");
  EXPECT_EQ(read(file).series[0].length(), 2);
  EXPECT_EQ(read(file, wanted).series[0].length(), 1);
  EXPECT_EQ(read(file, wanted).series[0].name, "1");
}

TEST(Series, MissingValuesAreRefusedOrFilledIn) {
  const TempDir dir;
  const std::string file = dir.write("a.csv", "t,x,y\n1,NA,5\n2,4,\n3,nan,\n4,?,8\n5,10,9\n6,null,7\n");
  EXPECT_EQ(error_of<DataError>([&] { read(file); }),
            file +
                ":2:3: [data] a value must not be missing; got \"NA\". Fill it in, or have it filled in by a straight "
                "line between its neighbours: --set missing=interpolate.");
  SeriesFormat wanted;
  wanted.missing = "interpolate";
  const SeriesSet set = read(file, wanted);
  EXPECT_EQ(set.series[0].values, (std::vector<double>{4, 4, 6, 8, 10, 10}));
  EXPECT_EQ(set.series[1].values, (std::vector<double>{5, 6, 7, 8, 9, 7}));
  EXPECT_EQ(set.notes, (std::vector<std::string>{"6 missing values were filled in by straight lines, in x, y"}));
  EXPECT_EQ(error_of<DataError>([&] { read(dir.write("b.csv", "t,x,y\n1,,5\n2,,6\n3,,6\n"), wanted); }),
            dir.file("b.csv") +
                ": [data] a series must have values; got none in \"x\". Skip its column with --columns "
                "and a _ in its place, or remove it.");
}

TEST(Series, FaultsCarryTheirPlace) {
  const TempDir dir;
  const auto fault = [&](const std::string& text, const SeriesFormat& wanted = {}) {
    const std::string file = dir.write("x.csv", text);
    return error_of<DataError>([&] { read(file, wanted); }).substr(file.size());
  };
  EXPECT_EQ(fault("t,x\n1,2.5\n2,4.5\n3,abc\n4,1\n5,1\n"),
            ":4:3: [data] a value must be a finite number, or be missing; got \"abc\". Correct it, or skip its column "
            "with --columns and a _ in its place.");
  EXPECT_EQ(
      fault("t,x\n1,2.5\n2,1e999\n3,4\n"),
      ":3:3: [data] a value must be a finite number, or be missing; got \"1e999\". Correct it, or skip its column "
      "with --columns and a _ in its place.");
  EXPECT_EQ(fault("date,x\n2020-01-01,2.5\n2020-01-03,4.5\n2020-01-02,3\n"),
            ":4:1: [data] times must not decrease; got 2020-01-02 after 2020-01-03. Sort the rows by time.");
  EXPECT_EQ(fault("id,t,x\na,1,1\na,2,1\nb,7,1\nb,6,2\n"),
            ":5:3: [data] times must not decrease; got 6 after 7 in series \"b\". Sort the rows by time.");
  std::string days = "date,x\n";
  for (int i = 1; i < 25; ++i) days += fmt::format("2020-01-{:02},{}\n", i, i);
  EXPECT_EQ(fault(days + "2020-02-30,3\n"),
            ":26:1: [data] a time must be an integer or a date such as 2024-05-01 06:00; got \"2020-02-30\". Write it "
            "so, or skip the column with --columns and a _ in its place.");
  EXPECT_EQ(fault("t,x\n1,2.5\n2\n3,4\n"),
            ":3:2: [data] a row must have 2 cells; got 1. Check its separators, or say what the columns are with "
            "--columns.");
  SeriesFormat named;
  named.columns = "time,value";
  named.header = "yes";
  EXPECT_EQ(fault("t,x\n", named), ": [data] there must be at least one value; got none. Check the file.");
  SeriesFormat labelled;
  labelled.columns = "time,value,label";
  EXPECT_EQ(fault("1,2.5,0\n2,2,2\n", labelled),
            ":2:5: [data] a label must be 0, or 1 for an anomaly; got \"2\". Correct it, or skip the column with "
            "--columns and a _ in its place.");
  SeriesFormat rows;
  rows.layout = "rows";
  EXPECT_EQ(
      fault("a,1,2\na,1,2\n", rows),
      ":2:1: [data] each series must stand in one row; got \"a\" again. Name one of them otherwise, or say how the "
      "file is made: --set layout=long.");
  EXPECT_EQ(fault("a,1,2\n,1,2\n", rows),
            ":2:1: [data] a series must have a name in the first column; got none. Name it.");
  EXPECT_EQ(fault("a,1,2\nb,,\n", rows), ":2:1: [data] a series must have values; got none of \"b\". Remove its row.");
}

TEST(Series, OneRowThatIsTooLongIsTheOnlyOneRefused) {
  const TempDir dir;
  const std::string file = dir.write("long.csv", hourly(40) + "2016-07-02 16:00:00,1,2,3\n" + hourly(40).substr(13));
  std::vector<std::string> faults;
  ReadOptions options;
  options.on_bad_line = [&](const DataError& error) { faults.emplace_back(error.what()); };
  try {
    read_series(file, plan_series(file, {}, options), {}, options);
  } catch (const DataError& error) {  // times begin anew below
    EXPECT_NE(std::string(error.what()).find(":43:"), std::string::npos) << error.what();
  }
  ASSERT_FALSE(faults.empty());
  EXPECT_EQ(faults.front(), file +
                                ":42:25: [data] a row must have 3 cells; got 4. Check its separators, or say what the "
                                "columns are with --columns.");
}

TEST(Series, UnequalStepsAreNoted) {
  const TempDir dir;
  const SeriesSet set =
      read(dir.write("a.csv", "date,x\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n2020-01-03,5\n2020-01-06,4\n"));
  EXPECT_EQ(set.notes,
            (std::vector<std::string>{"the times are not regular: another step than 1 day stands in 2 places; "
                                      "the values are taken as if equally spaced"}));
  const std::string repeated = "2020-01-01,1\n2020-01-01,2\n2020-01-01,3\n2020-01-02,5\n";
  EXPECT_EQ(read(dir.write("b.csv", "date,x\n" + repeated)).notes,
            (std::vector<std::string>{
                "the times are not regular: many rows have the time of the row before; the values are taken as if "
                "equally spaced. Where they are of several series, give the column that names them the role series"}));
}

TEST(SeriesTime, ReadsAndWritesWhatPeopleWrite) {
  const auto shown = [](const char* text) {
    const auto time = parse_time(text);
    return time ? format_time(*time) : "none";
  };
  EXPECT_EQ(shown("1949-01"), "1949-01");
  EXPECT_EQ(shown("2016-02-29"), "2016-02-29");
  EXPECT_EQ(shown("2016/02/29"), "2016-02-29");
  EXPECT_EQ(shown("1969-12-31 23:59"), "1969-12-31 23:59") << "before the epoch";
  EXPECT_EQ(shown("2014-04-10T07:15:03.25Z"), "2014-04-10 07:15:03");
  EXPECT_EQ(shown("-12"), "-12");
  EXPECT_EQ(shown("1577836800.0"), "1577836800") << "as programs write numbers that count";
  EXPECT_EQ(shown("2016/2/9 7:05"), "2016-02-09 07:05");
  EXPECT_EQ(shown("2016.02.09"), "2016-02-09");
  EXPECT_EQ(shown("2020-03-01 00:30:00+01:00"), "2020-02-29 23:30:00") << "in UTC";
  EXPECT_EQ(shown("2020-03-01T00:30-0530"), "2020-03-01 06:00");
  EXPECT_EQ(shown("2020-03-01T00:30+00"), "2020-03-01 00:30");
  EXPECT_EQ(shown("2020-03-01 12:30 AM"), "2020-03-01 00:30");
  EXPECT_EQ(shown("2020-03-01 1:30:00 pm"), "2020-03-01 13:30:00");
  for (const char* bad :
       {"", "2015-02-29", "2015-13", "2015-1", "2015.12", "2015-01-01 24:00", "2015-01-01 1:0", "12.5", "x",
        "2015-01/01", "2015-01-01 00:00:00x", "99999999999999999999", "2015-01-01 13:00 PM", "2015-01-01 00:00+1",
        "31.12.2020", "12/31/2020", "2015-01-01 00:00+25:00", "2015-01-01 00:00 +", "2015-"})
    EXPECT_EQ(shown(bad), "none") << bad;
}

TEST(SeriesTime, ReadsDatesWhoseYearIsLast) {
  const auto shown = [](const char* text, DateOrder order) {
    const auto time = parse_time(text, order);
    return time ? format_time(*time) : "none";
  };
  EXPECT_EQ(shown("31.12.2020", DateOrder::day_first), "2020-12-31");
  EXPECT_EQ(shown("1/2/2020 3:04", DateOrder::day_first), "2020-02-01 03:04");
  EXPECT_EQ(shown("1/2/2020 3:04", DateOrder::month_first), "2020-01-02 03:04");
  EXPECT_EQ(shown("2020-12-31", DateOrder::month_first), "2020-12-31") << "leaves no doubt";
  for (const char* bad : {"31/12/2020", "1/2/20", "1/2-2020", "1/2", "1.5"})
    EXPECT_EQ(shown(bad, DateOrder::month_first), "none") << bad;
}

TEST(SeriesPlan, FindsHowDatesAreWritten) {
  const TempDir dir;
  const auto order = [&](const std::string& dates) {
    const std::string file = dir.write("a.csv", "date,x\n" + dates);
    return plan_series(file, {}, {}).dates;
  };
  EXPECT_EQ(order("2020-01-01,1\n2020-01-02,2\n"), DateOrder::year_first);
  EXPECT_EQ(order("12/31/2020,1\n01/01/2021,2\n"), DateOrder::month_first);
  EXPECT_EQ(order("31/12/2020,1\n01/01/2021,2\n"), DateOrder::day_first);
  EXPECT_EQ(order("01.02.2020,1\n02.02.2020,2\n"), DateOrder::day_first) << "dots";
  // Equal steps of six hours, over a midnight.
  const char* const hours[] = {"0", "6", "12", "18"};
  std::string january, first;
  for (int i = 0; i < 8; ++i) {
    january += fmt::format("1/{}/2020 {}:00,{}\n", 1 + i / 4, hours[i % 4], i);
    first += fmt::format("{}/1/2020 {}:00,{}\n", 1 + i / 4, hours[i % 4], i);
  }
  EXPECT_EQ(order(january), DateOrder::month_first);
  EXPECT_EQ(order(first), DateOrder::day_first);
  const std::string both = dir.write("b.csv", "date,x\n1/1/2020,1\n1/2/2020,2\n1/3/2020,3\n1/4/2020,3\n");
  EXPECT_EQ(plan_series(both, {}, {}).open_date, "1/4/2020") << "the days of a week, or the first of four months";
}

TEST(Series, ADateThatMayBeReadBothWaysIsRefused) {
  const TempDir dir;
  const std::string file = dir.write("a.csv", "date,x\n1/2/2020 1:00,1\n1/2/2020 2:00,2\n1/2/2020 3:00,5\n");
  EXPECT_EQ(error_of<DataError>([&] { read(file); }),
            file +
                ": [data] it must be clear which number of a date is its month; got \"1/2/2020 3:00\" and others "
                "that may be read both ways. Write them as 2020-01-31, or say it in training and to carousel data "
                "with --set dates=day_first or --set dates=month_first.");
  SeriesFormat format;
  format.dates = "month_first";
  const SeriesSet set = read_series(file, plan_series(file, format, {}), format, {});
  EXPECT_EQ((*set.series[0].times)[0], parse_time("2020-01-02 01:00")->value);
}

TEST(Series, FractionsMayStandBehindCommas) {
  const TempDir dir;
  const std::string file = dir.write("a.csv", "Datum;Last;Preis\n01.02.2020;10,04;3\n02.02.2020;-11,5;4,25\n");
  const SeriesPlan plan = plan_series(file, {}, {});
  EXPECT_EQ(
      plan.reason,
      "semicolon-separated columns under a row of names, fractions behind commas, dates with the day first: Datum "
      "is the time, 2 columns of values");
  const SeriesSet set = read(file);
  EXPECT_EQ(set.series[0].values, (std::vector<double>{10.04, -11.5}));
  EXPECT_EQ(set.series[1].values, (std::vector<double>{3, 4.25}));
  SeriesFormat found;
  plan.decide(found);
  EXPECT_EQ(found.dates, "day_first");
  EXPECT_EQ(found.decimal, "comma");
  const std::string grouped = dir.write("b.csv", "x;y\n10,04;1\n11,5;1.204,5\n12,5;2\n13,5;3\n");
  EXPECT_NE(error_of<DataError>([&] { read(grouped); }).find(":3:6: [data] a value must be a finite number"),
            std::string::npos)
      << error_of<DataError>([&] { read(grouped); });
  const std::string quoted = dir.write("c.csv", "x,y\n\"10,04\",1\n");
  EXPECT_EQ(error_of<DataError>([&] {
              plan_series(quoted, {}, {});
            }).rfind(quoted + ":2:1: [data] a column must hold numbers or times", 0),
            0u)
      << "where commas separate columns they may group digits";
}

TEST(SeriesPlan, CommasThatMayGroupDigitsAreNoFractions) {
  const TempDir dir;
  const std::string grouped = dir.write("a.csv", "day;x\n2020-01-01;996\n2020-01-02;1,020\n2020-01-03;1,167\n");
  EXPECT_EQ(error_of<DataError>([&] { read(grouped); }),
            grouped +
                ":3:12: [data] a column must hold numbers or times (such as 2024-05-01 06:00); got \"1,020\" in "
                "x. Take the commas out where they group digits, or say --set decimal=comma where fractions stand "
                "behind them.");
  SeriesFormat said;
  said.decimal = "comma";
  EXPECT_EQ(read(grouped, said).series[0].values, (std::vector<double>{996, 1.02, 1.167}));
  EXPECT_EQ(read(dir.write("b.csv", "day;x\n2020-01-01;0,996\n2020-01-02;1,020\n")).series[0].values,
            (std::vector<double>{0.996, 1.02}));
  EXPECT_TRUE(may_group_digits("-1,020") && may_group_digits("100,000"));
  for (const char* fraction : {"0,123", "1,02", "1234,567", "1,2345", "12", ",123"})
    EXPECT_FALSE(may_group_digits(fraction)) << fraction;
  const std::string points = dir.write("c.csv", "day,x\n2020-01-01,1.5\n2020-01-02,2.5\n");
  EXPECT_EQ(read(points, said).series[0].values, (std::vector<double>{1.5, 2.5})) << "commas separate its columns";
}

TEST(SeriesPlan, OtherColumnsHaveNoSayInTheOrderOfDates) {
  const TempDir dir;
  std::string text = "time,delivery,x\n";
  for (int i = 1; i < 9; ++i) text += fmt::format("2020-01-0{},03/04/2020,{}\n", i, i * i);
  SeriesFormat format;
  format.columns = "time,_,value";
  const SeriesSet set = read(dir.write("a.csv", text), format);
  EXPECT_EQ(set.series[0].values.size(), 8u);
  EXPECT_EQ(set.series[0].step.count, 86400);
}

TEST(SeriesPlan, AllRowsAreAskedForTheMonth) {
  const TempDir dir;
  std::string text = "time,x\n";
  for (int i = 0; i < 2000; ++i)
    text += fmt::format("{}/4/2020 {}:{:02},{}\n", 3 + i / 1440, i / 60 % 24, i % 60, i * i % 11);
  EXPECT_EQ(plan_series(dir.write("a.csv", text), {}, {}).dates, DateOrder::day_first);
}

TEST(SeriesPlan, ASemicolonInANameSeparatesNothing) {
  const TempDir dir;
  std::string text = "time,station;id,x\n";
  for (int i = 0; i < 20; ++i) text += fmt::format("2020-01-{:02},north;0,0.{}\n", i + 1, i);
  EXPECT_EQ(plan_series(dir.write("a.csv", text), {}, {}).separator, ',');
}

TEST(Series, OffsetsAreToldAndNotLostUnasked) {
  const TempDir dir;
  const SeriesSet set = read(dir.write("a.csv", "t,x\n2020-01-01T01:00+01:00,1\n2020-01-01T02:00+01:00,2\n"));
  EXPECT_TRUE(set.zones);
  EXPECT_EQ(set.notes, (std::vector<std::string>{"times with an offset are told in UTC"}));
  EXPECT_FALSE(read(dir.write("b.csv", "t,x\n2020-01-01T01:00Z,1\n2020-01-01T02:00Z,2\n")).zones);
}

TEST(SeriesTime, GoesOnByItsStep) {
  const auto next = [](std::vector<std::string> texts, int64_t steps) {
    std::vector<int64_t> times;
    TimeStyle style = TimeStyle::integer;
    for (const std::string& text : texts) {
      times.push_back(parse_time(text)->value);
      style = parse_time(text)->style;
    }
    const TimeStep step = step_of(times, style);
    return format_time({advance(times.back(), step, steps), style}) + " " + describe(step, style);
  };
  EXPECT_EQ(next({"1949-11", "1949-12"}, 2), "1950-02 1 month");
  EXPECT_EQ(next({"1949-11", "1949-12", "1950-01", "1950-02"}, 2), "1950-04 1 month");
  EXPECT_EQ(next({"2020-10-01", "2021-01-01", "2021-04-01"}, 1), "2021-07-01 3 months");
  EXPECT_EQ(next({"2020-02-28 22:00", "2020-02-28 23:00"}, 1), "2020-02-29 00:00 1 hour");
  EXPECT_EQ(next({"2020-01-01", "2020-01-08"}, 1), "2020-01-15 7 days");
  EXPECT_EQ(next({"3", "5", "7"}, 2), "11 step 2");
}

TEST(SeriesPeriod, FindsSeasonsAndNoneInNoise) {
  std::vector<double> season, noise, trend;
  uint32_t state = 7;
  for (int i = 0; i < 600; ++i) {
    state = state * 1664525 + 1013904223;
    const double random = static_cast<double>(state >> 8) / (1 << 24);
    season.push_back(0.01 * i + std::sin(2 * M_PI * i / 12) + 0.3 * random);
    noise.push_back(random);
    trend.push_back((trend.empty() ? 0 : trend.back()) + random - 0.5);
  }
  EXPECT_EQ(find_period({season}, 100), 12);
  EXPECT_EQ(find_period({season, season}, 100), 12);
  EXPECT_EQ(find_period({noise}, 100), 1);
  EXPECT_EQ(find_period({trend}, 100), 1) << "a random walk has long swings, but no season";
  EXPECT_EQ(find_period({{1, 1, 1, 1, 1, 1}}, 2), 1);
  EXPECT_EQ(find_period({}, 100), 1);
  EXPECT_EQ(find_period({season}, 1), 1);
}

TEST(SeriesPeriod, NoiseOnASmoothCycleHidesIt) {
  const auto cycle = [](double period, double noise, double walk) {
    std::vector<double> values;
    uint32_t state = 11;
    double level = 0;
    const auto random = [&] {
      double sum = -6;  // of twelve: about normal
      for (int i = 0; i < 12; ++i) {
        state = state * 1664525 + 1013904223;
        sum += static_cast<double>(state >> 8) / (1 << 24);
      }
      return sum;
    };
    for (int i = 0; i < 2000; ++i) {
      level += walk * random();
      values.push_back(5 * std::sin(2 * M_PI * i / period) + noise * random() + level);
    }
    return values;
  };
  EXPECT_EQ(find_period({cycle(24, 0.3, 0)}, 600), 24) << "not 2, and not 48";
  EXPECT_EQ(find_period({cycle(24, 3, 0)}, 600, {24, 168}), 24);
  EXPECT_EQ(find_period({cycle(24, 0.1, 1)}, 600, {24, 168}), 24) << "on a random walk";
  EXPECT_EQ(find_period({cycle(96, 1.5, 0)}, 600, {96, 672}), 96);
  EXPECT_EQ(find_period({cycle(7, 2, 0)}, 600, {7, 365}), 7);
  EXPECT_NEAR(static_cast<double>(find_period({cycle(168, 0.5, 0)}, 600)), 168, 4);
}

TEST(SeriesPeriod, ColumnsOfNoiseHaveNoSay) {
  uint32_t state = 5;
  const auto random = [&] {
    state = state * 1664525 + 1013904223;
    return static_cast<double>(state >> 8) / (1 << 24);
  };
  for (int trial = 0; trial < 12; ++trial) {
    std::vector<double> season, noise;
    for (int i = 0; i < 900; ++i) {
      season.push_back(8 * std::sin(2 * M_PI * i / 24) + 2 * random());
      noise.push_back(random());
    }
    EXPECT_EQ(find_period({season, noise}, 300, {24, 168}), 24) << trial;
  }
}

TEST(SeriesPeriod, TheCalendarSaysWhatIsUsual) {
  using Lags = std::vector<int64_t>;
  EXPECT_EQ(usual_periods({3600}, TimeStyle::seconds), (Lags{24, 168}));
  EXPECT_EQ(usual_periods({86400}, TimeStyle::date), (Lags{7, 365}));
  EXPECT_EQ(usual_periods({7 * 86400}, TimeStyle::date), Lags{52});
  EXPECT_EQ(usual_periods({3, true}, TimeStyle::month), Lags{4});
  EXPECT_EQ(usual_periods({5, true}, TimeStyle::month), Lags{});
  EXPECT_EQ(usual_periods({7000}, TimeStyle::seconds), Lags{});
  EXPECT_EQ(usual_periods({1}, TimeStyle::integer), Lags{});
  EXPECT_EQ(usual_periods({0}, TimeStyle::seconds), Lags{});
}

}  // namespace series_test
}  // namespace carousel::data
