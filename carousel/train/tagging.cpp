#include "carousel/train/tagging.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/spans.h"

namespace carousel::train {

namespace {

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

void TagScores::add(std::span<const std::string> predicted, std::span<const std::string> wanted, bool also_right) {
  if (predicted.size() != wanted.size())
    throw ShapeError(
        fmt::format("[tag scores] each token needs a predicted and a wanted tag; got {} and {}. Pass one "
                    "of each.",
                    predicted.size(), wanted.size()));
  int64_t right = 0;
  for (size_t i = 0; i < wanted.size(); ++i) right += predicted[i] == wanted[i];
  ++sentences_;
  tokens_ += static_cast<int64_t>(wanted.size());
  right_ += right;
  perfect_ += also_right && right == static_cast<int64_t>(wanted.size());
  const auto found = data::spans_of(predicted), sought = data::spans_of(wanted);
  predicted_spans_ += static_cast<int64_t>(found.size());
  wanted_spans_ += static_cast<int64_t>(sought.size());
  right_spans_ += std::count_if(found.begin(), found.end(), [&](const data::Span& span) {
    return std::find(sought.begin(), sought.end(), span) != sought.end();
  });
}

double TagScores::accuracy() const {
  return share(right_, tokens_);
}
double TagScores::sentence_accuracy() const {
  return share(perfect_, sentences_);
}
double TagScores::span_precision() const {
  return share(right_spans_, predicted_spans_);
}
double TagScores::span_recall() const {
  return share(right_spans_, wanted_spans_);
}
double TagScores::span_f1() const {
  return share(2 * right_spans_, predicted_spans_ + wanted_spans_);  // the same, and defined for 0
}

}  // namespace carousel::train
