// What files hold, found out or said by the user.
#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/data/any_data.h"
#include "carousel/data/check.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace any_data_test {

using testing::TempDir;

DataReading with_columns(const std::string& columns) {
  DataReading reading;
  reading.columns = columns;
  return reading;
}

TEST(KindOfColumns, IsToldByTheirRoles) {
  EXPECT_FALSE(kind_of_columns("auto"));
  EXPECT_EQ(kind_of_columns("_,token,tag"), DataKind::tags);
  EXPECT_EQ(kind_of_columns("source,_,target"), DataKind::pairs);
  EXPECT_EQ(kind_of_columns("text,label"), DataKind::labels);
  EXPECT_EQ(kind_of_columns("time,value,label"), DataKind::series) << "its labels mark anomalies";
  try {
    kind_of_columns("words,_");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "[columns] the roles of columns must be text and label, source and target, token and tag, or time, "
                 "series, value and known, with _ for each to skip; got \"words,_\". Write for example --columns "
                 "_,label,text.");
  }
}

TEST(PlanData, GoesByTheRolesThatAreSaid) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 12; ++i) text += std::to_string(i) + ",an answer " + std::to_string(i % 5) + ",why\n";
  const std::string file = dir.write("a.csv", text);
  const DataPlan labels = plan_data({file}, with_columns("_,text,label"), {});
  EXPECT_EQ(labels.kind, DataKind::labels);
  EXPECT_EQ(labels.labels.columns, (std::vector<std::string>{"_", "text", "label"}));
  const DataPlan pairs = plan_data({file}, with_columns("_,source,target"), {});
  EXPECT_EQ(pairs.kind, DataKind::pairs);
  TagData none;
  EXPECT_EQ(read_as_pairs({file}, pairs, {}, none).examples[3].source, "an answer 3");
  EXPECT_EQ(plan_data({file}, with_columns("value,_,_"), {}).kind, DataKind::series);
}

TEST(PlanData, ADevFileIsReadAsTheOther) {
  const TempDir dir;
  const std::string train = dir.write("a.csv", "1,good one,pos\n2,bad one,neg\n3,fine one,pos\n4,poor one,neg\n"),
                    dev = dir.write("b.csv", "9,good one,pos\n");
  const DataReport report = check({train}, {dev}, {}, CheckDepth::quick, with_columns("_,text,label"));
  EXPECT_EQ(report.examples, 4);
  EXPECT_EQ(report.dev.leaked.count, 1);
  EXPECT_EQ(report.labels.size(), 2u);
}

TEST(PlanData, AFieldOfCoNLLUIsSaid) {
  const TempDir dir;
  const std::string file = dir.write("a.conllu", "1\tdogs\tdog\tNOUN\tNNS\t_\t0\troot\t_\t_\n\n");
  DataReading reading;
  reading.target = "xpos";
  const DataPlan plan = plan_data({file}, reading, {});
  TagData tags;
  read_as_pairs({file}, plan, {}, tags);
  EXPECT_EQ(tags.sentences[0].tags[0], "NNS");
  read_as_pairs({file}, plan_more({file}, plan, {}), {}, tags);
  EXPECT_EQ(tags.sentences[0].tags[0], "NNS");
}

}  // namespace any_data_test
}  // namespace carousel::data
