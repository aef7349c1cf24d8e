// Windows of series: made when they are needed, never all in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "carousel/data/series.h"
#include "carousel/tensor/tensor.h"

namespace carousel::tasks {

/// What a model remembers of a series it was trained on.
struct SeriesMemory {
  std::string name;
  double mean = 0, deviation = 1;  ///< of the training part
  double seasonal_error = 0;       ///< of all data given to training, see train::seasonal_error
  int64_t last_time = 0;           ///< 0 where the data has no times
  data::TimeStep step;
  std::vector<double> end;            ///< its last values, as many as a window has or fewer
  std::vector<double> responses;      ///< see Covariates; of the training part
  std::vector<float> end_covariates;  ///< of the same rows as `end`, [rows, channels]

  float standardised(double value) const { return static_cast<float>((value - mean) / deviation); }
};

/// Mean and deviation (1 for a constant) of the first `length` values, or all where there are fewer.
SeriesMemory remember(const data::Series& series, int64_t length);

/// A series in the units of its training part.
struct StandardSeries {
  StandardSeries(const data::Series& series, const SeriesMemory& memory);

  std::string name;
  std::vector<float> values;
  /// [rows, channels]: of each value and of the steps behind them that are known; null without channels. Series of one
  /// table may share them.
  std::shared_ptr<const std::vector<float>> covariates;
};

/// One window of one series: the values before `origin`, and those from it on, which are to be forecast.
struct WindowPlace {
  size_t series = 0;
  int64_t origin = 0;
};

/// All places with `window` values before and `horizon` values behind them, the origin stepping by one, in the order of
/// the series. A range of origins for each series; the places themselves are computed when asked for.
class Windows {
 public:
  void add(size_t series, int64_t first_origin, int64_t last_origin);
  int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }
  WindowPlace at(int64_t index) const;
  /// At most `most` of them, evenly spread.
  std::vector<WindowPlace> sample(int64_t most) const;
  /// Those of one batch of a training, at most batch_size: drawn with replacement by seed, epoch and number, so that
  /// nothing of the size of the data is kept.
  std::vector<WindowPlace> of_batch(int64_t batch_size, uint64_t seed, int64_t epoch, int64_t batch) const;

 private:
  struct Range {
    size_t series;
    int64_t first;
  };
  std::vector<Range> ranges_;
  std::vector<int64_t> ends_;  ///< number of places up to and with each range
};

struct WindowShape {
  int64_t window = 0, horizon = 0;
  int64_t channels = 0;  ///< known of each step in advance
};
struct WindowBatch {
  Tensor windows;  ///< [B, window]
  Tensor targets;  ///< [B, horizon]; zeros behind the end of a series
  Tensor known;    ///< [B, (window + horizon) * channels]; empty without channels
};
WindowBatch take_windows(const std::vector<StandardSeries>& series, const std::vector<WindowPlace>& places,
                         const WindowShape& shape);

/// What is taken from each window and given back to its forecast (the idea of Kim et al. 2022, "RevIN", without its
/// learnt part): x' = (x - shift) / unit.
class WindowNorm {
 public:
  /// kind: last | mean | standard | none. The windows [B, W] are normalised in place.
  WindowNorm(const std::string& kind, Tensor& windows);
  /// Normalises targets [B, N] of the same windows in place.
  void apply(Tensor& targets) const;
  /// Takes rows [B, N] back to the units of the windows, in place.
  void undo(Tensor& rows) const;

 private:
  std::vector<float> shift_, unit_;
};

}  // namespace carousel::tasks
