// A second thread that shares the work of a step.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace carousel::nn {

/// Waits for jobs, spinning for some 50 microseconds and then asleep. The first thread gives it a job, does its own
/// share meanwhile and then waits for it, but not for long: a helper whose core was taken away for a time slice is left
/// alone, and what it was to do is done without it, until it is back. So a job reads and writes nothing but room().
class StreamHelper {
 public:
  using Clock = std::chrono::steady_clock;
  /// What runs in the other thread.
  class Job {
   public:
    virtual ~Job() = default;
    virtual void run(int64_t stage, float* room) const = 0;
  };

  /// `room`: numbers that the jobs read and write. `owner` of the jobs lives as long as the helper.
  StreamHelper(int64_t room, std::shared_ptr<const void> owner);
  ~StreamHelper();
  StreamHelper(const StreamHelper&) = delete;
  StreamHelper& operator=(const StreamHelper&) = delete;

  /// False while it is at a job: room() then belongs to it.
  bool is_free() const { return finished_.load(std::memory_order_acquire) == given_.load(std::memory_order_relaxed); }
  float* room() { return room_.data(); }
  /// Runs job.run(stage, room()) in the other thread. Only while it is free.
  void give(const Job& job, int64_t stage);
  /// True when the last job is finished; waits for it until `latest`.
  bool finished_by(Clock::time_point latest) const;

 private:
  void work();

  std::shared_ptr<const void> owner_;
  std::vector<float> room_;
  // On cache lines of their own, in pairs as processors fetch them: each is written by one thread and watched by the
  // other.
  alignas(128) std::atomic<uint32_t> given_{0};
  const Job* job_ = nullptr;  // null: the end
  int64_t stage_ = 0;
  alignas(128) std::atomic<uint32_t> finished_{0};
  alignas(128) std::thread thread_;
};

}  // namespace carousel::nn
