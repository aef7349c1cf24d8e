#include "carousel/autograd/weights.h"

#include <memory>
#include <vector>

namespace carousel {

namespace {

template <class T>
struct Form {
  WeightSlice slice;
  const kernels::Table<T>* table;
  uint64_t version;
  std::unique_ptr<kernels::Packed<T>> packed;
};

template <class T>
struct Forms {
  std::vector<Form<T>> list;
};

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
  const T* source = value.data<T>() + slice.row_begin * columns + slice.begin;
  for (Form<T>& form : list) {
    if (form.slice != slice || form.table != table) continue;
    if (form.version != weight.version()) {
      form.packed->assign(source, columns);
      form.version = weight.version();
    }
    return *form.packed;
  }
  const int64_t width = slice.end - slice.begin, rows = slice.row_end - slice.row_begin;
  Form<T> form{slice, table, weight.version(),
               table->pack(slice.transposed, slice.transposed ? width : rows, slice.transposed ? rows : width)};
  form.packed->assign(source, columns);
  list.push_back(std::move(form));
  return *list.back().packed;
}
template const kernels::Packed<float>& packed_weight<float>(const Var&, WeightSlice);
template const kernels::Packed<double>& packed_weight<double>(const Var&, WeightSlice);

}  // namespace carousel
