#include "carousel/autograd/ops/rows.h"

#include <algorithm>
#include <cstring>

#include "carousel/autograd/accumulate.h"
#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/parallel.h"

namespace carousel::ops {

namespace {

/// sums[index[i]] += rows[i]; columns are split over threads so that the order of additions is that of i.
template <class T>
void scatter_add(std::span<const int64_t> index, const T* rows, int64_t width, T* sums) {
  const auto n = static_cast<int64_t>(index.size());
  parallel_for(
      width, n,
      [&](int64_t begin, int64_t end) {
        for (int64_t i = 0; i < n; ++i) {
          const int64_t to = index[static_cast<size_t>(i)];
          if (to >= 0) kernels::table<T>().axpy(end - begin, T(1), rows + i * width + begin, sums + to * width + begin);
        }
      },
      16);
}

/// `sparse`: few of the rows of x are expected to be gathered.
Var gather(Tape* tape, const Var& x, std::vector<int64_t> index, bool sparse) {
  const auto n = static_cast<int64_t>(index.size());
  const int64_t width = x.value().dim(1);
  Var y(Tensor::empty({n, width}, x.value().dtype()));
  with_scalar(x.value().dtype(), [&]<class T>() {
    const T* from = x.value().data<T>();
    T* to = y.mutable_value().data<T>();
    parallel_for(n, width, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = index[static_cast<size_t>(i)];
        if (row < 0) {
          std::fill_n(to + i * width, width, T(0));
        } else {
          std::copy_n(from + row * width, width, to + i * width);
        }
      }
    });
  });
  if (needs_tape(tape, {&x})) {
    tape->record({y}, {x}, [x, y, width, sparse, index = std::move(index)]() mutable {
      Tensor& sums = sparse ? x.grad_or_zero_rows(index) : x.grad_or_zeros();
      with_scalar(y.value().dtype(),
                  [&]<class T>() { scatter_add<T>(index, y.grad().data<T>(), width, sums.data<T>()); });
    });
  }
  return y;
}

}  // namespace

Var embedding(Tape* tape, std::span<const int32_t> ids, const Var& table) {
  require_rank("embedding", "table", table.value(), 2);
  const int64_t vocab = table.value().dim(0);
  std::vector<int64_t> index(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= vocab)
      throw ShapeError(fmt::format("[embedding] ids must lie in [0, {}); got {} at position {}. Check the vocabulary.",
                                   vocab, ids[i], i));
    index[i] = ids[i];
  }
  return gather(tape, table, std::move(index), true);
}

Var gather_rows(Tape* tape, const Var& x, std::vector<int64_t> index) {
  require_rank("gather_rows", "x", x.value(), 2);
  for (const int64_t row : index)
    if (row < -1 || row >= x.value().dim(0))
      throw ShapeError(
          fmt::format("[gather_rows] rows must lie in [-1, {}); got {}. Check the packing.", x.value().dim(0), row));
  return gather(tape, x, std::move(index), false);
}

Var concat_columns(Tape* tape, const std::vector<Var>& parts) {
  if (parts.empty()) throw ShapeError("[concat_columns] at least one part is needed; got none. Pass one.");
  const int64_t rows = parts[0].value().dim(0);
  int64_t width = 0;
  for (const Var& part : parts) {
    require_rank("concat_columns", "a part", part.value(), 2);
    require_equal("concat_columns", "the rows of every part", part.value().dim(0), rows);
    width += part.value().dim(1);
  }
  Var y(Tensor::empty({rows, width}, parts[0].value().dtype()));
  with_scalar(y.value().dtype(), [&]<class T>() {
    T* to = y.mutable_value().data<T>();
    for (const Var& part : parts) {
      const int64_t columns = part.value().dim(1);
      const T* from = part.value().data<T>();
      parallel_for(rows, columns, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) std::copy_n(from + i * columns, columns, to + i * width);
      });
      to += columns;
    }
  });
  bool needed = false;
  for (const Var& part : parts) needed = needed || needs_tape(tape, {&part});
  if (needed) {
    tape->record({y}, parts, [parts, y, rows, width]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T* from = y.grad().data<T>();
        for (const Var& part : parts) {
          const int64_t columns = part.value().dim(1);
          if (part.requires_grad()) {
            Tensor delta = Tensor::empty(part.value().shape(), part.value().dtype());
            T* to = delta.data<T>();
            parallel_for(rows, columns, [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i) std::copy_n(from + i * width, columns, to + i * columns);
            });
            part.add_grad(delta);
          }
          from += columns;
        }
      });
    });
  }
  return y;
}

Var concat_rows(Tape* tape, const std::vector<Var>& parts) {
  if (parts.empty()) throw ShapeError("[concat_rows] at least one part is needed; got none. Pass one.");
  const int64_t width = parts[0].value().dim(1);
  int64_t rows = 0;
  for (const Var& part : parts) {
    require_rank("concat_rows", "a part", part.value(), 2);
    require_equal("concat_rows", "the columns of every part", part.value().dim(1), width);
    rows += part.value().dim(0);
  }
  Var y(Tensor::empty({rows, width}, parts[0].value().dtype()));
  int64_t at = 0;
  bool needed = false;
  for (const Var& part : parts) {
    std::memcpy(y.mutable_value().rows(at, at + part.value().dim(0)).raw(), part.value().raw(),
                static_cast<size_t>(part.value().nbytes()));
    at += part.value().dim(0);
    needed = needed || needs_tape(tape, {&part});
  }
  if (needed) {
    tape->record({y}, parts, [parts, y]() {
      int64_t begin = 0;
      for (const Var& part : parts) {
        const int64_t end = begin + part.value().dim(0);
        if (part.requires_grad()) part.add_grad(y.grad().rows(begin, end).clone());
        begin = end;
      }
    });
  }
  return y;
}

Var slice_columns(Tape* tape, const Var& x, int64_t begin, int64_t end) {
  require_rank("slice_columns", "x", x.value(), 2);
  const int64_t rows = x.value().dim(0), width = x.value().dim(1), columns = end - begin;
  if (begin < 0 || columns < 0 || end > width)
    throw ShapeError(
        fmt::format("[slice_columns] columns must lie in [0, {}]; got {}..{}. Check the range.", width, begin, end));
  Var y(Tensor::empty({rows, columns}, x.value().dtype()));
  with_scalar(x.value().dtype(), [&]<class T>() {
    const T* from = x.value().data<T>() + begin;
    T* to = y.mutable_value().data<T>();
    for (int64_t i = 0; i < rows; ++i) std::copy_n(from + i * width, columns, to + i * columns);
  });
  if (needs_tape(tape, {&x})) {
    tape->record({y}, {x}, [x, y, rows, width, columns, begin]() mutable {
      with_scalar(y.value().dtype(), [&]<class T>() {
        T* to = x.grad_or_zeros().data<T>() + begin;
        const T* from = y.grad().data<T>();
        for (int64_t i = 0; i < rows; ++i) kernels::table<T>().axpy(columns, T(1), from + i * columns, to + i * width);
      });
    });
  }
  return y;
}

Var slice_rows(Tape* tape, const Var& x, int64_t begin, int64_t end) {
  const int64_t rows = x.value().rank() > 0 ? x.value().dim(0) : 0;
  if (begin < 0 || end < begin || end > rows)
    throw ShapeError(
        fmt::format("[slice_rows] rows must lie in [0, {}]; got {}..{}. Check the range.", rows, begin, end));
  Var y(x.value().rows(begin, end));
  if (needs_tape(tape, {&x})) {
    tape->record({y}, {x}, [x, y, begin, end]() {
      Tensor part = x.grad_or_zeros().rows(begin, end);
      accumulate(part, y.grad());
    });
  }
  return y;
}

Var reshape(Tape* tape, const Var& x, const Shape& shape) {
  Var y(x.value().reshape(shape));
  if (needs_tape(tape, {&x})) {
    // Cloned: a gradient is taken over, and this one belongs to y.
    tape->record({y}, {x}, [x, y]() { x.add_grad(y.grad().clone().reshape(x.value().shape())); });
  }
  return y;
}

}  // namespace carousel::ops
