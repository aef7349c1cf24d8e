#include "carousel/autograd/accumulate.h"

#include "carousel/autograd/parallel.h"

namespace carousel {

namespace {

template <class T>
void add(T* sum, const T* delta, int64_t n) {
  parallel_for(
      n, 1,
      [&](int64_t begin, int64_t end) { kernels::table<T>().axpy(end - begin, T(1), delta + begin, sum + begin); }, 16);
}

}  // namespace

void accumulate(Tensor& sum, const Tensor& delta) {
  if (sum.dtype() == DType::f64) {
    add(sum.data<double>(), delta.data<double>(), sum.numel());
  } else {
    add(sum.data<float>(), delta.data<float>(), sum.numel());
  }
}

}  // namespace carousel
