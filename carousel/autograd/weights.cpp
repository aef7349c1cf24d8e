#include "carousel/autograd/weights.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

#include "carousel/base/profile.h"

namespace carousel {

namespace {

/// A slice of a weight [rows, columns] of which rows are outputs, in a number format.
class FormatPacked final : public kernels::Packed<float> {
 public:
  FormatPacked(const kernels::quant::Format& format, const WeightSlice& slice, int64_t columns)
      : format_(format), multiply_(kernels::quant::multiply_of(format)), slice_(slice), columns_(columns) {}

  void assign(const float* b, int64_t /*ldb*/) override {
    packed_ = packed_codes(format_, slice_.rows(), columns_, b - slice_.begin, slice_.begin, slice_.end);
  }

  void multiply(int64_t m, const float* a, float* c, bool accumulate) const override {
    const int64_t n = slice_.rows(), k = slice_.end - slice_.begin;
    // The tables of kernels time their own products only.
    const profile::Scope scope(profile::Part::products, 2.0 * static_cast<double>(m * n * k));
    multiply_({m, n, k, static_cast<const std::byte*>(packed_.raw()), a, c, accumulate});
  }

 private:
  const kernels::quant::Format& format_;
  kernels::quant::Multiply multiply_;
  WeightSlice slice_;
  int64_t columns_;
  Tensor packed_;
};

template <class T>
struct Form {
  WeightSlice slice;
  const kernels::Table<T>* table;
  const kernels::quant::Format* format;
  uint64_t version;
  std::unique_ptr<kernels::Packed<T>> packed;
};

template <class T>
struct Forms {
  std::vector<Form<T>> list;
};

}  // namespace

Tensor packed_codes(const kernels::quant::Format& format, int64_t rows, int64_t columns, const float* w, int64_t begin,
                    int64_t end) {
  Tensor codes = Tensor::empty({rows, columns * format.code_bytes}, DType::i8), scales = Tensor::empty({rows});
  Tensor packed = Tensor::empty({format.packed_bytes(rows, end - begin)}, DType::i8);
  format.encode(rows, columns, w, codes.raw(), scales.data<float>());
  format.pack({rows, end - begin, columns, static_cast<const std::byte*>(codes.raw()) + begin * format.code_bytes,
               scales.data<float>()},
              static_cast<std::byte*>(packed.raw()));
  return packed;
}

namespace {

/// The format in which the product with this slice runs, or null.
template <class T>
const kernels::quant::Format* format_of(const Var& weight, const WeightSlice& slice) {
  const bool runs = std::is_same_v<T, float> && slice.transposed && weight.format();
  return runs && weight.format()->multiplies_batches ? weight.format() : nullptr;
}

template <class T>
std::unique_ptr<kernels::Packed<T>> make_packed(const kernels::Table<T>& table, const kernels::quant::Format* format,
                                                const WeightSlice& slice, int64_t columns) {
  if constexpr (std::is_same_v<T, float>)
    if (format) return std::make_unique<FormatPacked>(*format, slice, columns);
  const int64_t width = slice.end - slice.begin, rows = slice.rows();
  return table.pack(slice.transposed, slice.transposed ? width : rows, slice.transposed ? rows : width);
}

/// Gives `packed` the slice of w [rows, columns].
template <class T>
void assign_slice(kernels::Packed<T>& packed, const Tensor& w, const WeightSlice& slice) {
  const int64_t columns = w.dim(1);
  const T* source = w.data<T>() + slice.row_begin * columns;
  if (slice.block == 0) {
    packed.assign(source + slice.begin, columns);
    return;
  }
  Tensor picked = Tensor::empty({slice.rows(), columns}, dtype_of<T>());
  T* to = picked.data<T>();
  for (int64_t row = slice.row_begin; row < slice.row_end; row += slice.block, source += slice.block * columns)
    to = std::copy_n(source + slice.unit_begin * columns, (slice.unit_end - slice.unit_begin) * columns, to);
  packed.assign(picked.data<T>() + slice.begin, columns);
}

}  // namespace

template <class T>
const kernels::Packed<T>& packed_weight(const Var& weight, WeightSlice slice) {
  const Tensor& value = weight.value();
  const int64_t columns = value.dim(1);
  if (slice.end < 0) slice.end = columns;
  if (slice.row_end < 0) slice.row_end = value.dim(0);
  auto& slot = weight.derived();
  if (!slot) slot = std::make_shared<Forms<T>>();
  auto& list = static_cast<Forms<T>*>(slot.get())->list;
  const auto* table = &kernels::table<T>();
  const kernels::quant::Format* format = format_of<T>(weight, slice);
  for (Form<T>& form : list) {
    if (form.slice != slice || form.table != table || form.format != format) continue;
    if (form.version != weight.version()) {
      assign_slice(*form.packed, value, slice);
      form.version = weight.version();
    }
    return *form.packed;
  }
  Form<T> form{slice, table, format, weight.version(), make_packed<T>(*table, format, slice, columns)};
  assign_slice(*form.packed, value, slice);
  list.push_back(std::move(form));
  return *list.back().packed;
}
template const kernels::Packed<float>& packed_weight<float>(const Var&, WeightSlice);
template const kernels::Packed<double>& packed_weight<double>(const Var&, WeightSlice);

}  // namespace carousel
