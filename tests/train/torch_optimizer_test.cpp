// Ten steps of each optimizer against PyTorch's (tools/make_torch_fixtures.py).
#include <gtest/gtest.h>

#include <cmath>

#include "carousel/tensor/archive.h"
#include "carousel/train/optimizer.h"

namespace carousel::train {
namespace torch_optimizer_test {

class TorchOptimizer : public ::testing::TestWithParam<const char*> {};

TEST_P(TorchOptimizer, TenStepsEqual) {
  const Archive archive = read_archive(CAROUSEL_SOURCE_DIR "/tests/fixtures/torch.safetensors");
  const std::string name = GetParam();
  const auto tensor = [&](const char* what) { return archive.find(name + "/" + what)->clone(); };
  const Var w(tensor("w0"), true);
  OptimizerConfig config;
  config.weight_decay = 0.02;
  config.momentum = 0.9;
  const auto optimizer = make_optimizer(name, {{"w", w}}, config);
  const Tensor grads = tensor("grads").reshape({130, 3}), want = tensor("w");
  for (int64_t step = 0; step < 10; ++step) {
    w.set_grad(grads.rows(13 * step, 13 * (step + 1)).clone());
    optimizer->step({.learning_rate = 0.01, .grad_scale = 1, .step = step + 1});
  }
  for (int64_t i = 0; i < want.numel(); ++i)
    ASSERT_NEAR(w.value().data<double>()[i], want.data<double>()[i], 1e-12) << name << " element " << i;
}

INSTANTIATE_TEST_SUITE_P(Registry, TorchOptimizer, ::testing::Values("adam", "adamw", "sgd"),
                         [](const auto& param_info) { return std::string(param_info.param); });

}  // namespace torch_optimizer_test
}  // namespace carousel::train
