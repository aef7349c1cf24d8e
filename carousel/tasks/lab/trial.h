// One training of one model on one problem, and many of them at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "carousel/tasks/lab/problems.h"
#include "carousel/tasks/lab/report.h"
#include "carousel/train/trainer.h"

namespace carousel::tasks::lab {

/// What is trained, and until when.
struct Trial {
  std::string label;  ///< "lstm on adding, 200 steps": for progress lines
  Problem problem;
  nn::StackConfig stack;
  std::string pooling;  ///< in place of the problem's own, or "" for that
  train::TrainerConfig trainer;
  int64_t batch_size = 32;
  int64_t steps_per_look = 100;  ///< training steps between two looks at fresh data
  double good_enough = 0;        ///< the trial ends when a look gives this metric; 0: never
};

/// What came out.
struct Outcome {
  std::unique_ptr<nn::SequenceModel> model;
  double value = 0;  ///< metric on data it never saw; not a number for a diverged training
  bool solved = false;
  int64_t steps = 0;
  double seconds = 0;
  bool interrupted = false;
  std::string diverged;  ///< why the training failed, or "": that one of many cells has failed is a result too
};

/// Trains; a DivergedError becomes part of the outcome. `observer` may be called from several threads at once by
/// several trials: make_serial() it first.
Outcome run_trial(const Trial& trial, const Observer& observer);

/// The metric of a model on `count` fresh sequences that `draw` gives, named by `seed`.
double measure(nn::SequenceModel& model, const Problem& problem, int64_t count, uint64_t seed);

/// body(i) for i in [0, count), several at a time, each on one thread: small models gain nothing from more, and so what
/// comes out does not depend on the number of threads. Throws what a body threw.
void each_at_once(int64_t count, const std::function<void(int64_t)>& body);

/// The same observer behind a lock.
Observer make_serial(const Observer& observer);

/// "rnn", "gru:reset=after", "lstm+attention": a cell with conventions, and pooling by attention in place of the last
/// state.
struct Contestant {
  std::string name;
  nn::CellOptions cell;  ///< the conventions in force
  bool attention = false;
};
/// Reads "rnn,gru:reset=after,lstm+attention", each cell as nn::parse_cell does. Throws ConfigError for an unknown,
/// missing or repeated cell and for what is no convention of it.
std::vector<Contestant> read_contestants(const std::string& list);
/// Help of an option that read_contestants reads.
inline constexpr const char* kCellsHelp =
    "Cells to compare, with conventions after colons: lstm,gru:reset=after:update=keep.";
/// The words of a list joined by commas; ConfigError naming `option` for an empty or repeated one.
std::vector<std::string> read_words(const std::string& list, const std::string& option);
/// The numbers in ascending order, as curves need them; ConfigError naming `option` for none or a repeated one.
std::vector<int64_t> read_numbers(std::vector<int64_t> numbers, const std::string& option);

/// The largest of ascending places up to which all have passed, or 0: what lies behind a failure is not reached.
int64_t reach(const std::vector<std::pair<int64_t, bool>>& passed);

/// Adds "lstm on adding, 200 steps diverged: ..." for a diverged training.
void note_divergence(const Trial& trial, const Outcome& outcome, Report& report);

}  // namespace carousel::tasks::lab
