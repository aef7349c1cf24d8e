#include "carousel/engine/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/json_object.h"

namespace carousel::engine {

namespace {

using Verdict = Finding::Verdict;

constexpr size_t kAnswered = 64;     ///< lines whose answers are compared
constexpr size_t kLookedInto = 8;    ///< lines whose gates and attention are looked at
constexpr size_t kShown = 3;         ///< offending lines named
constexpr double kSame = 1e-3;       ///< log-probabilities of one answer may differ by this share
constexpr double kSaturated = 0.95;  ///< share of a gate's values at its ends that is too much
constexpr double kMuchWorse = 3;     ///< errors of what it writes on its own over those after right prefixes
constexpr double kFarWorse = 0.1;    ///< and their difference
constexpr double kDead = 0.25;       ///< share of units that never move that is too much

std::vector<std::string> first_of(const std::vector<std::string>& lines, size_t most) {
  return {lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(most, lines.size()))};
}

const std::string& answer_of(const tasks::Prediction& prediction) {
  static const std::string none;
  return prediction.hypotheses.empty() ? none : prediction.hypotheses.front().text;
}

Finding skipped(const char* check, const std::string& why) {
  return {check, Verdict::skipped, why, {}};
}

/// An answer must not depend on what stands beside its line.
Finding check_padding(Engine& model, const std::vector<std::string>& lines,
                      const std::vector<tasks::Prediction>& together) {
  Finding finding{"padding", Verdict::healthy, "", {}};
  for (size_t i = 0; i < lines.size(); ++i) {
    const tasks::Prediction alone = model.predict({lines[i]}, {}).front();
    if (alone.hypotheses.empty() || together[i].hypotheses.empty()) continue;
    const double a = alone.hypotheses.front().log_probability;
    const double b = together[i].hypotheses.front().log_probability;
    if (answer_of(alone) == answer_of(together[i]) && std::abs(a - b) <= kSame * (1 + std::abs(a))) continue;
    finding.verdict = Verdict::ill;
    finding.lines.push_back(lines[i]);
  }
  const size_t differ = finding.lines.size();
  finding.lines = first_of(finding.lines, kShown);
  finding.text = differ == 0 ? fmt::format("{} answered the same alone and in one batch",
                                           counted(static_cast<int64_t>(lines.size()), "line is", "lines are"))
                             : fmt::format(
                                   "{} of {} lines are answered otherwise alone than in a batch: padding or the order "
                                   "of the batch leaks. Report this as a defect, with the model",
                                   differ, lines.size());
  return finding;
}

/// One answer for everything.
Finding check_sameness(const std::vector<std::string>& lines, const std::vector<tasks::Prediction>& answers) {
  std::map<std::string, std::set<std::string>> inputs_of;
  std::set<std::string> different;
  for (size_t i = 0; i < lines.size(); ++i) {
    inputs_of[answer_of(answers[i])].insert(lines[i]);
    different.insert(lines[i]);
  }
  if (different.size() < 4) return skipped("sameness", "needs four different lines");
  const auto most = std::max_element(inputs_of.begin(), inputs_of.end(),
                                     [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  const double share = static_cast<double>(most->second.size()) / static_cast<double>(different.size());
  Finding finding{"sameness", Verdict::healthy, "", {}};
  finding.text = fmt::format("{} different inputs get {} different answers; {:.0f} % get \"{}\"", different.size(),
                             inputs_of.size(), 100 * share, most->first.substr(0, 60));
  if (share < 0.9) return finding;
  finding.verdict = share == 1 ? Verdict::ill : Verdict::suspicious;
  finding.text +=
      ": the model hardly looks at its input. Train longer, or check that inputs and answers belong together";
  finding.lines = first_of({most->second.begin(), most->second.end()}, kShown);
  return finding;
}

/// True when the same one, two or three words come four times in a row.
bool loops(const std::string& text) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  for (size_t n = 1; n <= 3; ++n) {
    size_t same = 0;  // words that equal the one n before, in a row
    for (size_t i = n; i < words.size(); ++i) {
      same = words[i] == words[i - n] ? same + 1 : 0;
      if (same >= 3 * n) return true;
    }
  }
  return false;
}

Finding check_loops(const std::vector<std::string>& lines, const std::vector<tasks::Prediction>& answers) {
  Finding finding{"repetition", Verdict::healthy, "no answer says the same again and again", {}};
  // A tag for each word may well be the same for many.
  if (!answers.empty() && answers.front().tagging) return skipped("repetition", "its answers are tags, not text");
  for (size_t i = 0; i < lines.size(); ++i)
    if (loops(answer_of(answers[i]))) finding.lines.push_back(lines[i]);
  if (finding.lines.empty()) return finding;
  finding.verdict = Verdict::suspicious;
  finding.text = fmt::format(
      "{} of {} answers say the same again and again. Train longer; --no-repeat-ngram 3 keeps predict from it",
      finding.lines.size(), lines.size());
  finding.lines = first_of(finding.lines, kShown);
  return finding;
}

Finding check_strangers(const std::vector<std::string>& lines, const std::vector<tasks::Prediction>& answers) {
  Finding finding{"unknown symbols", Verdict::healthy, "", {}};
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto& notes = answers[i].notes;
    if (std::any_of(notes.begin(), notes.end(), [](const std::string& n) { return n.rfind("unknown ", 0) == 0; }))
      finding.lines.push_back(lines[i]);
  }
  const double share = static_cast<double>(finding.lines.size()) / static_cast<double>(lines.size());
  finding.text = fmt::format("{} of {} lines hold symbols that training never had", finding.lines.size(), lines.size());
  if (share > 0.5) {
    finding.verdict = Verdict::suspicious;
    finding.text += ": is this the kind of text that the model was trained on?";
  }
  finding.lines = first_of(finding.lines, kShown);
  return finding;
}

/// Gates at the ends of their range pass no gradient, and units that never move carry nothing.
Finding check_gates(Engine& model, const std::vector<std::string>& lines) {
  struct Sum {
    double saturated = 0;
    int64_t traces = 0;
    std::vector<float> low, high;  ///< of each unit
  };
  std::map<std::string, Sum> sums;
  for (const std::string& line : lines) {
    if (line.empty()) continue;
    for (const tasks::GateSeries& s : model.gates(line, {}).series) {
      Sum& sum = sums[s.layer + " " + s.gate];
      sum.saturated += s.saturated.value_or(0);
      ++sum.traces;
      const auto units = static_cast<size_t>(s.units);
      if (sum.low.empty()) {
        sum.low.assign(units, INFINITY);
        sum.high.assign(units, -INFINITY);
      }
      for (size_t i = 0; i < s.values.size(); ++i) {
        sum.low[i % units] = std::min(sum.low[i % units], s.values[i]);
        sum.high[i % units] = std::max(sum.high[i % units], s.values[i]);
      }
    }
  }
  Finding finding{"gates", Verdict::healthy, "", {}};
  double worst = 0, most_dead = 0;
  for (const auto& [name, sum] : sums) {
    const double saturated = sum.saturated / static_cast<double>(sum.traces);
    int64_t still = 0;
    for (size_t u = 0; u < sum.low.size(); ++u) still += sum.high[u] - sum.low[u] < 1e-4F;
    const double dead = static_cast<double>(still) / static_cast<double>(sum.low.size());
    worst = std::max(worst, saturated);
    most_dead = std::max(most_dead, dead);
    if (saturated > kSaturated) finding.lines.push_back(fmt::format("{}: {:.0f} % saturated", name, 100 * saturated));
    if (dead > kDead) finding.lines.push_back(fmt::format("{}: {:.0f} % of the units never move", name, 100 * dead));
  }
  if (sums.empty()) return skipped("gates", "needs a line that is not empty");
  finding.text = fmt::format("at most {:.0f} % of a gate's values are saturated, and {:.0f} % of its units never move",
                             100 * worst, 100 * most_dead);
  if (!finding.lines.empty()) {
    finding.verdict = Verdict::suspicious;
    finding.text += ": too many. Try a lower learning_rate or fewer units; see carousel lab gradients MODEL LINE";
    finding.lines = first_of(finding.lines, kShown);
  }
  return finding;
}

/// Attention that always looks at one place, or everywhere alike, has not formed.
Finding check_attention(Engine& model, const std::vector<std::string>& lines) {
  double entropy = 0;
  int64_t rows = 0, stuck = 0, maps = 0;
  for (const std::string& line : lines) {
    if (line.empty()) continue;
    const tasks::AttentionMap map = model.inspect(line, {});
    const size_t width = map.source.size();
    if (width < 3 || map.weights.size() < 3 * width) continue;
    std::set<size_t> places;
    for (size_t t = 0; t * width < map.weights.size(); ++t) {
      const float* row = map.weights.data() + t * width;
      places.insert(static_cast<size_t>(std::max_element(row, row + width) - row));
      double h = 0;
      for (size_t s = 0; s < width; ++s)
        if (row[s] > 0) h -= static_cast<double>(row[s]) * std::log(static_cast<double>(row[s]));
      entropy += h / std::log(static_cast<double>(width));
      ++rows;
    }
    stuck += places.size() == 1;
    ++maps;
  }
  if (maps == 0) return skipped("attention", "needs lines of three symbols or more with as long answers");
  entropy /= static_cast<double>(rows);
  Finding finding{"attention", Verdict::healthy, "", {}};
  finding.text =
      fmt::format("its entropy is {:.0f} % of looking everywhere alike; {} of {} maps look at one place only",
                  100 * entropy, stuck, maps);
  if (entropy > 0.9 || 2 * stuck > maps) {
    finding.verdict = Verdict::ill;
    finding.text += ": it has not formed. Train longer, or with guided_attention or a smaller batch_size";
  }
  return finding;
}

/// What the model file says of the last evaluation kept: how much worse it writes on its own than after right prefixes
/// (exposure bias, Ranzato et al. 2016).
Finding check_own_writing(Engine& model) {
  constexpr const char* kName = "own writing";
  constexpr const char* kTold = "teacher_forced_error_rate";
  const ModelInfo info = model.info();
  const auto best = info.metadata.find("carousel.best");
  if (best == info.metadata.end()) return skipped(kName, "the file has no evaluation");
  const data::JsonObject metrics(data::JsonObject(best->second, info.file, best->first).object("metrics"), info.file,
                                 best->first);
  if (!metrics.has(kTold) || !metrics.has("token_error_rate"))
    return skipped(kName, "its dev data was not scored by answers of its own");
  const double told = metrics.number(kTold), own = metrics.number("token_error_rate");
  Finding finding{kName, Verdict::healthy, "", {}};
  finding.text = fmt::format(
      "{:.1f} % of the symbols of its dev data were wrong when it wrote on its own, {:.1f} % when told the right ones "
      "before",
      100 * own, 100 * told);
  if (own > kMuchWorse * told && own - told > kFarWorse) {
    finding.verdict = Verdict::suspicious;
    finding.text +=
        ": one error leads to the next. Search with a wider --beam, train longer, or look for an attention that skips "
        "or repeats (inspect)";
  }
  return finding;
}

/// Runs a check that not every model allows.
template <class Check>
Finding where_possible(const char* name, Check check) {
  try {
    return check();
  } catch (const UnsupportedError&) {
    return skipped(name, "this model has none");
  } catch (const Error& e) {
    return skipped(name, e.what());
  }
}

}  // namespace

std::string verdict_name(Finding::Verdict verdict) {
  switch (verdict) {
    case Verdict::healthy:
      return "healthy";
    case Verdict::suspicious:
      return "suspicious";
    case Verdict::ill:
      return "ill";
    case Verdict::skipped:
      break;
  }
  return "skipped";
}

std::vector<Finding> examine_model(Engine& model, const std::vector<std::string>& lines) {
  if (model.answers_files())
    throw UnsupportedError(
        "[doctor] a model is examined by how it answers lines; got one that answers whole files. Score it with eval.");
  if (lines.empty())
    throw ConfigError("[doctor] a model is examined by how it answers lines; got none. Give a file of inputs.");
  const std::vector<std::string> asked = first_of(lines, kAnswered), looked = first_of(lines, kLookedInto);
  const std::vector<tasks::Prediction> answers = model.predict(asked, {});
  return {check_padding(model, asked, answers),
          check_sameness(asked, answers),
          check_loops(asked, answers),
          check_strangers(asked, answers),
          where_possible("own writing", [&] { return check_own_writing(model); }),
          where_possible("gates", [&] { return check_gates(model, looked); }),
          where_possible("attention", [&] { return check_attention(model, looked); })};
}

}  // namespace carousel::engine
