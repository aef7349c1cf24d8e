// Any bytes as windows with anomalies, and as a row that comes alone: read whole, or refused with an error of ours.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/data/series_folder.h"
#include "carousel/data/table_reader.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  try {
    const carousel::data::WindowLabels labels = carousel::data::parse_windows(text, "fuzz");
    for (const auto& [file, windows] : labels.windows) {
      require(labels.of(file) == &windows);
      for (size_t i = 0; i < windows.size(); ++i) {
        require(windows[i].first <= windows[i].last);
        require(i == 0 || windows[i - 1].first <= windows[i].first);
      }
    }
  } catch (const carousel::DataError&) {
  }
  for (const char separator : {',', '\t', ';'}) {
    try {
      const carousel::data::RowCells row = carousel::data::cells_of_row(text, separator, "fuzz", 1);
      require(!row.cells.empty() && row.cells.size() == row.columns.size());
      for (const int64_t column : row.columns) require(column >= 1 && column <= static_cast<int64_t>(size) + 1);
    } catch (const carousel::DataError&) {
    }
  }
  return 0;
}
