// Every change of one byte and every truncation of small files: loaded, or refused with an error of ours. Nothing else.
#include <gtest/gtest.h>

#include <functional>

#include "carousel/base/error.h"
#include "carousel/data/pairs.h"
#include "carousel/data/symbol_map.h"
#include "carousel/data/tokenizer.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace damage_test {

using testing::TempDir;

struct Outcome {
  int loaded = 0, refused = 0;
};

Outcome damage(const std::string& text, const std::function<void(const std::string&)>& load) {
  Outcome outcome;
  const auto attempt = [&](const std::string& damaged) {
    try {
      load(damaged);
      ++outcome.loaded;
    } catch (const Error&) {
      ++outcome.refused;
    }
  };
  for (size_t i = 0; i < text.size(); ++i) {
    attempt(text.substr(0, i));
    std::string damaged = text;
    for (int byte = 0; byte < 256; ++byte) {
      damaged[i] = static_cast<char>(byte);
      attempt(damaged);
    }
  }
  return outcome;
}

TEST(Damage, ATsvFileLoadsOrIsRefused) {
  TempDir folder;
  ReadOptions options;
  options.max_line_bytes = 14;
  const Outcome outcome = damage("cab\tK AE B\r\nna\xC3\xAFve\tN AY\n\n", [&](const std::string& text) {
    // Truncating a file that was just written is slow on some file systems; making a new one is not.
    std::filesystem::remove(folder.file("x.tsv"));
    const PairData data = read_tsv_pairs(folder.write("x.tsv", text), options);
    for (const PairExample& example : data.examples) {
      ASSERT_FALSE(example.source.empty() || example.target.empty());
      ASSERT_EQ(find_invalid_utf8(example.source), -1);
    }
  });
  EXPECT_GT(outcome.loaded, 1000);
  EXPECT_GT(outcome.refused, 1000);
}

TEST(Damage, ATokenizerLoadsOrIsRefused) {
  const auto tokenizer = make_bpe_tokenizer({"the then", "the hen"}, {NormalForm::nfc, LetterCase::lower}, 1, 3);
  const Outcome outcome = damage(tokenizer->to_json(), [](const std::string& json) {
    const auto loaded = Tokenizer::from_json(json, "m");
    for (const int32_t id : loaded->encode("The hen, then")) ASSERT_LT(id, loaded->vocabulary().size());
  });
  EXPECT_GT(outcome.loaded, 100);
  EXPECT_GT(outcome.refused, 1000);
}

TEST(Damage, AUnigramTokenizerLoadsOrIsRefused) {
  const auto tokenizer = make_tokenizer({"the then", "the hen"}, {"unigram", {}, 1, 3, 0});
  const Outcome outcome = damage(tokenizer->to_json(), [](const std::string& json) {
    const auto loaded = Tokenizer::from_json(json, "m");
    for (const int32_t id : loaded->encode("The hen, then")) ASSERT_LT(id, loaded->vocabulary().size());
  });
  EXPECT_GT(outcome.loaded, 100);
  EXPECT_GT(outcome.refused, 1000);
}

TEST(Damage, ASymbolMapLoadsOrIsRefused) {
  const std::vector<std::vector<int32_t>> ids = {{3, 4}, {4, 5}};
  const Outcome outcome = damage(SymbolMap::learn(ids, ids).to_json(), [](const std::string& json) {
    for (const int32_t id : SymbolMap::from_json(json, "m", 6).apply(std::vector<int32_t>{0, 3, 4, 5}))
      ASSERT_LT(id, 6);
  });
  EXPECT_GT(outcome.loaded, 10);
  EXPECT_GT(outcome.refused, 1000);
}

}  // namespace damage_test
}  // namespace carousel::data
