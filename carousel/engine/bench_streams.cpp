#include <algorithm>

#include "carousel/base/threads.h"
#include "carousel/engine/bench.h"
#include "carousel/nn/init.h"
#include "carousel/nn/stream_batch.h"

namespace carousel::engine {

namespace {

struct Percentiles {
  double p50, p99, min;
};

/// Seconds of each of `steps` steps of one sequence, `between` them work that is not measured.
template <class Between>
Percentiles time_steps(const std::shared_ptr<const nn::StreamModel>& model, const StreamWork& w, int64_t steps,
                       Between between) {
  const auto width = static_cast<size_t>(model->input_size());
  const Tensor frames = nn::normal_init({64, model->input_size()}, 1, Rng(1, 2));
  std::vector<nn::Stream> all;
  for (int64_t i = 0; i < w.streams; ++i) all.emplace_back(model);
  all[0].set_threads(w.threads);
  std::vector<nn::Stream*> pointers;
  for (nn::Stream& stream : all) pointers.push_back(&stream);
  std::vector<float> answers(static_cast<size_t>(w.streams * model->output_size()));
  nn::StreamBatch batch(model);
  std::vector<double> seconds;
  seconds.reserve(static_cast<size_t>(steps));
  for (int64_t i = -steps / 10; i < steps; ++i) {  // the first tenth warms up
    between();
    const double start = now_seconds();
    if (w.streams > 1) {
      batch.step(pointers, frames.span<float>().first(static_cast<size_t>(w.streams) * width), answers);
    } else {
      all[0].step(frames.span<float>().subspan(static_cast<size_t>(i & 63) * width, width));
    }
    if (i >= 0) seconds.push_back((now_seconds() - start) / static_cast<double>(w.streams));
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds[seconds.size() * 99 / 100], seconds.front()};
}

}  // namespace

StreamTimes time_streams(const StreamWork& w) {
  nn::StackConfig config;
  config.cell = w.cell;
  config.hidden_size = {w.hidden_size};
  const nn::RecurrentStack stack(config, w.hidden_size, 1);
  if (w.weights)
    for (const Var& weight : {stack.layer(0).weights[0].w_ih, stack.layer(0).weights[0].w_hh})
      weight.set_format(w.weights);
  const auto model = std::make_shared<const nn::StreamModel>(nn::StreamNetwork{{}, w.hidden_size, &stack, {}});
  set_threads(w.threads);
  StreamTimes times;
  const int64_t value_bytes = w.weights ? w.weights->code_bytes : int64_t{sizeof(float)};
  times.weight_bytes = stack.cell().num_gates() * w.hidden_size * 2 * w.hidden_size * value_bytes;
  const Percentiles warm = time_steps(model, w, w.steps, [] {});
  const ReadBlock other(int64_t{4} << 20);
  const Percentiles cold = time_steps(model, w, std::max<int64_t>(w.steps / 50, 100), [&] { other.read(); });
  times.p50 = warm.p50;
  times.p99 = warm.p99;
  times.min = warm.min;
  times.cold_p50 = cold.p50;
  times.cold_p99 = cold.p99;
  times.read_seconds = read_roof_seconds(times.weight_bytes, w.threads);
  return times;
}

}  // namespace carousel::engine
