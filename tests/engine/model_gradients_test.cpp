// The flow of an error through a trained model.
#include "carousel/engine/model_gradients.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/engine/toy_task.h"
#include "tests/support/temp_dir.h"

namespace carousel::engine {
namespace model_gradients_test {

TEST(ModelGradients, RefuseModelsOfOtherTasks) {
  ToyModel model(std::make_shared<train::ToyObjective>());
  EXPECT_EQ(testing::error_of<UnsupportedError>([&] { model_gradients(model, "a line"); }),
            "[lab] gradients are shown for models of the tasks transduce and lm; got task toy. Use such a model.");
}

}  // namespace model_gradients_test
}  // namespace carousel::engine
