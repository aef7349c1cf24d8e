// Rows for a detector that come one by one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "carousel/data/table_reader.h"
#include "carousel/tasks/detect_model.h"

namespace carousel::tasks {

/// Rows in the columns of the data that the model was trained on, with a row of names before them or none, and with a
/// column of labels or without. Answers: the series where a column names it, the time, the values, their score, 1 for
/// an alarm, and which value was expected (of one column) or which column is the most unusual (of several).
class DetectRows final : public RowAnswers {
 public:
  DetectRows(DetectModel& model, std::string name);

  std::vector<std::string> columns() const override;
  bool read(std::string_view line, std::vector<FileAnswer::Cell>& answer) override;
  std::vector<std::string> notes() const override;

 private:
  /// A series of rows with what has to wait for its second row.
  struct Group {
    std::vector<std::string> names;
    std::optional<GroupDetector> detector;
    std::vector<double> first;  ///< the values of the first row
    std::vector<double> last;   ///< the values of the last row, those before where some were missing
    std::vector<int64_t> times;
  };
  struct Row {
    std::string name;
    std::optional<int64_t> time;
    int64_t time_column = 0;
    std::vector<double> values;
    bool missing = false;
  };
  static constexpr size_t kNone = static_cast<size_t>(-1);

  void place_columns(const data::RowCells& row);
  bool is_names(const data::RowCells& row) const;
  /// As the training data had them.
  std::optional<data::Time> time_in(std::string_view cell) const;
  bool number_in(std::string_view cell, double& number) const;
  Row parse(const data::RowCells& row);
  double number(const data::RowCells& row, size_t cell, bool& missing) const;
  Group& group_of(const Row& row);
  GroupDetector::Answer answer(Group& group, const Row& row);
  [[noreturn]] void refuse(int64_t column, const std::string& text) const;

  DetectModel& model_;
  std::string name_;
  std::vector<std::string> roles_, names_;
  size_t time_ = kNone, series_ = kNone;
  std::vector<size_t> values_;
  bool begun_ = false;
  int64_t line_ = 0, missing_ = 0, going_on_ = 0;
  std::map<std::string, Group> groups_;
};

}  // namespace carousel::tasks
