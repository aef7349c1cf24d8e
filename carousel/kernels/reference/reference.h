// The reference set: plain loops, templated on the scalar. The definition of every kernel and the oracle of all others.
#pragma once

#include "carousel/kernels/table.h"

namespace carousel::kernels::reference {

template <class T>
Table<T> make_table();
extern template Table<float> make_table<float>();
extern template Table<double> make_table<double>();

}  // namespace carousel::kernels::reference
