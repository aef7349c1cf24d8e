#include "carousel/kernels/profiled.h"

#include <map>
#include <utility>

#include "carousel/base/profile.h"

namespace carousel::kernels {

namespace {

using profile::Part;
using profile::Scope;

Table<float> base_set;
std::map<const Table<float>*, Table<float>> timed_sets;  // by their base; nodes stay where they are

double operations(int64_t m, int64_t n, int64_t k) {
  return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

template <Part part, auto member>
struct Timed;
template <Part part, class Result, class... Arguments, Result (*Table<float>::*member)(Arguments...)>
struct Timed<part, member> {
  static Result call(Arguments... arguments) {
    const Scope scope(part);
    return (base_set.*member)(std::forward<Arguments>(arguments)...);
  }
};

template <Part part, auto... members>
void time(Table<float>& set) {
  ((set.*members = Timed<part, members>::call), ...);
}

class TimedPacked final : public Packed<float> {
 public:
  TimedPacked(std::unique_ptr<Packed<float>> inner, int64_t k, int64_t n) : inner_(std::move(inner)), k_(k), n_(n) {}
  void assign(const float* b, int64_t ldb) override {
    const Scope scope(Part::packing);
    inner_->assign(b, ldb);
  }
  void multiply(int64_t m, const float* a, float* c, bool accumulate) const override {
    const Scope scope(Part::products, operations(m, n_, k_));
    inner_->multiply(m, a, c, accumulate);
  }

 private:
  std::unique_ptr<Packed<float>> inner_;
  int64_t k_, n_;
};

}  // namespace

const Table<float>& profiled(const Table<float>& base) {
  using T = Table<float>;
  base_set = base;
  const auto [entry, made] = timed_sets.try_emplace(&base, base);
  Table<float>& timed_set = entry->second;
  if (!made) return timed_set;
  timed_set.gemm = [](const Gemm<float>& p) {
    const Scope scope(Part::products, operations(p.m, p.n, p.k));
    base_set.gemm(p);
  };
  timed_set.gemv = [](const Gemv<float>& p) {
    const Scope scope(Part::products, operations(p.m, p.n, p.k));
    base_set.gemv(p);
  };
  timed_set.pack = [](bool transposed, int64_t k, int64_t n) -> std::unique_ptr<Packed<float>> {
    return std::make_unique<TimedPacked>(base_set.pack(transposed, k, n), k, n);
  };
  time<Part::cells, &T::lstm_forward, &T::lstm_backward, &T::rnn_forward, &T::rnn_backward, &T::min_gru_forward,
       &T::min_gru_backward, &T::gru_after_forward, &T::gru_after_backward, &T::gru_before_reset_forward,
       &T::gru_before_reset_backward, &T::gru_before_output_forward, &T::gru_before_output_backward>(timed_set);
  time<Part::attention, &T::additive_forward, &T::additive_backward>(timed_set);
  time<Part::loss, &T::softmax, &T::log_softmax, &T::cross_entropy>(timed_set);
  time<Part::pointwise, &T::sigmoid, &T::tanh, &T::add_bias, &T::column_sums, &T::dropout>(timed_set);
  time<Part::optimizer, &T::adam>(timed_set);
  return timed_set;
}

}  // namespace carousel::kernels
