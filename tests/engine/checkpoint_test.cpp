#include "carousel/engine/checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/toy_task.h"
#include "tests/support/temp_dir.h"

namespace carousel::engine {
namespace checkpoint_test {

using testing::error_of;

Archive toy_archive() {
  ToyTask task;
  OptionTable table;
  task.options(table);
  RunIdentity identity{"toy", table.to_json(), "", table.to_json(), "abc", 2};
  RunRecord record;
  record.command = "carousel train";
  record.result.step = 12;
  record.result.best.evaluation.metric = "distance";
  record.result.best.evaluation.value = 0.5;
  record.result.best.evaluation.metrics = {{"distance", 0.5}, {"odd", std::nan("")}};
  ToyModel model(std::make_shared<train::ToyObjective>());
  return model_archive(model, identity, record);
}

std::string load_error(const Archive& archive) {
  ToyTask task;
  return error_of<FormatError>([&] { load_model(task, archive, "m"); });
}

TEST(Checkpoint, RecordAndIdentityComeBack) {
  const Archive archive = parse_archive(serialize_archive(toy_archive()), "m");
  const RunIdentity identity = identity_of(archive, "m");
  EXPECT_EQ(identity.task, "toy");
  EXPECT_EQ(identity.data_hash, "abc");
  EXPECT_EQ(identity.threads, 2);
  const RunRecord record = record_of(archive, "m");
  EXPECT_FALSE(record.finished);
  EXPECT_EQ(record.result.step, 12);
  EXPECT_EQ(record.result.best.evaluation.metrics.at("distance"), 0.5);
  EXPECT_TRUE(std::isnan(record.result.best.evaluation.metrics.at("odd")));
}

TEST(Checkpoint, RefusesAnotherProgramsFile) {
  Archive archive = toy_archive();
  archive.metadata.clear();
  EXPECT_EQ(
      load_error(archive),
      "m: [model] a model of this program has carousel.format_version in its metadata; got none. Give the file that "
      "`train` wrote.");
}

TEST(Checkpoint, RefusesANewerFormat) {
  Archive archive = toy_archive();
  archive.metadata["carousel.format_version"] = "7";
  EXPECT_EQ(load_error(archive), "m: [model] this program reads formats up to 1; got format 7. Update the program.");
  archive.metadata["carousel.format_version"] = "x";
  EXPECT_EQ(load_error(archive), "m: [model] carousel.format_version must be a count; got \"x\". Train anew.");
}

TEST(Checkpoint, RefusesACheckpointAsModel) {
  Archive archive = toy_archive();
  archive.metadata["carousel.trainer_state"] = "{}";
  EXPECT_NE(load_error(archive).find("got the checkpoint of a running training"), std::string::npos);
}

TEST(Checkpoint, NamesWrongTensorsAndBothShapes) {
  Archive archive = toy_archive();
  archive.tensors[0].tensor = Tensor::zeros({2, 3});
  EXPECT_EQ(load_error(archive),
            "m: [model] tensor layer.weight must be f32 [4, 1]; got f32 [2, 3]. Fetch the file again, or train anew.");
  archive = toy_archive();
  archive.tensors[0].tensor = archive.tensors[0].tensor.to(DType::f64);
  EXPECT_NE(load_error(archive).find("must be f32 [4, 1]; got f64 [4, 1]"), std::string::npos);
  archive = toy_archive();
  archive.tensors.erase(archive.tensors.begin());
  EXPECT_NE(load_error(archive).find("tensor layer.weight must be f32 [4, 1]; got none of that name"),
            std::string::npos);
  archive = toy_archive();
  archive.tensors.push_back({"more", Tensor::zeros({1})});
  EXPECT_NE(load_error(archive).find("the model has no tensor more; got one of f32 [1]"), std::string::npos);
  archive = toy_archive();
  archive.tensors[1].tensor = Tensor::full({1}, INFINITY);
  EXPECT_NE(load_error(archive).find("tensor layer.bias must be finite; got NaN or infinity"), std::string::npos);
}

TEST(Checkpoint, NamesBadMetadata) {
  Archive archive = toy_archive();
  archive.metadata["toy.word"] = "bye";
  EXPECT_EQ(load_error(archive), "m: [toy] no word; got none. Say hello.");
  archive = toy_archive();
  archive.metadata["carousel.config"] = R"({"model":{"width":1000}})";
  EXPECT_NE(load_error(archive).find("width must be an integer from 1 to 100; got \"1000\""), std::string::npos);
  archive = toy_archive();
  archive.metadata.erase("carousel.config");
  EXPECT_NE(load_error(archive).find("must hold carousel.config"), std::string::npos);
  archive = toy_archive();
  archive.metadata["carousel.best"] = "[]";
  EXPECT_NE(error_of<FormatError>([&] { record_of(archive, "m"); }).find("carousel.best must be"), std::string::npos);
}

}  // namespace checkpoint_test
}  // namespace carousel::engine
