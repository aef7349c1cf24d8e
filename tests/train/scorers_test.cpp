// Metrics against what the published scorers said of the same inputs (tests/fixtures/scorers/README.md).
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "carousel/data/unicode.h"
#include "carousel/train/anomaly.h"
#include "carousel/train/classification.h"
#include "carousel/train/forecasting.h"
#include "carousel/train/metrics.h"
#include "carousel/train/tagging.h"
#include "tests/support/temp_dir.h"

namespace carousel::train {
namespace scorers_test {

using Json = nlohmann::json;

/// The cases of a file of tests/fixtures/scorers.
Json cases_of(const std::string& name) {
  Json cases = Json::parse(testing::content_of(CAROUSEL_SOURCE_DIR "/tests/fixtures/scorers/" + name)).at("cases");
  EXPECT_FALSE(cases.empty()) << name;
  return cases;
}

std::vector<std::string> words(const std::string& text) {
  const auto views = data::split_words(text);
  return {views.begin(), views.end()};
}

void expect_close(double got, double want, const std::string& where) {
  EXPECT_NEAR(got, want, 1e-9 * std::max(1.0, std::abs(want))) << where;
}

TEST(Scorers, SpansAreThoseOfConlleval) {
  constexpr double kPrinted = 0.005 + 1e-9;  // it prints two digits of a percentage
  for (const Json& sample : cases_of("conlleval.json")) {
    const std::string name = sample.at("name");
    TagScores scores;
    double tokens = 0;
    for (const Json& sentence : sample.at("sentences")) {
      const auto wanted = words(sentence.at(0)), predicted = words(sentence.at(1));
      tokens += static_cast<double>(wanted.size());
      scores.add(predicted, wanted);
    }
    const double wanted = sample.at("wanted"), found = sample.at("found"), right = sample.at("right");
    EXPECT_EQ(tokens, sample.at("tokens")) << name;
    EXPECT_DOUBLE_EQ(scores.span_precision(), found > 0 ? right / found : 0) << name;
    EXPECT_DOUBLE_EQ(scores.span_recall(), right / wanted) << name;
    EXPECT_DOUBLE_EQ(scores.span_f1(), 2 * right / (found + wanted)) << name;
    EXPECT_NEAR(100 * scores.accuracy(), sample.at("accuracy").get<double>(), kPrinted) << name;
    EXPECT_NEAR(100 * scores.span_precision(), sample.at("precision").get<double>(), kPrinted) << name;
    EXPECT_NEAR(100 * scores.span_recall(), sample.at("recall").get<double>(), kPrinted) << name;
    EXPECT_NEAR(100 * scores.span_f1(), sample.at("f1").get<double>(), kPrinted) << name;
  }
}

TEST(Scorers, TokensAreThoseOfSacrebleu) {
  for (const Json& sample : cases_of("tokenizer_13a.json"))
    EXPECT_EQ(tokenize_13a(sample.at(0).get<std::string>()), sample.at(1)) << sample.at(0);
}

TEST(Scorers, BleuAndChrfAreThoseOfSacrebleu) {
  for (const Json& sample : cases_of("sacrebleu.json")) {
    Bleu bleu;
    Chrf chrf;
    for (const Json& row : sample.at("rows")) {
      bleu.add(row.at(0).get<std::string>(), row.at(1));
      chrf.add(row.at(0).get<std::string>(), row.at(1));
    }
    expect_close(bleu.score(), sample.at("bleu"), "bleu of " + sample.at("name").get<std::string>());
    expect_close(chrf.score(), sample.at("chrf"), "chrf of " + sample.at("name").get<std::string>());
  }
}

TEST(Scorers, RougeIsThatOfRougeScoreIfItReadAllScripts) {
  for (const Json& sample : cases_of("rouge_score.json")) {
    const std::string name = sample.at("name");
    Rouge rouge;
    for (const Json& row : sample.at("rows")) rouge.add(row.at(0).get<std::string>(), row.at(1));
    const std::vector<double> got = {rouge.score_1(), rouge.score_2(), rouge.score_l()};
    for (size_t k = 0; k < got.size(); ++k) {
      expect_close(got[k], sample.at("rouge").at(k), name);
      // The deviation that Rouge documents: the original drops what is not a-z and 0-9.
      if (!sample.at("ascii").get<bool>()) {
        EXPECT_GT(std::abs(got[k] - sample.at("original").at(k).get<double>()), 0.1) << name;
      }
    }
  }
}

TEST(Scorers, ErrorRatesAreThoseOfScliteOfTheFewestEdits) {
  int more = 0;  // cases where sclite counts more, for it weighs a substitution by 4 and other edits by 3
  for (const Json& sample : cases_of("sclite.json")) {
    const std::string name = sample.at("name");
    ErrorRates rates;
    for (const Json& row : sample.at("rows")) rates.add(words(row.at(0)), {words(row.at(1))});
    const double count = sample.at("words");
    EXPECT_DOUBLE_EQ(rates.token_error_rate(), sample.at("edits").get<double>() / count) << name;
    const double more_edits = sample.at("sclite_edits").get<double>() - sample.at("edits").get<double>();
    EXPECT_GE(more_edits, 0) << name;
    more += more_edits > 0;
    EXPECT_DOUBLE_EQ(rates.sequence_error_rate(),
                     sample.at("wrong").get<double>() / sample.at("sequences").get<double>())
        << name;
  }
  EXPECT_EQ(more, 1);
}

TEST(Scorers, ClassesAreThoseOfScikitLearnAndOfThePaperOnCalibration) {
  for (const Json& sample : cases_of("classes.json")) {
    const std::string name = sample.at("name");
    ClassScores scores;
    for (size_t i = 0; i < sample.at("wanted").size(); ++i) {
      const std::vector<float> logits = sample.at("logits").at(i);
      scores.add(probabilities_of(logits, 1), sample.at("wanted").at(i));
    }
    expect_close(scores.accuracy(), sample.at("accuracy"), name);
    expect_close(scores.macro_f1(), sample.at("macro_f1"), name);
    // The original reckons in single precision.
    EXPECT_NEAR(scores.expected_calibration_error(), sample.at("calibration_error").get<double>(), 1e-6) << name;
  }
}

TEST(Scorers, ForecastsAreThoseOfM4AndScikitLearn) {
  std::map<std::string, double> means;
  std::vector<ForecastScores::Scale> scales;
  const Json series = cases_of("forecasts.json");
  for (const Json& s : series)
    scales.push_back({s.at("deviation"), seasonal_error(s.at("train").get<std::vector<double>>(), s.at("period"))});
  ForecastScores all(scales, {10, 50, 90});
  for (size_t i = 0; i < series.size(); ++i) {
    const std::vector<double> actual = series[i].at("actual"), forecast = series[i].at("forecast");
    const std::vector<std::vector<double>> quantiles = series[i].at("quantiles");
    ForecastScores one({scales[i]}, {10, 50, 90});
    one.add(0, {actual, forecast, forecast, forecast, quantiles});
    all.add(i, {actual, forecast, forecast, forecast, quantiles});
    for (const char* metric : {"smape", "mase", "mse", "mae", "pinball"}) {
      expect_close(one.metrics().at(metric), series[i].at(metric), metric);
      means[metric] += series[i].at(metric).get<double>() / static_cast<double>(series.size());
    }
  }
  for (const auto& [metric, mean] : means) expect_close(all.metrics().at(metric), mean, "all, " + metric);
}

TEST(Scorers, AnomaliesAreThoseOfTheNumentaBenchmarkAtEveryThreshold) {
  const Json sample = cases_of("nab.json").at(0);
  std::vector<ScoredSeries> all;
  for (const Json& s : sample.at("series")) {
    ScoredSeries& series = all.emplace_back();
    series.scores.resize(s.at("rows"));
    for (const Json& alarm : s.at("alarms")) series.scores[alarm.at(0).get<size_t>()] = alarm.at(1);
    for (const Json& window : s.at("windows")) series.windows.push_back({window.at(0), window.at(1)});
  }
  ASSERT_EQ(sample.at("profiles").size(), 3u);
  for (const auto& [name, of] : sample.at("profiles").items()) {
    const NabProfile profile = {of.at("weights").at(0), of.at("weights").at(1), of.at("weights").at(2)};
    double best = 0, best_at = 0;
    for (const Json& row : of.at("scores")) {
      const double threshold = row.at(0), score = row.at(1);
      expect_close(nab_score(all, threshold, profile), score, name + " at " + std::to_string(threshold));
      if (score > best) {
        best = score;
        best_at = threshold;
      }
    }
    expect_close(best_nab_score(all, profile).score, best, name);
    EXPECT_EQ(best_nab_score(all, profile).threshold, best_at) << name;
  }
}

TEST(Scorers, WindowedGaussianIsThatOfTheNumentaBenchmark) {
  for (const Json& sample : cases_of("windowed_gaussian.json")) {
    const double offset = sample.at("offset"), scale = sample.at("scale");
    const int64_t rows = sample.at("rows"), every = sample.at("every");
    WindowedGaussian detector;
    uint64_t state = 1;
    for (int64_t row = 0; row < rows; ++row) {
      state = (state * 1103515245 + 12345) % (uint64_t{1} << 31);
      const double score = detector.read(offset + scale * static_cast<double>((state >> 16) % 1000));
      if (row % every == 0) {
        EXPECT_NEAR(score, sample.at("scores").at(static_cast<size_t>(row / every)).get<double>(), 1e-9) << row;
      }
    }
  }
}

}  // namespace scorers_test
}  // namespace carousel::train
