#include "carousel/nn/stream_helper.h"

#include <utility>

#include "carousel/base/spin.h"
#include "carousel/base/threads.h"

namespace carousel::nn {

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
  return spin_until(latest, [this] { return is_free(); });
}

void StreamHelper::work() {
  const FlushDenormals flush;
  for (uint32_t seen = 0;; finished_.store(seen, std::memory_order_release)) {
    const auto changed = [&] { return given_.load(std::memory_order_acquire) != seen; };
    if (!spin_until(Clock::now() + kSpinTime, changed)) given_.wait(seen, std::memory_order_acquire);
    ++seen;
    if (!job_) return;
    job_->run(stage_, room_.data());
  }
}

}  // namespace carousel::nn
