#include "carousel/nn/stream_helper.h"

#include <utility>

#include "carousel/base/threads.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace carousel::nn {

namespace {

constexpr auto kSpin = std::chrono::microseconds(50);

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until `done` holds or `latest` is past; returns what holds then. The clock is looked at now and then.
template <class Done>
bool spin(StreamHelper::Clock::time_point latest, Done done) {
  while (true) {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      pause();
    }
    if (StreamHelper::Clock::now() >= latest) return done();
  }
}

}  // namespace

StreamHelper::StreamHelper(int64_t room, std::shared_ptr<const void> owner)
    : owner_(std::move(owner)), room_(static_cast<size_t>(room)), thread_([this] { work(); }) {}

StreamHelper::~StreamHelper() {
  while (!is_free()) std::this_thread::yield();
  job_ = nullptr;
  given_.fetch_add(1, std::memory_order_release);
  given_.notify_one();
  thread_.join();
}

void StreamHelper::give(const Job& job, int64_t stage) {
  job_ = &job;
  stage_ = stage;
  given_.fetch_add(1, std::memory_order_release);
  given_.notify_one();  // a look at a counter unless it sleeps
}

bool StreamHelper::finished_by(Clock::time_point latest) const {
  return spin(latest, [this] { return is_free(); });
}

void StreamHelper::work() {
  const FlushDenormals flush;
  for (uint32_t seen = 0;; finished_.store(seen, std::memory_order_release)) {
    const auto changed = [&] { return given_.load(std::memory_order_acquire) != seen; };
    if (!spin(Clock::now() + kSpin, changed)) given_.wait(seen, std::memory_order_acquire);
    ++seen;
    if (!job_) return;
    job_->run(stage_, room_.data());
  }
}

}  // namespace carousel::nn
