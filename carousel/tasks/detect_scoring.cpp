// What a detector says about files: a score for each row, and how its alarms lie beside labels.
#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/tasks/detect_model.h"

namespace carousel::tasks {

namespace {

std::map<std::string, double> metrics_of(const std::vector<train::ScoredSeries>& scored, double threshold,
                                         double error) {
  const train::AlarmCounts counts = train::count_alarms(scored, threshold);
  return {{"precision", counts.precision()},
          {"recall", counts.recall()},
          {"f1", counts.f1()},
          {"nab", train::best_nab_score(scored).score},
          {"error", error}};
}

/// Scores for thresholds: the lowest number where a row is no peak.
std::vector<double> scores_of(const std::vector<GroupDetector::Answer>& answers) {
  std::vector<double> scores;
  scores.reserve(answers.size());
  for (const GroupDetector::Answer& a : answers)
    scores.push_back(a.peak ? a.score : std::numeric_limits<double>::lowest());
  return scores;
}

/// The highest score of the columns of a group.
std::vector<double> baseline_scores(const DetectGroup& group) {
  std::vector<double> all(static_cast<size_t>(group.rows()));
  for (const data::Series& s : group.series) {
    train::WindowedGaussian gaussian;
    for (size_t i = 0; i < all.size(); ++i) all[i] = std::max(all[i], gaussian.read(s.values[i]));
  }
  return all;
}

}  // namespace

EvalReport DetectModel::evaluate(const std::vector<std::string>& files, const PredictOptions& search) {
  search.refuse_search("[detect] a detector scores rows and searches for no sequence",
                       "predict has one score for each row");
  const DetectData data = read_detect_data(files, parts_.options);
  std::vector<train::ScoredSeries> scored, baseline;
  int64_t unlabelled = 0;
  double error = 0, step = 0;
  for (const DetectGroup& group : data.groups) {
    if (!group.labelled) {
      ++unlabelled;
      continue;
    }
    const std::vector<GroupDetector::Answer> said = answers(group, data.groups.size());
    for (const GroupDetector::Answer& a : said) {
      error += a.error;
      step += a.step;
    }
    scored.push_back({scores_of(said), group.windows});
    baseline.push_back({baseline_scores(group), group.windows});
  }
  const train::AlarmCounts counts = train::count_alarms(scored, threshold());
  if (counts.windows == 0)
    throw DataError(files.front(), 0, 0,
                    fmt::format("[eval] a score needs labelled anomalies behind the first 15 % of a series; got none. "
                                "{}",
                                scored.empty() ? "Name the column of labels with --columns when training, or give the "
                                                 "file of windows behind the data."
                                               : "Give a file that holds some."));
  EvalReport report;
  report.task = task();
  for (const train::ScoredSeries& s : scored) report.examples += static_cast<int64_t>(s.scores.size());
  const auto rows = static_cast<double>(report.examples);
  report.metrics = metrics_of(scored, threshold(), error / rows);
  const train::NabScore gaussian = train::best_nab_score(baseline), best = train::best_nab_score(scored);
  report.baseline = metrics_of(baseline, gaussian.threshold, step / rows);
  report.baseline_name =
      "windowed Gaussian as the Numenta Anomaly Benchmark has it, with the threshold best for it here; error: the last "
      "value again";
  report.notes = data.notes;
  report.notes.push_back(fmt::format(
      "{} of {}: {} of {} found, {} in {} outside; scored by {}", counted(report.examples, "row"),
      counted(static_cast<int64_t>(scored.size()), "series", "series"), counts.found, counted(counts.windows, "window"),
      counted(counts.false_alarms, "false alarm"), counted(counts.rows_outside, "row"), chosen()));
  report.notes.push_back(fmt::format(
      "nab is with the best threshold on these labels ({:.4g}), as the benchmark has it; with the model's own "
      "({:.4g}) it is {:.1f}; the profiles for few false alarms and for few misses: {:.1f} and {:.1f}",
      best.threshold, threshold(), train::nab_score(scored, threshold()),
      train::best_nab_score(scored, {1, 0.22, 1}).score, train::best_nab_score(scored, {1, 0.11, 2}).score));
  if (unlabelled > 0)
    report.notes.push_back(fmt::format("{} without labels left out", counted(unlabelled, "series", "series")));
  if (report.metrics.at("nab") <= report.baseline.at("nab"))
    report.notes.emplace_back("the model is not better than the baseline: train on more normal rows");
  return report;
}

/// For folders, and for series that each stand in one row.
FileAnswer DetectModel::predict_file(const std::string& name, const PredictOptions& search) {
  search.refuse_search("[detect] a detector scores rows and searches for no sequence",
                       "predict has one score for each row");
  const DetectData data = read_detect_data({name}, parts_.options);
  FileAnswer answer;
  answer.notes = data.notes;
  const bool timed = data.groups.front().series.front().times != nullptr;
  answer.columns = {"series", "row"};
  if (timed) answer.columns.emplace_back("time");
  for (const char* column : {"score", "alarm"}) answer.columns.emplace_back(column);
  for (const DetectGroup& group : data.groups) {
    const data::Series& series = group.series.front();
    const std::vector<GroupDetector::Answer> all = answers(group, data.groups.size());
    for (size_t i = 0; i < all.size(); ++i) {
      std::vector<FileAnswer::Cell> row = {group.name, static_cast<int64_t>(i) + 1};
      if (timed) row.emplace_back(series.times ? data::format_time({(*series.times)[i], group.style}) : std::string());
      row.emplace_back(all[i].score);
      row.emplace_back(int64_t{all[i].peak && all[i].score >= threshold()});
      answer.rows.push_back(std::move(row));
    }
  }
  return answer;
}

}  // namespace carousel::tasks
