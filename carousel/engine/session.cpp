#include "carousel/engine/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/tokenizer.h"
#include "carousel/engine/session_model.h"
#include "carousel/kernels/quant/format.h"

namespace carousel::engine {

static_assert(std::endian::native == std::endian::little, "states are written as they lie in memory");

namespace {

constexpr std::string_view kMagic = "carousel";
constexpr size_t kDigestBytes = 64;
constexpr size_t kHeaderBytes = kMagic.size() + 2 * sizeof(uint32_t) + kDigestBytes;

std::string_view bytes_of(const void* data, size_t bytes) {
  return {static_cast<const char*>(data), bytes};
}

[[noreturn]] void refuse(size_t offset, const std::string& text) {
  throw FormatError("(state)", static_cast<int64_t>(offset), text);
}

/// Index of the first value that is not finite, or -1. Written for the vectoriser: all is well nearly always.
int64_t first_not_finite(std::span<const float> values) {
  constexpr uint32_t kExponent = 0x7F800000u;
  uint32_t bad = 0;
  for (const float v : values) bad |= (std::bit_cast<uint32_t>(v) & kExponent) == kExponent ? 1u : 0u;
  if (bad == 0) return -1;
  return std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); }) - values.begin();
}

void check_frames(std::span<const float> frames) {
  const int64_t at = first_not_finite(frames);
  if (at >= 0)
    throw DataError("(frame)", 0, 0,
                    fmt::format("[session] a frame must hold finite numbers; got {} at number {}. It would stay in the "
                                "state for good: leave such frames out or repair them.",
                                frames[static_cast<size_t>(at)], at));
}

}  // namespace

Session::Model::Model(std::shared_ptr<tasks::TaskModel> model, std::string config)
    : model_(std::move(model)), config_(std::move(config)), streaming_(model_->streaming()) {}

const std::string& Session::Model::digest() const {
  std::call_once(once_, [this] {
    std::string all = model_->task() + "\n" + config_ + "\n";
    for (const auto& [key, value] : model_->metadata()) {
      all += key;
      all += "\n" + sha256(value) + "\n";
    }
    for (const nn::NamedParameter& p : model_->module().parameters()) {
      const Tensor& t = p.var.value();
      all +=
          fmt::format("{} {} {}", p.name, t.shape().str(), sha256(bytes_of(t.raw(), static_cast<size_t>(t.nbytes()))));
      if (p.var.format()) all += fmt::format(" {}", p.var.format()->name);
      all += "\n";
    }
    digest_ = sha256(all);
  });
  return digest_;
}

Session::Session(std::shared_ptr<const Model> model)
    : model_(std::move(model)),
      stream_(model_->streaming().model),
      marked_(stream_.state().begin(), stream_.state().end()) {}

int32_t Session::begin_symbol() const {
  return model_->streaming().begin;
}

namespace {

const data::Tokenizer& tokenizer_of(const tasks::Streaming& streaming) {
  if (!streaming.tokenizer)
    throw UnsupportedError(
        "[session] text goes with a model that reads symbols; got one that reads frames. Pass frames.");
  return *streaming.tokenizer;
}

}  // namespace

std::vector<int32_t> Session::encode(std::string_view text) const {
  const data::Tokenizer& tokenizer = tokenizer_of(model_->streaming());
  data::check_text(text, "(text)", 1);
  return tokenizer.encode(text);
}

std::string Session::decode(std::span<const int32_t> symbols) const {
  return tokenizer_of(model_->streaming()).decode(symbols);
}

std::span<const float> Session::step(int32_t symbol) {
  return stream_.step(symbol);
}

std::span<const float> Session::step(std::span<const float> frame) {
  check_frames(frame);
  return stream_.step(frame);
}

/// step(i, true) reads step i and gives its answer, step(i, false) only reads it.
template <class Step>
std::span<const float> Session::run(int64_t steps, std::span<float> answers, Step step) {
  if (steps == 0) throw ShapeError("[session] a chunk must hold at least one step; got none. Leave the call out.");
  const auto width = static_cast<size_t>(output_size()), count = static_cast<size_t>(steps);
  if (!answers.empty() && answers.size() != count * width)
    throw ShapeError(
        fmt::format("[session] room for all answers must be {} numbers, {} steps of {}; got {}. Pass that or none.",
                    count * width, count, width, answers.size()));
  std::span<const float> last;
  for (size_t i = 0; i < count; ++i) {
    last = step(i, !answers.empty() || i + 1 == count);
    if (!answers.empty()) std::copy(last.begin(), last.end(), answers.begin() + static_cast<std::ptrdiff_t>(i * width));
  }
  return last;
}

std::span<const float> Session::feed(std::span<const int32_t> symbols, std::span<float> answers) {
  // A chunk is read whole or not at all.
  for (const int32_t symbol : symbols)
    if (symbol < 0 || symbol >= vocab_size()) return stream_.step(symbol);  // says what is wrong
  return run(static_cast<int64_t>(symbols.size()), answers, [&](size_t i, bool answer) {
    if (answer) return stream_.step(symbols[i]);
    stream_.read(symbols[i]);
    return std::span<const float>();
  });
}

std::span<const float> Session::feed(std::span<const float> frames, std::span<float> answers) {
  const auto width = static_cast<size_t>(input_size());
  if (vocab_size() > 0 || frames.size() % width != 0) return stream_.step(frames);  // says what is wrong
  check_frames(frames);
  return run(static_cast<int64_t>(frames.size() / width), answers, [&](size_t i, bool answer) {
    const std::span<const float> frame = frames.subspan(i * width, width);
    if (answer) return stream_.step(frame);
    stream_.read(frame);
    return std::span<const float>();
  });
}

size_t Session::state_bytes() const {
  return kHeaderBytes + stream_.state().size() * sizeof(float);
}

std::string Session::state() const {
  const std::span<const float> values = stream_.state();
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
    throw DivergedError(
        "[session] a state to go on from must be finite; got numbers that are not. What was read made the model "
        "overflow: rewind, or begin anew.");
  const uint32_t numbers[] = {kStateVersion, static_cast<uint32_t>(values.size())};
  std::string bytes;
  bytes.reserve(state_bytes());
  bytes += kMagic;
  bytes += bytes_of(numbers, sizeof numbers);
  bytes += model_->digest();
  bytes += bytes_of(values.data(), values.size_bytes());
  return bytes;
}

void Session::set_state(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic))
    refuse(0, fmt::format("[session] a state must begin with \"{}\" and a header of {} bytes; got other bytes, {} of "
                          "them. Pass what state() gave.",
                          kMagic, kHeaderBytes, bytes.size()));
  uint32_t numbers[2];
  std::memcpy(numbers, bytes.data() + kMagic.size(), sizeof numbers);
  if (numbers[0] != kStateVersion)
    refuse(kMagic.size(), fmt::format("[session] this program reads states of version {}; got version {}. Use the "
                                      "version of the program that wrote it.",
                                      kStateVersion, numbers[0]));
  const std::string_view digest = bytes.substr(kHeaderBytes - kDigestBytes, kDigestBytes);
  if (digest != model_->digest())
    refuse(
        kHeaderBytes - kDigestBytes,
        fmt::format("[session] a state goes on with the model that made it, {:.12}...; got one of another model. Load "
                    "that model, or begin anew.",
                    model_->digest()));
  if (bytes.size() != state_bytes() || numbers[1] != stream_.state().size())
    refuse(kMagic.size() + sizeof(uint32_t),
           fmt::format("[session] a state of this model is {} bytes; got {}. It was cut off or damaged: begin anew.",
                       state_bytes(), bytes.size()));
  std::vector<float> values(stream_.state().size());
  std::memcpy(values.data(), bytes.data() + kHeaderBytes, values.size() * sizeof(float));
  if (const int64_t at = first_not_finite(values); at >= 0)
    refuse(kHeaderBytes + static_cast<size_t>(at) * sizeof(float),
           fmt::format("[session] a state must hold finite numbers; got {}. It was damaged: begin anew.",
                       values[static_cast<size_t>(at)]));
  stream_.set_state(values);
}

void Session::mark() {
  std::copy(stream_.state().begin(), stream_.state().end(), marked_.begin());
}

void Session::rewind() {
  stream_.set_state(marked_);
}

SessionBatch::SessionBatch(const Session& session) : batch_(session.model_->streaming().model) {}

std::span<nn::Stream* const> SessionBatch::streams_of(std::span<Session* const> sessions) {
  streams_.clear();
  for (Session* session : sessions) streams_.push_back(&session->stream_);
  return streams_;
}

void SessionBatch::step(std::span<Session* const> sessions, std::span<const int32_t> symbols,
                        std::span<float> answers) {
  batch_.step(streams_of(sessions), symbols, answers);
}

void SessionBatch::step(std::span<Session* const> sessions, std::span<const float> frames, std::span<float> answers) {
  check_frames(frames);
  batch_.step(streams_of(sessions), frames, answers);
}

}  // namespace carousel::engine
