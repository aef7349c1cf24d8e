// Recall in words: what was said at the beginning is asked at the end.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include "carousel/base/error.h"
#include "carousel/tasks/lab/problems.h"

namespace carousel::tasks::lab {

namespace {

struct Country {
  const char *name, *language;
};

constexpr std::array<Country, 10> kCountries = {{{"japan", "japanese"},
                                                 {"france", "french"},
                                                 {"italy", "italian"},
                                                 {"greece", "greek"},
                                                 {"poland", "polish"},
                                                 {"turkey", "turkish"},
                                                 {"finland", "finnish"},
                                                 {"hungary", "hungarian"},
                                                 {"vietnam", "vietnamese"},
                                                 {"iceland", "icelandic"}}};

// Fillers; @ stands for any country, which says nothing about where somebody was born.
constexpr std::array<const char*, 12> kFillers = {"the weather was fine that year .",
                                                  "we moved to a small house by the river .",
                                                  "my sister plays the piano every evening .",
                                                  "later i drove through @ with a friend .",
                                                  "the train was late again .",
                                                  "i studied law for a while .",
                                                  "a cousin sent me a letter from @ .",
                                                  "our dog sleeps all day .",
                                                  "the food there was good .",
                                                  "i never learned to swim .",
                                                  "my brother works in @ now .",
                                                  "we had a garden with old trees ."};

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

size_t any_country(Rng& rng) {
  return static_cast<size_t>(rng.below(kCountries.size()));
}

/// Every word that can occur, with its id.
const std::map<std::string, int32_t>& vocabulary() {
  static const std::map<std::string, int32_t> ids = [] {
    std::map<std::string, int32_t> all;
    const auto add = [&](const std::string& text) {
      for (const std::string& word : words_of(text)) all.emplace(word, static_cast<int32_t>(all.size()));
    };
    add("i was born in . my native language is");
    for (const Country& country : kCountries) add(country.name);
    for (const char* filler : kFillers) add(filler);
    return all;
  }();
  return ids;
}

}  // namespace

RecallExample recall_example(Rng& rng, int64_t distance) {
  const Country& born = kCountries[any_country(rng)];
  RecallExample example;
  example.words = words_of(fmt::format("i was born in {}", born.name));
  example.language = born.language;
  const auto wanted = example.words.size() + static_cast<size_t>(distance);
  while (example.words.size() < wanted) {
    for (std::string& word : words_of(kFillers[static_cast<size_t>(rng.below(kFillers.size()))])) {
      if (example.words.size() == wanted) break;
      example.words.push_back(word == "@" ? kCountries[any_country(rng)].name : std::move(word));
    }
  }
  for (const char* word : {"my", "native", "language", "is"}) example.words.emplace_back(word);
  return example;
}

Problem recall_problem(const std::vector<int64_t>& distances) {
  if (distances.empty())
    throw ConfigError("[lab] the recall problem needs a distance; got none. Name one, for example 50.");
  for (const int64_t distance : distances)
    if (distance < 0)
      throw ConfigError(
          fmt::format("[lab] a distance of the recall problem must be at least 0; got {}. Raise it.", distance));
  Problem p;
  p.name = "recall";
  p.shape.vocab_size = static_cast<int64_t>(vocabulary().size());
  p.shape.input_size = 32;
  p.shape.outputs = static_cast<int64_t>(kCountries.size());
  p.shape.classes = true;
  p.metric = "accuracy";
  p.guessing = 1.0 / static_cast<double>(kCountries.size());
  p.draw = [distances](Rng& rng, int64_t size) {
    nn::SequenceBatch batch;
    for (int64_t i = 0; i < size; ++i) {
      const int64_t distance = distances[static_cast<size_t>(rng.below(distances.size()))];
      const RecallExample example = recall_example(rng, distance);
      batch.lengths.push_back(static_cast<int64_t>(example.words.size()));
      for (const std::string& word : example.words) batch.ids.push_back(vocabulary().at(word));
      const auto country = std::find_if(kCountries.begin(), kCountries.end(),
                                        [&](const Country& c) { return example.language == c.language; });
      batch.classes.push_back(static_cast<int32_t>(country - kCountries.begin()));
    }
    return batch;
  };
  return p;
}

}  // namespace carousel::tasks::lab
