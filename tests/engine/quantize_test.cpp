// Model files in number formats: written, measured, loaded, refused.
#include "carousel/engine/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>

#include "carousel/base/error.h"
#include "carousel/engine/convert.h"
#include "carousel/engine/number_format.h"
#include "carousel/engine/session.h"
#include "tests/engine/toy_task.h"
#include "tests/support/temp_dir.h"

namespace carousel::engine {
namespace quantize_test {

using ::carousel::testing::error_of;

TrainRequest request_of(const std::string& data, const std::string& output,
                        const std::vector<std::pair<std::string, std::string>>& settings) {
  TrainRequest request;
  request.data = {data};
  request.output = output;
  request.settings = {{"hidden_size", "16", "test"}, {"embedding_size", "8", "test"}, {"batch_size", "4", "test"}};
  for (const auto& [key, value] : settings) request.settings.push_back({key, value, "test"});
  return request;
}

/// A model of each task.
class Quantize : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new testing::TempDir;
    std::string text, pairs, labels;
    for (int i = 0; i < 40; ++i) {
      text += "carousels go round\nand round they go\n";
      const char letters[] = {static_cast<char>('a' + i % 5), static_cast<char>('a' + i * i % 7), '\0'};
      pairs += std::string(letters) + std::to_string(i) + "\t" + letters[1] + letters[0] + "\n";
      labels += i % 2 ? "__label__up higher and higher\n" : "__label__down lower and lower\n";
    }
    train("lm", dir_->write("text.txt", text),
          {{"bptt", "8"}, {"tokens", "characters"}, {"max_steps", "60"}, {"learning_rate", "0.02"}});
    train("pairs", dir_->write("pairs.tsv", pairs), {{"max_steps", "4"}});
    train("labels", dir_->write("labels.txt", labels), {{"max_steps", "4"}});
  }
  static void TearDownTestSuite() { delete std::exchange(dir_, nullptr); }

  static void train(const std::string& name, const std::string& data,
                    const std::vector<std::pair<std::string, std::string>>& settings) {
    ToyObserver observer;
    Engine::train(request_of(data, file(name), settings), observer);
  }
  static std::string file(const std::string& name) { return dir_->file(name); }
  static const testing::TempDir& dir() { return *dir_; }

  static QuantizeReport quantize(const std::string& model, const std::string& format, const std::string& data = "") {
    QuantizeRequest request{file(model), file(model + "." + format), format, {}, 1e9};
    if (!data.empty()) request.data = {file(data)};
    return quantize_model(request);
  }

 private:
  static inline testing::TempDir* dir_ = nullptr;
};

TEST_F(Quantize, MeasuresWhatTheFilesAnswer) {
  const std::pair<const char*, const char*> models[] = {
      {"lm", "text.txt"}, {"pairs", "pairs.tsv"}, {"labels", "labels.txt"}};
  for (const char* format : {"int8", "bf16"})
    for (const auto& [model, data] : models) {
      const QuantizeReport report = quantize(model, format, data);
      const std::string output = file(std::string(model) + "." + format);
      EXPECT_EQ(report.before.metrics, Engine::load(file(model)).evaluate({file(data)}, {}).metrics);
      EXPECT_EQ(report.after.metrics, Engine::load(output).evaluate({file(data)}, {}).metrics);
      EXPECT_TRUE(report.before.metrics.contains(report.metric)) << report.metric;
      EXPECT_EQ(report.bytes_after, static_cast<int64_t>(std::filesystem::file_size(output)));
      EXPECT_LT(report.bytes_after, report.bytes_before);
      EXPECT_GT(report.matrices, 2);
      EXPECT_EQ(report.format, format);
    }
}

TEST_F(Quantize, TheLossIsRelativeButForRates) {
  const QuantizeReport text = quantize("lm", "int8", "text.txt");
  const double before = text.before.metrics.at("perplexity"), after = text.after.metrics.at("perplexity");
  EXPECT_NE(before, after);
  EXPECT_DOUBLE_EQ(text.loss, (after - before) / before);
  const QuantizeReport labels = quantize("labels", "int8", "labels.txt");
  EXPECT_DOUBLE_EQ(labels.loss, labels.before.metrics.at("accuracy") - labels.after.metrics.at("accuracy"));
}

TEST_F(Quantize, MatricesAreRoundedAndTheRestStays) {
  quantize("lm", "int8");
  const Archive before = read_archive(file("lm")), after = read_archive(file("lm.int8"));
  int64_t matrices = 0;
  for (const NamedTensor& t : before.tensors) {
    const Tensor* found = after.find(t.name);
    ASSERT_NE(found, nullptr) << t.name;
    EXPECT_EQ(found->shape(), t.tensor.shape());
    const bool matrix = t.tensor.rank() == 2;
    EXPECT_EQ(found->dtype(), matrix ? DType::i8 : DType::f32) << t.name;
    EXPECT_EQ(after.find(t.name + "_scale") != nullptr, matrix) << t.name;
    matrices += matrix;
  }
  EXPECT_EQ(after.metadata.at("carousel.quantized"), "int8, " + std::to_string(matrices) + " matrices");
  EXPECT_EQ(format_of(after)->name, std::string("int8"));
  EXPECT_EQ(format_of(before), nullptr);
}

TEST_F(Quantize, NarrowMatricesStay) {
  Archive archive;
  archive.tensors = {{"narrow", Tensor::full({9, 7}, 1)},
                     {"wide", Tensor::full({9, 8}, 1)},
                     {"none", Tensor::empty({0, 8})},
                     {"vector", Tensor::full({64}, 1)},
                     {"widest", Tensor::full({1, 8193}, 1)}};
  const Quantized done = quantize_weights(archive, kernels::quant::format_named("int8"));
  EXPECT_EQ(done.matrices, 1);
  EXPECT_EQ(done.left, 4);
  EXPECT_EQ(done.values, 72);
  EXPECT_EQ(done.archive.find("wide")->dtype(), DType::i8);
  EXPECT_EQ(quantize_weights(archive, kernels::quant::format_named("bf16")).matrices, 2);
}

TEST_F(Quantize, LoadingAndWritingAgainGivesTheSameCodes) {
  for (const char* format : {"int8", "bf16"}) {
    quantize("lm", format);
    const Archive archive = read_archive(file(std::string("lm.") + format));
    Archive decoded;
    for (const NamedTensor& t : read_archive(file("lm")).tensors) {
      nn::NamedParameter p{t.name, Var(Tensor::zeros(t.tensor.shape()))};
      std::set<std::string> read;
      const Tensor* saved = archive.find(t.name);
      if (format_of(saved->dtype())) restore_weight(p, *saved, archive, "m", read);
      decoded.tensors.push_back({t.name, format_of(saved->dtype()) ? p.var.value() : *saved});
    }
    Archive again = quantize_weights(decoded, kernels::quant::format_named(format)).archive;
    again.metadata = archive.metadata;
    EXPECT_EQ(serialize_archive(again), serialize_archive(archive)) << format;
  }
}

TEST_F(Quantize, SessionsReadWithTheModelAndKnowItsStates) {
  quantize("lm", "int8");
  Engine plain = Engine::load(file("lm")), rounded = Engine::load(file("lm.int8"));
  Session a = plain.open_session(), b = rounded.open_session(), c = Engine::load(file("lm.int8")).open_session();
  const std::vector<int32_t> symbols = a.encode("round they go");
  const auto x = a.feed(symbols), y = b.feed(symbols), z = c.feed(symbols);
  double furthest = 0;
  for (size_t i = 0; i < x.size(); ++i) furthest = std::max(furthest, static_cast<double>(std::abs(x[i] - y[i])));
  EXPECT_GT(furthest, 0);
  EXPECT_LT(furthest, 0.5);
  EXPECT_TRUE(std::equal(y.begin(), y.end(), z.begin())) << "loaded twice";
  c.set_state(b.state());
  EXPECT_NE(error_of<FormatError>([&] { b.set_state(a.state()); }).find("got one of another model"), std::string::npos);
}

TEST_F(Quantize, InfoSaysSo) {
  quantize("lm", "bf16", "text.txt");
  const ModelInfo info = Engine::load(file("lm.bf16")).info();
  EXPECT_EQ(info.rows.back().first, "number format");
  EXPECT_NE(info.rows.back().second.find("bf16, "), std::string::npos);
  EXPECT_NE(info.rows.back().second.find("perplexity "), std::string::npos) << info.rows.back().second;
}

TEST_F(Quantize, SaysWhenTheDataAreThoseOfTheTraining) {
  const auto note = [](const QuantizeReport& report) { return report.notes.empty() ? "" : report.notes.back(); };
  EXPECT_EQ(note(quantize("lm", "bf16", "text.txt")),
            "these are the data that the model was trained on: what is lost on data it never saw may be more");
  dir().write("other.txt", "they go round\n");
  EXPECT_EQ(note(quantize("lm", "bf16", "other.txt")).find("these are the data"), std::string::npos);
  const QuantizeReport pairs = quantize("pairs", "bf16", "pairs.tsv");
  EXPECT_TRUE(std::any_of(pairs.notes.begin(), pairs.notes.end(), [](const std::string& n) {
    return n.find("stood in the training data") != std::string::npos;
  }));
}

/// A model that cannot bear rounding: one column of its input weights is large, and nothing ever goes through it.
void add_idle_column(const std::string& from, const std::string& to) {
  Archive archive = read_archive(from);
  for (NamedTensor& t : archive.tensors) {
    const bool embedding = t.name == "embedding.weight", input = t.name.find("weight_ih") != std::string::npos;
    if (!embedding && !input) continue;
    t.tensor = t.tensor.clone();
    for (int64_t i = 0; i < t.tensor.dim(0); ++i) t.tensor.data<float>()[i * t.tensor.dim(1)] = embedding ? 0 : 1e5f;
  }
  write_archive(to, archive);
}

TEST_F(Quantize, RefusesPastTheLossThatIsAllowed) {
  add_idle_column(file("lm"), file("brittle"));
  QuantizeRequest request{file("brittle"), file("brittle.int8"), "int8", {file("text.txt")}, 0.01};
  const std::string text = error_of<Error>([&] { quantize_model(request); });
  EXPECT_EQ(text.find("[quantize] perplexity may get worse by at most 0.01 of its value; got "), 0u) << text;
  EXPECT_NE(
      text.find(", on 80 examples. Nothing was written: try --format bf16, allow more with --max-loss, or measure "
                "on more data."),
      std::string::npos)
      << text;
  EXPECT_FALSE(std::filesystem::exists(request.output));
  request.max_loss = 1e9;
  EXPECT_GT(quantize_model(request).loss, 0.01);
  EXPECT_TRUE(std::filesystem::exists(request.output));
  request.format = "bf16";  // each value has an exponent of its own
  request.max_loss = 0.01;
  EXPECT_LT(quantize_model(request).loss, 0.01);
}

TEST_F(Quantize, RefusesWhatCannotBe) {
  quantize("lm", "int8");
  const auto refusal = [](const QuantizeRequest& r) { return error_of<ConfigError>([&] { quantize_model(r); }); };
  EXPECT_EQ(refusal({file("lm"), file("x"), "int7", {}, 0.01}),
            "[quantize] the number format must be one of int8, bf16; got 'int7'. Choose one of them.");
  EXPECT_EQ(
      refusal({file("lm"), file("lm"), "int8", {}, 0.01}),
      "[quantize] the quantized model must not replace its original, which alone can be trained on, converted and "
      "quantized in another way; got " +
          file("lm") + " for both. Name another file.");
  for (const double bad : {-0.5, std::numeric_limits<double>::infinity()})
    EXPECT_EQ(
        refusal({file("lm"), file("x"), "int8", {}, bad}),
        fmt::format("[quantize] the most that may be lost is a number of 0 or more; got {}. Give 0.01 for one in a "
                    "hundred.",
                    bad));
  const auto unsupported = [](const std::function<void()>& f) { return error_of<UnsupportedError>(f); };
  EXPECT_EQ(unsupported([&] {
              quantize_model({file("lm.int8"), file("x"), "bf16", {}, 0.01});
            }),
            "[quantize] weights must be f32 to be rounded once; got " + file("lm.int8") +
                ", in int8 already. Quantize the model it was made from.");
  EXPECT_EQ(unsupported([&] {
              convert_model({file("lm.int8"), file("x"), {{"biases", "2", "test"}}});
            }),
            "[convert] weights must be f32; got " + file("lm.int8") +
                ", in int8. Convert the model it was made from, and quantize the result.");
  EXPECT_EQ(
      unsupported([&] {
        ToyObserver observer;
        TrainRequest request = request_of(file("text.txt"), file("lm.int8"), {});
        request.resume = true;
        Engine::train(request, observer);
      }),
      "[train] a model in int8 cannot be trained on: its weights are rounded, and steps smaller than the rounding "
      "would be lost; got " +
          file("lm.int8") + ". Train the model it was made from, and quantize the result.");
}

TEST_F(Quantize, KnowsWhichWayIsBetterInFilesThatDoNotSay) {
  const double wanted[] = {quantize("lm", "int8", "text.txt").loss, quantize("labels", "int8", "labels.txt").loss};
  const char* models[] = {"lm", "labels"};
  for (size_t i = 0; i < 2; ++i) {
    Archive archive = read_archive(file(models[i]));
    std::string& best = archive.metadata.at("carousel.best");
    const std::string key = i == 0 ? "\"lower_is_better\":true," : "\"lower_is_better\":false,";
    ASSERT_NE(best.find(key), std::string::npos) << best;
    best.erase(best.find(key), key.size());
    write_archive(file("early"), archive);
    EXPECT_EQ(quantize("early", "int8", i == 0 ? "text.txt" : "labels.txt").loss, wanted[i]);
  }
}

TEST_F(Quantize, AMetricThatTheTaskLacksIsABadFile) {
  Archive archive = read_archive(file("lm"));
  std::string& best = archive.metadata.at("carousel.best");
  best.replace(best.find("perplexity"), 10, "bewilderment");
  write_archive(file("odd"), archive);
  EXPECT_NE(
      error_of<FormatError>([&] {
        quantize_model({file("odd"), file("x"), "int8", {file("text.txt")}, 1});
      })
          .find("[quantize] the metric that chose the model's weights must be one of its task; got 'bewilderment'. "
                "Train anew."),
      std::string::npos);
}

/// The error of loading lm.int8 after a change.
std::string error_after(const std::string& file, const std::function<void(Archive&)>& change) {
  Archive archive = read_archive(file);
  change(archive);
  return error_of<FormatError>([&] { Engine::from_archive(std::move(archive), "m"); });
}

Tensor& tensor_of(Archive& archive, const std::string& name) {
  for (NamedTensor& t : archive.tensors)
    if (t.name == name) return t.tensor;
  throw ConfigError("no tensor " + name);
}

TEST_F(Quantize, HostileFilesAreRefused) {
  quantize("lm", "int8");
  quantize("lm", "bf16");
  const std::string int8 = file("lm.int8"), bf16 = file("lm.bf16");
  const std::string end = ". Fetch the file again, or quantize anew.";
  const auto expect = [](const std::string& text, const std::string& wanted) {
    EXPECT_NE(text.find(wanted), std::string::npos) << text << "\nwanted: " << wanted;
  };
  const Archive sound = read_archive(int8);
  const Tensor& embedding = *sound.find("embedding.weight");
  const int64_t rows = embedding.dim(0);
  const std::string scale = "embedding.weight_scale";
  const auto rename = [&](Archive& a) {
    for (NamedTensor& t : a.tensors)
      if (t.name == scale) t.name = "elsewhere";
  };
  expect(error_after(int8, rename),
         fmt::format("[model] tensor {} must be f32 [{}]; got none of that name{}", scale, rows, end));
  expect(error_after(int8, [&](Archive& a) { tensor_of(a, scale) = Tensor::zeros({rows + 1}); }),
         fmt::format("[model] tensor {} must be f32 [{}]; got f32 [{}]{}", scale, rows, rows + 1, end));
  expect(error_after(int8, [&](Archive& a) { tensor_of(a, scale) = Tensor::zeros({rows}, DType::i8); }),
         fmt::format("[model] tensor {} must be f32 [{}]; got i8 [{}]{}", scale, rows, rows, end));
  expect(error_after(int8,
                     [&](Archive& a) {
                       tensor_of(a, "embedding.weight") = Tensor::zeros({rows, 9}, DType::i8);
                     }),
         fmt::format("[model] tensor embedding.weight must be f32 [{}, 8]; got i8 [{}, 9]{}", rows, rows, end));
  for (const float bad : {-1.0f, std::numeric_limits<float>::quiet_NaN()})
    expect(error_after(int8, [&](Archive& a) { tensor_of(a, scale).data<float>()[0] = bad; }),
           "[model] tensor embedding.weight must hold sound int8 codes and scales; got values that are never written" +
               end);
  expect(error_after(int8, [](Archive& a) { *static_cast<int8_t*>(tensor_of(a, "embedding.weight").raw()) = -128; }),
         "must hold sound int8 codes and scales");
  expect(
      error_after(bf16, [](Archive& a) { *static_cast<uint16_t*>(tensor_of(a, "embedding.weight").raw()) = 0x7F80; }),
      "must hold sound bf16 codes and scales");
  expect(error_after(int8, [](Archive& a) { tensor_of(a, "output.bias") = Tensor::zeros({5}, DType::i8); }),
         "[model] tensor output.bias must be f32 [");
  expect(error_after(int8,
                     [](Archive& a) {
                       a.tensors.push_back({"output.bias_scale", Tensor::zeros({5})});
                     }),
         "the model has no tensor output.bias_scale");
}

}  // namespace quantize_test
}  // namespace carousel::engine
