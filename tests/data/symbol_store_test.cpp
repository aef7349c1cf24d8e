#include "carousel/data/symbol_store.h"

#include <gtest/gtest.h>

#include "carousel/base/rng.h"

namespace carousel::data {
namespace symbol_store_test {

TEST(SymbolStore, IsAVectorInMemoryAndOnDisk) {
  for (const int64_t vocab_size : {2, 256, 257, 65536, 65537, 1 << 30})
    for (const int64_t held : {int64_t{0}, int64_t{100}, SymbolStore::kHeldBytes}) {
      Rng rng(static_cast<uint64_t>(vocab_size), 0);
      SymbolStore store(vocab_size, held);
      std::vector<int32_t> plain;
      while (plain.size() < 1000000) {
        std::vector<int32_t> more(rng.below(400000));
        for (int32_t& id : more) id = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab_size)));
        if (!more.empty()) more[0] = static_cast<int32_t>(vocab_size - 1);
        store.append(more);
        plain.insert(plain.end(), more.begin(), more.end());
      }
      ASSERT_EQ(store.size(), static_cast<int64_t>(plain.size()));
      EXPECT_EQ(store.on_disk(), held < 1000000) << vocab_size << " " << held;
      EXPECT_TRUE(store.all() == plain) << vocab_size << " " << held;
      for (int i = 0; i < 200; ++i) {
        std::vector<int32_t> part(rng.below(2000));
        const auto begin = static_cast<int64_t>(rng.below(plain.size() - part.size() + 1));
        store.read(begin, part);
        ASSERT_TRUE(std::equal(part.begin(), part.end(), plain.begin() + begin));
      }
      EXPECT_EQ(store.at(store.size() - 1), plain.back());
      for (const size_t size : {plain.size() - 1, size_t{5000}, size_t{0}}) {
        store.truncate(static_cast<int64_t>(size));
        plain.resize(size);
        EXPECT_TRUE(store.all() == plain) << vocab_size << " " << held << " " << size;
      }
      store.append(std::vector<int32_t>{1, 0});
      EXPECT_EQ(store.all(), (std::vector<int32_t>{1, 0}));
    }
}

TEST(SymbolStore, TruncatingToMoreChangesNothing) {
  SymbolStore store(std::vector<int32_t>{5, 6, 7});
  store.truncate(9);
  EXPECT_EQ(store.all(), (std::vector<int32_t>{5, 6, 7}));
}

}  // namespace symbol_store_test
}  // namespace carousel::data
