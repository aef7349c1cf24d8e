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
void note(Part part, std::chrono::steady_clock::duration time, double operations);
}  // namespace detail

inline bool on() {
  return detail::running.load(std::memory_order_relaxed);
}

/// Adds the time from its construction to its destruction to a part. Scopes of one thread must not contain each other.
class Scope {
 public:
  explicit Scope(Part part, double operations = 0) : part_(part), operations_(operations), on_(on()) {
    if (on_) begin_ = std::chrono::steady_clock::now();
  }
  ~Scope() {
    if (on_) detail::note(part_, std::chrono::steady_clock::now() - begin_, operations_);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Part part_;
  double operations_;
  bool on_;
  std::chrono::steady_clock::time_point begin_;
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
