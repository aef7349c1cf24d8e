// A session: one sequence that a loaded model reads as it comes, a step at a time, in constant memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/nn/stream_batch.h"

namespace carousel::engine {

/// Raised when a reader of old states could misread new ones.
constexpr uint32_t kStateVersion = 1;

/// Begins where nothing has been read. Outlives the Engine that opened it. Sessions of one model may run in several
/// threads, each in one at a time. step() and feed() neither allocate nor lock where the model's cell has fused kernels
/// (StreamModel::allocation_free). The answer to a step depends on what was read alone: any grouping into step() and
/// feed(), forks and stored states give the same bits, as long as the machine and the kernel set are the same.
class Session {
 public:
  /// What the model is to its sessions; Engine::open_session() makes it.
  class Model;

  explicit Session(std::shared_ptr<const Model> model);
  Session(Session&&) noexcept = default;
  Session& operator=(Session&&) noexcept = default;

  int64_t vocab_size() const { return stream_.model().vocab_size(); }    ///< 0: the model reads frames
  int64_t input_size() const { return stream_.model().input_size(); }    ///< numbers of a frame
  int64_t output_size() const { return stream_.model().output_size(); }  ///< numbers of an answer
  /// The symbol that a sequence begins with: of a language model the line end, whose answer is the first symbol of a
  /// line. -1: none.
  int32_t begin_symbol() const;
  /// Threads of a step, 1 or 2, see nn::Stream::set_threads; the bits are the same.
  void set_threads(int64_t threads) { stream_.set_threads(threads); }
  int64_t threads() const { return stream_.threads(); }
  /// Symbols of a text, and the text of symbols. Throw UnsupportedError for a model of frames, DataError for a text
  /// that is not UTF-8, ShapeError for a number that is no symbol.
  std::vector<int32_t> encode(std::string_view text) const;
  std::string decode(std::span<const int32_t> symbols) const;

  /// Reads one step; the answer [output_size] to all that was read, valid until the next call. Of a language model the
  /// logits of the next symbol. Throws ShapeError for what the model does not read, DataError for a frame that is not
  /// finite; the session is then as it was.
  std::span<const float> step(int32_t symbol);
  std::span<const float> step(std::span<const float> frame);
  /// The same for a chunk of steps, of at least one: the last answer. `answers` [steps, output_size] takes all of them;
  /// without it the others are not computed.
  std::span<const float> feed(std::span<const int32_t> symbols, std::span<float> answers = {});
  /// `frames` [steps, input_size].
  std::span<const float> feed(std::span<const float> frames, std::span<float> answers = {});

  /// All that the next answer depends on, as bytes that any later session of the same model goes on from: "carousel",
  /// version, number of values (both u32), SHA-256 of the model (hex), the values (f32); little-endian.
  std::string state() const;
  size_t state_bytes() const;
  /// Throws FormatError for bytes that state() of this model did not give; the session is then as it was.
  void set_state(std::string_view bytes);

  /// A session of its own, on one thread, that is where this one is.
  Session fork() const { return Session(*this); }
  /// Remembers this place; rewind() goes back to it, any number of times. At first it is the beginning.
  void mark();
  void rewind();

 private:
  friend class SessionBatch;
  Session(const Session&) = default;
  template <class Step>
  std::span<const float> run(int64_t steps, std::span<float> answers, Step step);

  std::shared_ptr<const Model> model_;
  nn::Stream stream_;
  std::vector<float> marked_;
};

/// Steps many sessions of one model together, on all threads of the program: the weights are read once for several of
/// them. Each session gets the bits that it would get alone, and may be stepped alone in between.
class SessionBatch {
 public:
  /// For sessions of the Engine that opened `session`.
  explicit SessionBatch(const Session& session);

  /// Session number i reads symbols[i]; its answer lies in row i of `answers` [sessions.size(), output_size]. Throws as
  /// Session::step() does, and ShapeError for sizes that do not fit, sessions of other models and one that comes twice;
  /// all sessions are then as they were.
  void step(std::span<Session* const> sessions, std::span<const int32_t> symbols, std::span<float> answers);
  /// The same for frames [sessions.size(), input_size].
  void step(std::span<Session* const> sessions, std::span<const float> frames, std::span<float> answers);

 private:
  std::span<nn::Stream* const> streams_of(std::span<Session* const> sessions);

  nn::StreamBatch batch_;
  std::vector<nn::Stream*> streams_;
};

}  // namespace carousel::engine
