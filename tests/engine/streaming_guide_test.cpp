// The guide to streaming shows a program that runs: the lines between the marks below.
#include <gtest/gtest.h>

#include <sstream>

#include "tests/engine/toy_task.h"
#include "tests/support/temp_dir.h"
// guide: begin
#include <algorithm>
#include <iostream>

#include "carousel/engine/engine.h"
#include "carousel/engine/session.h"

/// The most probable next symbols after `text`, one line each, and the bits that any other cut of the text gives.
void suggest(const std::string& model_file, const std::string& text, std::ostream& out) {
  using namespace carousel::engine;
  Session session = Engine::load(model_file).open_session();
  session.step(session.begin_symbol());  // a text begins as if after a line end
  session.mark();
  std::span<const float> logits = session.feed(session.encode(text));
  std::vector<int32_t> order;
  for (int32_t id = 3; id < session.vocab_size(); ++id) order.push_back(id);  // 0 to 2 are markers
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)]; });
  for (size_t i = 0; i < 3 && i < order.size(); ++i) out << session.decode({&order[i], 1}) << "\n";

  const std::string kept = session.state();  // goes on tomorrow, in another process
  session.rewind();                          // back to the mark
  Session other = session.fork();            // a second reader of the same beginning
  other.feed(other.encode(text));
  out << (other.state() == kept ? "the same bits\n" : "other bits\n");
}
// guide: end

namespace carousel::engine {
namespace streaming_guide_test {

TEST(StreamingGuide, ItsProgramRunsAndIsTheOneShown) {
  const testing::TempDir dir;
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += "abc\nabcd\n";
  TrainRequest request;
  request.data = {dir.write("text.txt", lines)};
  request.output = dir.file("model");
  request.task = "lm";
  for (const auto& [key, value] : {std::pair{"hidden_size", "16"},
                                   {"max_steps", "80"},
                                   {"batch_size", "2"},
                                   {"bptt", "8"},
                                   {"learning_rate", "0.02"},
                                   {"tokens", "characters"}})
    request.settings.push_back({key, value, "test"});
  ToyObserver observer;
  Engine::train(request, observer);
  std::ostringstream out;
  suggest(request.output, "ab", out);
  EXPECT_EQ(out.str().substr(0, 2), "c\n") << out.str();
  EXPECT_TRUE(out.str().ends_with("\nthe same bits\n")) << out.str();

  const std::string root = CAROUSEL_SOURCE_DIR;
  const std::string source = testing::content_of(root + "/tests/engine/streaming_guide_test.cpp");
  const size_t begin = source.find("// guide: begin\n") + 16, end = source.find("// guide: end\n");
  std::istringstream program(source.substr(begin, end - begin));
  std::string shown;
  for (std::string line; std::getline(program, line);) shown += line.empty() ? "\n" : "    " + line + "\n";
  EXPECT_NE(testing::content_of(root + "/docs/guide/streaming.md").find(shown), std::string::npos)
      << "docs/guide/streaming.md shows another program";
}

}  // namespace streaming_guide_test
}  // namespace carousel::engine
