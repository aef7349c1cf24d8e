#include "carousel/inspect/recording.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"

namespace carousel::inspect {

namespace {

constexpr std::string_view kReverse = ".reverse";

}  // namespace

std::string RecordedRows::layer() const {
  const size_t slash = name.find('/');
  const bool reverse = slash != std::string::npos && name.ends_with(kReverse);
  return name.substr(0, slash) + std::string(reverse ? kReverse : "");
}

std::string RecordedRows::quantity() const {
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return "";
  std::string part = name.substr(slash + 1);
  if (part.ends_with(kReverse)) part.resize(part.size() - kReverse.size());
  return part;
}

Tensor RecordedRows::tensor() const {
  Tensor all = Tensor::empty({rows(), width});
  std::copy(values.begin(), values.end(), all.data<float>());
  return all;
}

void CellRecording::record(std::string_view name, const Tensor& value) {
  if (value.rank() < 1 || value.rank() > 2)
    throw ShapeError(
        fmt::format("[recording] what is recorded has one row or rows of units; got {} for {}. Reshape it.",
                    value.shape().str(), name));
  const int64_t width = value.dim(value.rank() - 1);
  auto* place = const_cast<RecordedRows*>(find(name));
  if (!place) {
    all_.push_back({std::string(name), width, {}});
    place = &all_.back();
  }
  if (place->width != width)
    throw ShapeError(fmt::format("[recording] all rows of {} must have {} units; got {}. Use another name.", name,
                                 place->width, width));
  const Tensor plain = value.to(DType::f32);
  const auto values = plain.span<float>();
  place->values.insert(place->values.end(), values.begin(), values.end());
}

const RecordedRows* CellRecording::find(std::string_view name) const {
  for (const RecordedRows& recorded : all_)
    if (recorded.name == name) return &recorded;
  return nullptr;
}

const RecordedRows* CellRecording::find(std::string_view layer, std::string_view quantity) const {
  for (const RecordedRows& recorded : all_)
    if (recorded.quantity() == quantity && recorded.layer() == layer) return &recorded;
  return nullptr;
}

}  // namespace carousel::inspect
