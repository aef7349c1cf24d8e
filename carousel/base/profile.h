// Where the time of a run goes, by kinds of work, added up over all threads. Costs nothing but a test of a flag while
// it is off.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace carousel::profile {

enum class Part { products, packing, cells, attention, loss, pointwise, optimizer, data };

/// Begins anew: all counts are zero.
void start();
void stop();

namespace detail {
extern std::atomic<bool> running;
/// Of a clock that is cheap to look at: some kernels run for less than a microsecond. report() tells seconds from ticks
/// by what the system's clock says of the whole.
inline int64_t ticks() {
#if defined(__x86_64__)
  return static_cast<int64_t>(__builtin_ia32_rdtsc());
#else
  return std::chrono::steady_clock::now().time_since_epoch().count();
#endif
}
void note(Part part, int64_t ticks, double operations);
}  // namespace detail

inline bool on() {
  return detail::running.load(std::memory_order_relaxed);
}

/// Adds the time from its construction to its destruction to a part. Scopes of one thread must not contain each other.
class Scope {
 public:
  explicit Scope(Part part, double operations = 0) : part_(part), operations_(operations), on_(on()) {
    if (on_) begin_ = detail::ticks();
  }
  ~Scope() {
    if (on_) detail::note(part_, detail::ticks() - begin_, operations_);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Part part_;
  double operations_;
  bool on_;
  int64_t begin_ = 0;
};

struct Row {
  std::string name;       ///< "products", ..., and last "rest": waiting, memory, all that has no scope
  double seconds = 0;     ///< of all threads together
  int64_t calls = 0;      ///< 0 for the rest
  double operations = 0;  ///< multiplications and additions, where they are counted
};

struct Report {
  double seconds = 0;  ///< on the clock, from start() to now or stop()
  int threads = 0;     ///< the rows add up to seconds * threads
  std::vector<Row> rows;
};

/// To be called while no other thread works.
Report report();

}  // namespace carousel::profile
