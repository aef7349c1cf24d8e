#include "carousel/capi/carousel.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "carousel/base/error.h"
#include "carousel/engine/engine.h"
#include "carousel/engine/session.h"

using carousel::engine::Engine;
using carousel::engine::Session;

struct carousel_model {
  Engine engine;
  std::mutex mutex;  // an Engine is for one thread at a time
  std::string info;
};

struct carousel_session {
  Session session;
};

namespace {

thread_local std::string last_error;

carousel_status failed(carousel_status status, const char* text) noexcept {
  try {
    last_error = text;
  } catch (const std::bad_alloc&) {
    last_error.clear();
  }
  return status;
}

/// Runs `work` and turns what it throws into a status. Nothing may leave here.
template <class Work>
carousel_status guarded(Work work) noexcept {
  try {
    work();
    return CAROUSEL_OK;
  } catch (const carousel::ConfigError& e) {
    return failed(CAROUSEL_USAGE, e.what());
  } catch (const carousel::ShapeError& e) {
    return failed(CAROUSEL_USAGE, e.what());
  } catch (const carousel::DataError& e) {
    return failed(CAROUSEL_BAD_DATA, e.what());
  } catch (const carousel::FormatError& e) {
    return failed(CAROUSEL_BAD_MODEL, e.what());
  } catch (const carousel::ResourceError& e) {
    return failed(CAROUSEL_RESOURCES, e.what());
  } catch (const std::bad_alloc&) {
    return failed(CAROUSEL_RESOURCES, "[memory] the work must fit in memory; got no more. Use a smaller model.");
  } catch (const std::exception& e) {
    return failed(CAROUSEL_OTHER, e.what());
  } catch (...) {
    return failed(CAROUSEL_OTHER, "[c] an error of unknown kind");
  }
}

/// Checks arguments before guarded(): a reference to nothing must not be made.
void require(bool given, const char* name) {
  if (!given) throw carousel::ConfigError(fmt::format("[c] {} must point at something; got NULL. Pass it.", name));
}

size_t counted(int64_t count) {
  if (count < 0) throw carousel::ConfigError(fmt::format("[c] a count must be at least 0; got {}. Pass it.", count));
  return static_cast<size_t>(count);
}

/// A copy for carousel_text_free.
char* c_text(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (!copy) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

std::string info_of(Engine& engine) {
  const carousel::engine::ModelInfo info = engine.info();
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& [name, value] : info.rows) rows.push_back({name, value});
  const nlohmann::ordered_json json = {
      {"schema", "carousel/c-info@1"}, {"task", info.task}, {"parameters", info.parameters}, {"rows", rows}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void give(std::span<const float> values, const float** answer) {
  if (answer) *answer = values.data();
}

}  // namespace

int carousel_abi(void) {
  return CAROUSEL_ABI;
}

const char* carousel_error(void) {
  return last_error.c_str();
}

carousel_status carousel_model_load(const char* file, carousel_model** model) {
  return guarded([&] {
    require(file, "file");
    require(model, "model");
    *model = new carousel_model{Engine::load(file), {}, {}};
  });
}

void carousel_model_free(carousel_model* model) {
  delete model;
}

carousel_status carousel_model_info(carousel_model* model, const char** json) {
  return guarded([&] {
    require(model, "model");
    require(json, "json");
    const std::lock_guard lock(model->mutex);
    if (model->info.empty()) model->info = info_of(model->engine);
    *json = model->info.c_str();
  });
}

carousel_status carousel_model_predict(carousel_model* model, const char* line, char** answer) {
  return guarded([&] {
    require(model, "model");
    require(line, "line");
    require(answer, "answer");
    const std::lock_guard lock(model->mutex);
    const auto predictions = model->engine.predict({line}, {});
    const carousel::tasks::Prediction& prediction = predictions.at(0);
    if (!prediction.error.empty()) throw carousel::DataError("(line)", 1, 0, prediction.error);
    *answer = c_text(prediction.hypotheses.empty() ? "" : prediction.hypotheses.front().text);
  });
}

void carousel_text_free(char* text) {
  std::free(text);
}

carousel_status carousel_session_open(carousel_model* model, carousel_session** session) {
  return guarded([&] {
    require(model, "model");
    require(session, "session");
    const std::lock_guard lock(model->mutex);
    *session = new carousel_session{model->engine.open_session()};
  });
}

void carousel_session_close(carousel_session* session) {
  delete session;
}

int64_t carousel_session_vocab_size(const carousel_session* session) {
  return session ? session->session.vocab_size() : 0;
}
int64_t carousel_session_input_size(const carousel_session* session) {
  return session ? session->session.input_size() : 0;
}
int64_t carousel_session_output_size(const carousel_session* session) {
  return session ? session->session.output_size() : 0;
}
size_t carousel_session_state_bytes(const carousel_session* session) {
  return session ? session->session.state_bytes() : 0;
}
int32_t carousel_session_begin_symbol(const carousel_session* session) {
  return session ? session->session.begin_symbol() : -1;
}

carousel_status carousel_session_set_threads(carousel_session* session, int64_t threads) {
  return guarded([&] {
    require(session, "session");
    session->session.set_threads(threads);
  });
}

carousel_status carousel_session_encode(const carousel_session* session, const char* text, int32_t* symbols,
                                        int64_t* count) {
  return guarded([&] {
    require(session, "session");
    require(text, "text");
    require(count, "count");
    const auto room = static_cast<int64_t>(counted(*count));
    require(symbols || room == 0, "symbols");
    const std::vector<int32_t> all = session->session.encode(text);
    *count = static_cast<int64_t>(all.size());
    if (!symbols) return;
    if (room < *count)
      throw carousel::ConfigError(
          fmt::format("[c] the room must hold all symbols of the text, {}; got {}. Pass more.", *count, room));
    std::copy(all.begin(), all.end(), symbols);
  });
}

carousel_status carousel_session_decode(const carousel_session* session, const int32_t* symbols, int64_t count,
                                        char** text) {
  return guarded([&] {
    require(session, "session");
    require(symbols || count == 0, "symbols");
    require(text, "text");
    *text = c_text(session->session.decode({symbols, counted(count)}));
  });
}

carousel_status carousel_session_step(carousel_session* session, int32_t symbol, const float** answer) {
  return guarded([&] {
    require(session, "session");
    give(session->session.step(symbol), answer);
  });
}

carousel_status carousel_session_step_frame(carousel_session* session, const float* frame, const float** answer) {
  return carousel_session_feed_frames(session, frame, 1, answer);
}

carousel_status carousel_session_feed(carousel_session* session, const int32_t* symbols, int64_t count,
                                      const float** answer) {
  return guarded([&] {
    require(session, "session");
    require(symbols || count == 0, "symbols");
    give(session->session.feed(std::span<const int32_t>(symbols, counted(count))), answer);
  });
}

carousel_status carousel_session_feed_frames(carousel_session* session, const float* frames, int64_t count,
                                             const float** answer) {
  return guarded([&] {
    require(session, "session");
    require(frames || count == 0, "frames");
    const auto width = static_cast<size_t>(session->session.input_size());
    if (width > 0 && counted(count) > std::numeric_limits<size_t>::max() / sizeof(float) / width)
      throw carousel::ConfigError(
          fmt::format("[c] frames of {} numbers must fit the memory; got {} of them. Pass fewer.", width, count));
    const size_t size = counted(count) * width;
    give(session->session.feed(std::span<const float>(frames, size)), answer);
  });
}

carousel_status carousel_session_save(const carousel_session* session, void* bytes, size_t size) {
  return guarded([&] {
    require(session, "session");
    require(bytes, "bytes");
    const std::string state = session->session.state();
    if (size != state.size())
      throw carousel::ConfigError(
          fmt::format("[c] the room for a state must be {} bytes (carousel_session_state_bytes); got {}. Pass that.",
                      state.size(), size));
    std::memcpy(bytes, state.data(), state.size());
  });
}

carousel_status carousel_session_restore(carousel_session* session, const void* bytes, size_t size) {
  return guarded([&] {
    require(session, "session");
    require(bytes, "bytes");
    session->session.set_state({static_cast<const char*>(bytes), size});
  });
}

carousel_status carousel_session_fork(const carousel_session* session, carousel_session** fork) {
  return guarded([&] {
    require(session, "session");
    require(fork, "fork");
    *fork = new carousel_session{session->session.fork()};
  });
}

carousel_status carousel_session_mark(carousel_session* session) {
  return guarded([&] {
    require(session, "session");
    session->session.mark();
  });
}

carousel_status carousel_session_rewind(carousel_session* session) {
  return guarded([&] {
    require(session, "session");
    session->session.rewind();
  });
}
