// The report of data checks as JSON and in sentences.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "carousel/base/text.h"
#include "carousel/data/check.h"

namespace carousel::data {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Finding& finding) {
  return {{"count", finding.count}, {"examples", finding.examples}};
}

Json json_of(const SideReport& side) {
  return {{"tokens", side.tokens},
          {"symbols", side.symbols},
          {"inventory", side.inventory},
          {"symbols_seen_once", json_of(side.once)},
          {"length",
           {{"min", side.length_min},
            {"median", side.length_median},
            {"percentile_99", side.length_99},
            {"max", side.length_max},
            {"longest_line", side.longest_line}}},
          {"suspicious_lines", json_of(side.suspicious)},
          {"unseen_in_dev", json_of(side.unseen)}};
}

/// "3 lines are bad: a; b; ...".
std::string sentence(const Finding& finding, const std::string& one, const std::string& many) {
  std::string text = counted(finding.count, one, many);
  text += fmt::format(": {}", fmt::join(finding.examples, "; "));
  if (finding.count > static_cast<int64_t>(finding.examples.size())) text += "; ...";
  return text;
}

void describe_side(const SideReport& side, std::vector<std::string>& out) {
  if (side.symbols == 0) return;
  out.push_back(fmt::format("{}: {} of {}; lengths {} to {}, median {}, 99 % up to {}; longest in line {}", side.name,
                            counted(side.symbols, "symbol"), counted(side.inventory, "kind"), side.length_min,
                            side.length_max, side.length_median, side.length_99, side.longest_line));
  out.push_back(side.tokens);
  if (side.once.count > 0)
    out.push_back(side.name + ": " + sentence(side.once, "symbol occurs once", "symbols occur once"));
  if (side.suspicious.count > 0) {
    out.push_back(side.name + ": " +
                  sentence(side.suspicious, "line holds a control, invisible or damaged character",
                           "lines hold control, invisible or damaged characters"));
  }
  if (side.unseen.count > 0) {
    out.push_back(side.name + ": " +
                  sentence(side.unseen, "symbol of dev is not in the training data",
                           "symbols of dev are not in the training data"));
  }
}

}  // namespace

std::string DataReport::to_json() const {
  Json json = {{"schema", "carousel/data-check@1"},
               {"sound", sound()},
               {"format", format},
               {"reason", reason},
               {"examples", examples},
               {"blank_lines", blank_lines},
               {"faults", json_of(faults)},
               {"duplicates", json_of(duplicates)},
               {"sources", sources},
               {"sources_with_several_targets", json_of(ambiguous)},
               {"constant_target", constant_target},
               {"too_long", json_of(too_long)},
               {"refusal", refusal},
               {"source", json_of(source)},
               {"target", json_of(target)}};
  if (has_dev) {
    json["dev"] = {{"examples", dev.examples},
                   {"sources_in_train", dev.sources_in_train},
                   {"pairs_in_train", json_of(dev.leaked)}};
  }
  return json.dump();
}

std::vector<std::string> DataReport::sentences() const {
  std::vector<std::string> out;
  if (faults.count > 0) out.push_back(sentence(faults, "line would be refused", "lines would be refused"));
  if (examples == 0) out.emplace_back("no example: there is nothing to learn from");
  if (constant_target) out.emplace_back("all targets are equal: there is nothing to learn");
  if (!refusal.empty() && examples > 0 && !constant_target) out.push_back("training would refuse: " + refusal);
  if (dev.leaked.count > 0) {
    out.push_back(sentence(dev.leaked, "dev example is in the training data too, so its score means nothing",
                           "dev examples are in the training data too, so their score means nothing"));
  }
  out.push_back(fmt::format("{} with {} ({}: {})", counted(examples, "example"), counted(sources, "different source"),
                            format, reason));
  if (has_dev) {
    out.push_back(fmt::format("dev: {}, {} of them with a source that is in the training data",
                              counted(dev.examples, "example"), dev.sources_in_train));
  }
  if (blank_lines > 0) out.push_back(counted(blank_lines, "blank line is", "blank lines are") + " skipped");
  if (too_long.count > 0) {
    out.push_back(sentence(too_long, "example has more than max_length symbols on a side and is left out of training",
                           "examples have more than max_length symbols on a side and are left out of training"));
  }
  if (duplicates.count > 0) {
    out.push_back(sentence(duplicates, "example repeats another exactly", "examples repeat others exactly"));
  }
  if (ambiguous.count > 0) {
    out.push_back(sentence(ambiguous, "source has several targets, taken as several references",
                           "sources have several targets, taken as several references"));
  }
  describe_side(source, out);
  describe_side(target, out);
  return out;
}

}  // namespace carousel::data
