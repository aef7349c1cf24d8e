#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"
#include "carousel/train/metrics.h"

namespace carousel::train {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_stop(char c) {
  return c == '.' || c == ',';
}
/// Punctuation and symbols of ASCII but ' , - and .
bool is_symbol(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
         (c >= ':' && c <= '@') || c == '/';
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// One pass over neighbouring characters: where `match(a, b)` holds both are consumed and written with blanks around
/// the one that `second` names, as a regular expression of two groups would.
template <class Match>
std::string separate(const std::string& text, bool second, Match match) {
  std::string out;
  out.reserve(text.size() * 2);
  size_t i = 0;
  while (i + 1 < text.size()) {
    if (match(text[i], text[i + 1])) {
      if (!second) out += ' ';
      out += text[i];
      out += ' ';
      out += text[i + 1];
      if (second) out += ' ';
      i += 2;
    } else {
      out += text[i++];
    }
  }
  if (i < text.size()) out += text[i];
  return out;
}

using Ngrams = std::map<std::string_view, int64_t>;

/// The n-grams of orders 1 to Bleu::kOrder of a text whose tokens are separated by single spaces, as parts of it.
struct Segment {
  explicit Segment(std::string_view raw) : text(tokenize_13a(data::trim(raw))) {
    const std::vector<std::string_view> tokens = data::split_words(text);
    length = static_cast<int64_t>(tokens.size());
    for (size_t n = 1; n <= Bleu::kOrder; ++n) {
      for (size_t i = 0; i + n <= tokens.size(); ++i) {
        const char* begin = tokens[i].data();
        const std::string_view& last = tokens[i + n - 1];
        ++ngrams[n - 1][std::string_view(begin, static_cast<size_t>(last.data() + last.size() - begin))];
      }
    }
  }
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  std::string text;
  int64_t length = 0;
  std::array<Ngrams, Bleu::kOrder> ngrams;
};

}  // namespace

std::string tokenize_13a(std::string_view raw) {
  std::string text(raw);
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  if (text.find('&') != std::string::npos) {
    replace_all(text, "&quot;", "\"");
    replace_all(text, "&amp;", "&");
    replace_all(text, "&lt;", "<");
    replace_all(text, "&gt;", ">");
  }
  std::string spaced = " ";
  for (const char c : text) {
    if (is_symbol(c)) {
      spaced += ' ';
      spaced += c;
      spaced += ' ';
    } else {
      spaced += c;
    }
  }
  spaced += ' ';
  spaced = separate(spaced, true, [](char a, char b) { return !is_digit(a) && is_stop(b); });
  spaced = separate(spaced, false, [](char a, char b) { return is_stop(a) && !is_digit(b); });
  spaced = separate(spaced, true, [](char a, char b) { return is_digit(a) && b == '-'; });
  return fmt::format("{}", fmt::join(data::split_words(spaced), " "));
}

void Bleu::add(std::string_view hypothesis, const std::vector<std::string>& references) {
  if (references.empty()) throw ShapeError("[bleu] a prediction needs a reference; got none. Pass at least one.");
  const Segment predicted(hypothesis);
  std::array<std::map<std::string, int64_t, std::less<>>, kOrder> allowed;  // most often seen in one reference
  int64_t closest = -1;
  for (const std::string_view reference : given_references(references)) {
    const Segment segment(reference);
    for (size_t n = 0; n < kOrder; ++n) {
      for (const auto& [ngram, count] : segment.ngrams[n]) {
        int64_t& most = allowed[n][std::string(ngram)];
        most = std::max(most, count);
      }
    }
    const int64_t distance = std::abs(segment.length - predicted.length);
    const int64_t best = std::abs(closest - predicted.length);
    if (closest < 0 || distance < best || (distance == best && segment.length < closest)) closest = segment.length;
  }
  hypothesis_length_ += predicted.length;
  reference_length_ += closest;
  for (size_t n = 0; n < kOrder; ++n) {
    for (const auto& [ngram, count] : predicted.ngrams[n]) {
      totals_[n] += count;
      const auto most = allowed[n].find(ngram);
      if (most != allowed[n].end()) matches_[n] += std::min(count, most->second);
    }
  }
}

double Bleu::score() const {
  if (matches_[0] == 0) return 0.0;
  double log_sum = 0.0, smoothing = 1.0;
  for (size_t n = 0; n < kOrder; ++n) {
    if (totals_[n] == 0) return 0.0;  // the corpus has no n-gram that long
    double matches = static_cast<double>(matches_[n]);
    if (matches_[n] == 0) {
      smoothing *= 2.0;
      matches = 1.0 / smoothing;
    }
    log_sum += std::log(matches / static_cast<double>(totals_[n]));
  }
  const double ratio = static_cast<double>(reference_length_) / static_cast<double>(hypothesis_length_);
  const double brevity = std::min(0.0, 1.0 - ratio);
  return 100.0 * std::exp(brevity + log_sum / static_cast<double>(kOrder));
}

}  // namespace carousel::train
