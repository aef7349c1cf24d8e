// One sequence read step by step: what answers at each step of its input, in constant memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "carousel/nn/stack.h"
#include "carousel/nn/stream_cell.h"

namespace carousel::nn {

/// y = weight x + bias.
struct StreamLinear {
  Var weight;  ///< [O, I]
  Var bias;    ///< [O]; may be undefined
};

/// A model that answers at each step: symbols or frames -> recurrent stack -> linear layers.
struct StreamNetwork {
  Var embedding;                          ///< [vocab_size, input_size]; undefined: frames come in
  int64_t input_size = 0;                 ///< of the stack
  const RecurrentStack* stack = nullptr;  ///< needed only while a StreamModel is made
  std::vector<StreamLinear> linear;       ///< one behind the other
};

/// The weights of a network, copied and packed for single steps by the kernel set in use. Immutable: any number of
/// streams in any number of threads may share one.
class StreamModel {
 public:
  /// Throws UnsupportedError for a bidirectional stack.
  explicit StreamModel(const StreamNetwork& network);

  int64_t vocab_size() const { return embedding_.defined() ? embedding_.dim(0) : 0; }  ///< 0: it reads frames
  int64_t input_size() const { return input_size_; }                                   ///< values of a frame
  int64_t output_size() const { return output_size_; }
  int64_t state_size() const { return state_size_; }  ///< values
  /// True when a step neither allocates nor locks: the cell has fused kernels.
  bool allocation_free() const { return allocation_free_; }
  /// True when a layer is large enough to be shared by two threads.
  bool worth_two_threads() const { return helper_room_ > 0; }

 private:
  friend class Stream;
  friend class StreamBatch;
  struct Layer {
    std::unique_ptr<StreamCell> cell;
    bool residual = false;
    PackedRows shortcut;  // no rows: the input itself
    Tensor gain, bias;    // of layer_norm; undefined without
  };
  struct Linear {
    PackedRows weight;
    Tensor bias;
  };
  void around(const Layer& layer, const float* x, const float* h, float* y) const;
  static void add_bias(const Linear& layer, float* y);
  const float* embedded(int32_t symbol) const;
  const float* checked(std::span<const float> frame) const;

  Tensor embedding_;
  int64_t input_size_ = 0, output_size_ = 0, state_size_ = 0, scratch_size_ = 0, widest_ = 0, helper_room_ = 0;
  bool allocation_free_ = true;
  std::vector<Layer> layers_;
  std::vector<Linear> linear_;
};

/// A sequence under way, at its beginning when made. A copy goes its own way from where the original is, on one thread.
/// Not for two threads at once. Answers are the same bits however the steps are grouped.
class Stream {
 public:
  explicit Stream(std::shared_ptr<const StreamModel> model);
  Stream(const Stream& other);
  Stream& operator=(const Stream&) = delete;
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;

  /// 2: from now on a second thread does half of each large layer; it spins for some 50 microseconds after each step
  /// and then sleeps. 1, as it is at first: the caller's thread alone. The bits are the same. Models too small to gain
  /// (StreamModel::worth_two_threads) and machines of one core stay with one. Throws ConfigError for other numbers.
  void set_threads(int64_t threads);
  int64_t threads() const { return helper_ ? 2 : 1; }

  /// Reads one step and gives the answer [output_size] to all that was read, valid until the next one. Throws
  /// ShapeError for what the model does not read; the state is then as it was.
  std::span<const float> step(int32_t symbol);
  std::span<const float> step(std::span<const float> frame);
  /// The same without the answer, which costs the linear layers.
  void read(int32_t symbol);
  void read(std::span<const float> frame);

  const StreamModel& model() const { return *model_; }
  /// All that the next answer depends on, [state_size]: of each layer, of each state of its cell. Zeros at the
  /// beginning.
  std::span<const float> state() const { return state_; }
  /// Goes on from a state of a stream of the same model. Throws ShapeError for another size.
  void set_state(std::span<const float> state);

 private:
  friend class StreamBatch;
  const float* advance(const float* x);
  std::span<const float> answer(const float* features);

  std::shared_ptr<const StreamModel> model_;
  std::vector<float> state_, next_, scratch_, rows_[2];  // two rows of the widest layer, taken in turn
  std::unique_ptr<StreamHelper> helper_;
};

}  // namespace carousel::nn
