// The profiled kernel set computes what its base does, and notes each kernel under its part.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "carousel/base/profile.h"
#include "carousel/kernels/table.h"

namespace carousel::kernels {
namespace profiled_test {

TEST(ProfiledSet, GivesTheSameBitsAndNotesCallsAndOperations) {
  const std::string before = table<float>().name;
  for (const std::string& name : available()) {
    use(name);
    const auto compute = [] {
      const auto& k = table<float>();
      std::vector<float> a(6, 0.5f), b(12, 0.25f), c(8, 1), bias(4, 0.1f);
      const auto packed = k.pack(false, 3, 4);
      packed->assign(b.data(), 4);
      packed->multiply(2, a.data(), c.data(), true);
      k.gemm({false, false, 2, 4, 3, a.data(), 3, b.data(), 4, c.data(), 4, true});
      std::vector<float> vectors(static_cast<size_t>(k.gemv_size(4, 3)));
      k.gemv_pack(4, 3, b.data(), 3, vectors.data());
      k.gemv({4, 3, vectors.data(), a.data(), c.data(), true});
      k.tanh(8, c.data(), c.data());
      c[0] = static_cast<float>(k.cross_entropy({4, c.data() + 4, bias.data(), 1, 0.1, true, 1}).nll);
      return c;
    };
    const std::vector<float> plain = compute();
    use_profiled();
    EXPECT_EQ(table<float>().name, name);
    profile::start();
    const std::vector<float> profiled = compute();
    profile::stop();
    use(name);
    EXPECT_EQ(profiled, plain);
    std::map<std::string, profile::Row> rows;
    for (const profile::Row& row : profile::report().rows) rows[row.name] = row;
    EXPECT_EQ(rows["products"].calls, 3) << name;
    EXPECT_EQ(rows["products"].operations, 2 * 2 * 2 * 4 * 3 + 2 * 4 * 3) << name;
    EXPECT_EQ(rows["packing"].calls, 1) << name;
    EXPECT_EQ(rows["pointwise"].calls, 1) << name;
    EXPECT_EQ(rows["loss"].calls, 1) << name;
    EXPECT_EQ(rows["cells"].calls, 0) << name;
  }
  use(before);
}

}  // namespace profiled_test
}  // namespace carousel::kernels
