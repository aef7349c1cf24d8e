// Sessions of a loaded model: chunks, stored states, forks, marks; what is refused.
#include "carousel/engine/session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "carousel/base/error.h"
#include "carousel/engine/session_model.h"
#include "carousel/nn/sequence_model.h"
#include "tests/engine/toy_task.h"
#include "tests/support/count_allocations.h"
#include "tests/support/temp_dir.h"

namespace carousel::engine {
namespace session_test {

using ::carousel::testing::error_of;

using Settings = std::vector<std::pair<std::string, std::string>>;

/// A model file of a few steps of training.
std::string train(const testing::TempDir& dir, const std::string& name, const std::string& data,
                  const Settings& settings) {
  TrainRequest request;
  request.data = {data};
  request.output = dir.file(name);
  request.settings = {{"hidden_size", "8", "test"}, {"max_steps", "2", "test"}, {"batch_size", "2", "test"}};
  for (const auto& [key, value] : settings) request.settings.push_back({key, value, "test"});
  ToyObserver observer;
  Engine::train(request, observer);
  return request.output;
}

class Sessions : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new testing::TempDir;
    std::string lines;
    for (int i = 0; i < 30; ++i) lines += "carousels go round\nand round they go\n";
    const std::string text = dir_->write("text.txt", lines);
    const Settings small = {{"bptt", "4"}, {"tokens", "characters"}};
    train(*dir_, "lm", text, small);
    train(*dir_, "other", text, {{"bptt", "4"}, {"tokens", "characters"}, {"seed", "2"}});
    train(*dir_, "window", text, {{"bptt", "4"}, {"tokens", "characters"}, {"model", "window"}});
    train(*dir_, "pairs", dir_->write("pairs.tsv", "a\tb\nc\td\ne\tf\ng\th\n"), {{"embedding_size", "4"}});
  }
  static void TearDownTestSuite() { delete std::exchange(dir_, nullptr); }

  static Engine load(const std::string& name) { return Engine::load(dir_->file(name)); }
  static Session open(const std::string& name = "lm") { return load(name).open_session(); }

  /// The line end that texts begin with, and then a text.
  static std::vector<int32_t> read_symbols(const Session& session) {
    std::vector<int32_t> symbols = session.encode("they go round and round");
    symbols.insert(symbols.begin(), session.begin_symbol());
    return symbols;
  }

 private:
  static inline testing::TempDir* dir_ = nullptr;
};

std::vector<float> copied(std::span<const float> values) {
  return {values.begin(), values.end()};
}

TEST_F(Sessions, AnyChunksGiveTheSameBits) {
  Session whole = open();
  const std::vector<int32_t> symbols = read_symbols(whole);
  const size_t width = static_cast<size_t>(whole.output_size());
  EXPECT_EQ(whole.output_size(), whole.vocab_size());
  std::vector<float> wanted(symbols.size() * width);
  const std::vector<float> last = copied(whole.feed(symbols, wanted));
  EXPECT_TRUE(std::equal(last.begin(), last.end(), wanted.end() - static_cast<std::ptrdiff_t>(width)));
  for (size_t chunk = 1; chunk < symbols.size(); ++chunk) {
    Session session = open();
    std::vector<float> answers;
    for (size_t begin = 0; begin < symbols.size(); begin += chunk) {
      const auto part = std::span<const int32_t>(symbols).subspan(begin, std::min(chunk, symbols.size() - begin));
      std::vector<float> some(part.size() * width);
      session.feed(part, some);
      answers.insert(answers.end(), some.begin(), some.end());
    }
    EXPECT_EQ(answers, wanted) << "chunks of " << chunk;
    EXPECT_EQ(session.state(), whole.state()) << "chunks of " << chunk;
  }
  Session session = open();
  for (size_t t = 0; t < symbols.size(); ++t)
    EXPECT_EQ(copied(session.step(symbols[t])),
              std::vector<float>(wanted.begin() + static_cast<std::ptrdiff_t>(t * width),
                                 wanted.begin() + static_cast<std::ptrdiff_t>((t + 1) * width)));
}

TEST_F(Sessions, WithoutRoomForAllOnlyTheLastAnswerIsGiven) {
  Session one = open(), other = open();
  const std::vector<int32_t> symbols = read_symbols(one);
  std::vector<float> all(symbols.size() * static_cast<size_t>(one.output_size()));
  EXPECT_EQ(copied(one.feed(symbols)), copied(other.feed(symbols, all)));
}

TEST_F(Sessions, PredictSaysWhatASessionSays) {
  Engine engine = load("lm");
  Session session = engine.open_session();
  std::vector<int32_t> symbols = {session.begin_symbol()}, text;
  for (int i = 0; i < 500; ++i) {
    std::span<const float> logits = session.feed(symbols);
    // Begin and unknown markers are no answers.
    int32_t best = 1;
    for (int32_t id = 3; id < session.vocab_size(); ++id)
      if (logits[static_cast<size_t>(id)] > logits[static_cast<size_t>(best)]) best = id;
    if (best == session.begin_symbol() || text.size() == 400) break;
    text.push_back(best);
    symbols = {best};
  }
  EXPECT_EQ(engine.predict({""}, {})[0].hypotheses[0].text, session.decode(text));
}

TEST_F(Sessions, AStateGoesOnInAnotherSession) {
  Session first = open();
  const std::vector<int32_t> symbols = read_symbols(first);
  const std::span<const int32_t> all(symbols);
  const std::string start = first.state();
  first.feed(all.first(9));
  const std::string bytes = first.state();
  EXPECT_EQ(bytes.size(), first.state_bytes());
  EXPECT_EQ(start.size(), bytes.size()) << "constant memory";
  Session second = open();  // of another Engine
  second.set_state(bytes);
  EXPECT_EQ(copied(first.feed(all.subspan(9))), copied(second.feed(all.subspan(9))));
  first.set_state(start);
  EXPECT_EQ(copied(first.feed(all)), copied(open().feed(all)));
}

TEST_F(Sessions, SteppedTogetherTheyGetTheBitsThatTheyWouldGetAlone) {
  Engine engine = load("lm");
  Session a = engine.open_session(), b = engine.open_session(), c = engine.open_session();
  const std::vector<int32_t> symbols = read_symbols(a);
  b.feed(symbols);
  const Session before_a = a.fork();
  Session alone_a = a.fork(), alone_b = b.fork();
  Session* const both[] = {&a, &b};
  const auto width = static_cast<size_t>(a.output_size());
  std::vector<float> answers(2 * width);
  SessionBatch batch(c);
  for (size_t t = 0; t + 1 < symbols.size(); ++t) {
    const int32_t next[] = {symbols[t], symbols[t + 1]};
    batch.step(both, next, answers);
    const std::span<const float> all(answers);
    ASSERT_EQ(copied(all.first(width)), copied(alone_a.step(next[0]))) << t;
    ASSERT_EQ(copied(all.subspan(width)), copied(alone_b.step(next[1]))) << t;
  }
  EXPECT_EQ(a.state(), alone_a.state());
  EXPECT_NE(a.state(), before_a.state());
  EXPECT_EQ(c.state(), before_a.state()) << "not among those that were stepped";
}

TEST_F(Sessions, ForkAndRewind) {
  Session session = open();
  const std::vector<int32_t> symbols = read_symbols(session);
  const std::span<const int32_t> all(symbols);
  const std::string start = session.state();
  session.feed(all.first(4));
  session.mark();
  const std::string marked = session.state();
  Session fork = session.fork();
  session.feed(all.subspan(4));
  EXPECT_EQ(fork.state(), marked);
  EXPECT_NE(session.state(), marked);
  session.rewind();
  EXPECT_EQ(session.state(), marked);
  EXPECT_EQ(copied(session.feed(all.subspan(4))), copied(fork.feed(all.subspan(4))));
  fork.rewind();
  EXPECT_EQ(fork.state(), marked) << "a fork has the mark too";
  Session fresh = open();
  fresh.feed(all);
  fresh.rewind();
  EXPECT_EQ(fresh.state(), start) << "the first mark is the beginning";
}

TEST_F(Sessions, NothingIsAllocatedAfterOpening) {
  if (!testing::kCountsAllocations) GTEST_SKIP() << "nothing counts under the thread sanitizer";
  Session session = open();
  const std::vector<int32_t> symbols = read_symbols(session);
  std::vector<float> all(symbols.size() * static_cast<size_t>(session.output_size()));
  const int64_t before = testing::allocations();
  session.step(symbols[0]);
  session.mark();
  session.feed(symbols);
  session.feed(symbols, all);
  session.rewind();
  EXPECT_EQ(testing::allocations(), before);
  session.fork();
  EXPECT_GT(testing::allocations(), before);
}

TEST_F(Sessions, OutliveTheirEngine) {
  Session session = open();
  EXPECT_EQ(session.decode(session.encode("round")), "round");
  EXPECT_EQ(session.step(session.begin_symbol()).size(), static_cast<size_t>(session.vocab_size()));
}

TEST_F(Sessions, RefuseModelsThatCannotAnswerAtEachStep) {
  EXPECT_EQ(error_of<UnsupportedError>([] { open("pairs"); }),
            "[session] a session goes with a model that answers at each step of its input; got one of task transduce, "
            "which reads all of it first. Use predict.");
  EXPECT_EQ(error_of<UnsupportedError>([] { open("window"); }),
            "[language model] a stream goes on from a state, and a window model has none: it reads the last symbols "
            "anew each time; got such a model. Train with --set model=recurrent.");
}

TEST_F(Sessions, RefuseAChunkAsAWhole) {
  Session session = open();
  const std::string before = session.state();
  const std::vector<int32_t> bad = {1, 3, 99};
  EXPECT_EQ(error_of<ShapeError>([&] { session.feed(bad); }), "[stream] a symbol must be a number from 0 to " +
                                                                  std::to_string(session.vocab_size() - 1) +
                                                                  "; got 99. Take it from the model's own vocabulary.");
  EXPECT_EQ(error_of<ShapeError>([&] { session.feed(std::span<const int32_t>()); }),
            "[session] a chunk must hold at least one step; got none. Leave the call out.");
  const std::vector<int32_t> two = {1, 3};
  std::vector<float> room(5);
  EXPECT_EQ(error_of<ShapeError>([&] { session.feed(two, room); }),
            "[session] room for all answers must be " + std::to_string(2 * session.output_size()) +
                " numbers, 2 steps of " + std::to_string(session.output_size()) + "; got 5. Pass that or none.");
  EXPECT_EQ(session.state(), before);
}

TEST_F(Sessions, RefuseStatesOfOthers) {
  Session session = open();
  session.feed(read_symbols(session));
  const std::string good = session.state();
  const auto refusal = [&](const std::string& bytes) {
    const std::string text = error_of<FormatError>([&] { session.set_state(bytes); });
    EXPECT_EQ(session.state(), good) << "changed by what was refused";
    return text;
  };
  const auto with = [&](size_t at, const void* data, size_t size) {
    std::string bytes = good;
    std::memcpy(bytes.data() + at, data, size);
    return bytes;
  };
  const std::string digest = good.substr(16, 12);
  EXPECT_EQ(refusal(open("other").state()),
            "(state): byte 16: [session] a state goes on with the model that made it, " + digest +
                "...; got one of another model. Load that model, or begin anew.");
  EXPECT_EQ(
      refusal("carousel"),
      "(state): byte 0: [session] a state must begin with \"carousel\" and a header of 80 bytes; got other bytes, "
      "8 of them. Pass what state() gave.");
  const uint32_t two = 2;
  EXPECT_EQ(refusal(with(8, &two, sizeof two)),
            "(state): byte 8: [session] this program reads states of version 1; got version 2. Use the version of the "
            "program that wrote it.");
  EXPECT_EQ(refusal(good.substr(0, good.size() - 1)),
            "(state): byte 12: [session] a state of this model is " + std::to_string(good.size()) + " bytes; got " +
                std::to_string(good.size() - 1) + ". It was cut off or damaged: begin anew.");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refusal(with(84, &nan, sizeof nan)),
            "(state): byte 84: [session] a state must hold finite numbers; got nan. It was damaged: begin anew.");
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_THROW(session.set_state(std::string_view(good).substr(0, length)), FormatError) << length;
  for (size_t at = 0; at < 80; ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
    EXPECT_THROW(session.set_state(bytes), FormatError) << "byte " << at;
  }
  session.set_state(good);
}

/// A task model around a network of frames, as later tasks will have.
class FrameModel final : public ToyModel {
 public:
  FrameModel() : ToyModel(std::make_shared<train::ToyObjective>()), network_(config(), 1) {}
  tasks::Streaming streaming() override { return {std::make_shared<const nn::StreamModel>(network_.stream_network())}; }

 private:
  static nn::SequenceModelConfig config() {
    nn::SequenceModelConfig c;
    c.stack.hidden_size = {4};
    c.input_size = 2;
    c.pooling = "none";
    return c;
  }
  nn::SequenceModel network_;
};

TEST(FrameSession, ReadsFramesInAnyChunks) {
  const auto model = std::make_shared<const Session::Model>(std::make_shared<FrameModel>(), "");
  Session session(model), other(model);
  EXPECT_EQ(session.vocab_size(), 0);
  EXPECT_EQ(session.input_size(), 2);
  EXPECT_EQ(session.output_size(), 1);
  EXPECT_EQ(session.begin_symbol(), -1);
  const std::vector<float> frames = {1, 2, -1, 0.5f, 0, 3};
  std::vector<float> all(3), steps;
  session.feed(std::span<const float>(frames), all);
  for (size_t t = 0; t < 3; ++t) steps.push_back(other.step(std::span<const float>(frames).subspan(2 * t, 2))[0]);
  EXPECT_EQ(all, steps);
  EXPECT_EQ(session.state(), other.state());
}

TEST(FrameSession, RefusesWhatWouldSpoilTheState) {
  Session session(std::make_shared<const Session::Model>(std::make_shared<FrameModel>(), ""));
  const std::string before = session.state();
  std::vector<float> frames = {1, 2, 3, std::numeric_limits<float>::infinity()};
  const std::string text =
      "(frame): [session] a frame must hold finite numbers; got inf at number 3. It would stay in the state for good: "
      "leave such frames out or repair them.";
  EXPECT_EQ(error_of<DataError>([&] { session.feed(std::span<const float>(frames)); }), text);
  frames = {std::numeric_limits<float>::quiet_NaN(), 1};
  EXPECT_EQ(error_of<DataError>([&] { session.step(std::span<const float>(frames)); }),
            "(frame): [session] a frame must hold finite numbers; got nan at number 0. It would stay in the state for "
            "good: leave such frames out or repair them.");
  frames = {1, 2, 3};
  EXPECT_EQ(error_of<ShapeError>([&] { session.feed(std::span<const float>(frames)); }),
            "[stream] a frame must hold 2 numbers (input_size); got 3. Pass one frame for each step.");
  EXPECT_EQ(error_of<UnsupportedError>([&] { session.encode("text"); }),
            "[session] text goes with a model that reads symbols; got one that reads frames. Pass frames.");
  EXPECT_EQ(session.state(), before);
}

}  // namespace session_test
}  // namespace carousel::engine
