#include "carousel/data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/base/text.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

struct Group {
  uint64_t order;
  std::string_view key;
  std::vector<int64_t> examples;
};

std::vector<Group> make_groups(const PairData& data, bool by_stem, uint64_t seed) {
  const std::vector<Question> questions = group_by_source(data);
  std::vector<Group> groups;
  if (!by_stem) {
    for (const Question& question : questions) groups.push_back({0, question.source, question.examples});
  } else {
    std::vector<std::string_view> words;
    for (const Question& question : questions) words.push_back(question.source);
    const std::vector<int64_t> families = word_families(words);
    for (size_t i = 0; i < questions.size(); ++i) {
      const auto family = static_cast<size_t>(families[i]);
      if (family >= groups.size()) groups.resize(family + 1);
      Group& group = groups[family];
      // The smallest member names the family whatever the order of the lines.
      if (group.examples.empty() || words[i] < group.key) group.key = words[i];
      group.examples.insert(group.examples.end(), questions[i].examples.begin(), questions[i].examples.end());
    }
  }
  for (Group& group : groups) group.order = mix(seed, hash_text(group.key));
  std::sort(groups.begin(), groups.end(),
            [](const Group& a, const Group& b) { return std::tie(a.order, a.key) < std::tie(b.order, b.key); });
  return groups;
}

struct Entry {
  std::u32string letters;
  size_t index;
};

std::u32string letters_of(std::string_view word) {
  std::u32string letters;
  const std::string folded = fold_case(word, LetterCase::lower);
  for (const std::string_view c : code_points(folded)) letters.push_back(first_code_point(c));
  return letters;
}

/// True when two words share all but at most the last letter of the shorter one, and at least four letters.
bool share_stem(const std::u32string& a, const std::u32string& b) {
  constexpr size_t kStemLetters = 4;
  const auto shared = static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  return a == b || (shared >= kStemLetters && shared + 1 >= std::min(a.size(), b.size()));
}

}  // namespace

int64_t dev_size(int64_t examples, double share) {
  const auto rounded = [](double x) { return std::max<int64_t>(1, static_cast<int64_t>(std::llround(x))); };
  if (share > 0) return rounded(share * static_cast<double>(examples));
  const int64_t first = std::min<int64_t>(examples, 20000);
  return std::min<int64_t>(4000,
                           rounded(0.10 * static_cast<double>(first) + 0.05 * static_cast<double>(examples - first)));
}

Split cut_dev(const PairData& data, const DataConfig& config, uint64_t seed) {
  const std::vector<Group> groups = make_groups(data, config.group == "stem", seed);
  Split split;
  split.groups = static_cast<int64_t>(groups.size());
  if (groups.size() < 2) {
    throw DataError(
        data.files.empty() ? "data" : data.files.front(), 0, 0,
        fmt::format("[data] cutting a dev set needs at least 2 different sources; got {} in {}. Add data, or give a "
                    "dev file with --dev.",
                    groups.size(), counted(static_cast<int64_t>(data.examples.size()), "example")));
  }
  const int64_t wanted = dev_size(static_cast<int64_t>(data.examples.size()), config.dev_share);
  std::vector<bool> taken(groups.size(), false);
  int64_t size = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto more = static_cast<int64_t>(groups[i].examples.size());
    taken[i] = size + more <= wanted;
    if (taken[i]) size += more;
  }
  if (size == 0) {  // every group is larger than the share
    const auto smallest = std::min_element(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
      return a.examples.size() < b.examples.size();
    });
    taken[static_cast<size_t>(smallest - groups.begin())] = true;
  } else if (std::find(taken.begin(), taken.end(), false) == taken.end()) {
    taken.back() = false;
  }
  for (size_t i = 0; i < groups.size(); ++i) {
    std::vector<int64_t>& side = taken[i] ? split.dev : split.train;
    side.insert(side.end(), groups[i].examples.begin(), groups[i].examples.end());
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.dev.begin(), split.dev.end());
  return split;
}

std::vector<int64_t> word_families(const std::vector<std::string_view>& words) {
  std::vector<Entry> entries;
  entries.reserve(words.size());
  for (size_t i = 0; i < words.size(); ++i) entries.push_back({letters_of(words[i]), i});
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.letters, a.index) < std::tie(b.letters, b.index); });

  struct Open {
    const std::u32string* letters;
    int64_t family;
  };
  std::vector<Open> open;        // words that later ones may extend, each extending the one before it
  std::vector<size_t> shortest;  // letters, by family
  std::vector<int64_t> families(words.size());
  for (const Entry& entry : entries) {
    const std::u32string& word = entry.letters;
    while (!open.empty() && !share_stem(*open.back().letters, word)) open.pop_back();
    auto family = static_cast<int64_t>(shortest.size());
    if (!open.empty()) {
      const int64_t near = open.back().family;
      const size_t stem = std::min(shortest[static_cast<size_t>(near)], word.size());
      if (std::max(word.size(), open.back().letters->size()) <= stem + stem / 2 + 2) family = near;
    }
    if (family == static_cast<int64_t>(shortest.size())) shortest.push_back(word.size());
    shortest[static_cast<size_t>(family)] = std::min(shortest[static_cast<size_t>(family)], word.size());
    open.push_back({&word, family});
    families[entry.index] = family;
  }
  return families;
}

}  // namespace carousel::data
