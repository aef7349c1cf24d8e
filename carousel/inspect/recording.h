// A recorder that keeps what layers say, in the order in which they said it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/nn/context.h"

namespace carousel::inspect {

/// Values under one name, as rows one after the other. A layer that runs step by step records the same name at each
/// step; the rows of all steps stand below each other.
struct RecordedRows {
  std::string name;  ///< "encoder.0/forget_gate", "encoder.0/forget_gate.reverse"
  int64_t width = 0;
  std::vector<float> values;  ///< [rows, width]

  int64_t rows() const { return width == 0 ? 0 : static_cast<int64_t>(values.size()) / width; }
  /// The two parts of the name, the direction with the layer: "encoder.0.reverse" and "forget_gate". Without a slash
  /// all of the name is the layer.
  std::string layer() const;
  std::string quantity() const;
  /// All rows, [rows, width] f32.
  Tensor tensor() const;
};

class CellRecording final : public nn::Recorder {
 public:
  /// `value`: f32 or f64 of rank 1 (one row) or 2. Throws ShapeError for another rank and when the width of a name
  /// changes.
  void record(std::string_view name, const Tensor& value) override;

  /// By first mention.
  const std::vector<RecordedRows>& all() const { return all_; }
  /// Null when nothing was recorded under that name.
  const RecordedRows* find(std::string_view name) const;
  /// The same by the two parts of the name.
  const RecordedRows* find(std::string_view layer, std::string_view quantity) const;

 private:
  std::vector<RecordedRows> all_;
};

}  // namespace carousel::inspect
