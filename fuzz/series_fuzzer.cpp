// Any bytes as a file of series, in every layout: planned and read whole, all values finite and no time before the one
// before it, or refused with an error of ours.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "carousel/base/error.h"
#include "carousel/data/series.h"

namespace {

using carousel::DataError;
using carousel::data::Series;
using carousel::data::SeriesFormat;

void require(bool condition) {
  if (!condition) std::abort();
}

void read(const std::string& file, const SeriesFormat& format, carousel::data::ReadOptions options) {
  try {
    const auto plan = carousel::data::plan_series(file, format, options);
    for (const Series& series : carousel::data::read_series(file, plan, format, options).series) {
      const int64_t rows = series.known ? series.known->rows() : series.length();
      require(series.length() > 0 || rows > 0);
      require(rows >= series.length());
      if (series.known)
        for (const auto& column : series.known->values) require(static_cast<int64_t>(column.size()) == rows);
      for (const double value : series.values) require(std::isfinite(value));
      require(!series.times || static_cast<int64_t>(series.times->size()) == rows);
      require(!series.labels || static_cast<int64_t>(series.labels->size()) == rows);
      for (size_t i = 1; series.times && i < series.times->size(); ++i)
        require((*series.times)[i] >= (*series.times)[i - 1]);
    }
  } catch (const DataError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const int descriptor = memfd_create("series", 0);
  if (descriptor < 0 || write(descriptor, bytes, size) != static_cast<ssize_t>(size)) std::abort();
  const std::string file = "/proc/self/fd/" + std::to_string(descriptor);
  carousel::data::ReadOptions options;
  options.max_line_bytes = 200;
  options.max_text_bytes = 1 << 20;
  for (const char* columns : {"auto", "time,value", "series,time,value,label", "time,known,value"})
    for (const char* missing : {"refuse", "interpolate"}) read(file, {"auto", columns, "auto", missing}, options);
  read(file, {"rows", "auto", "auto", "interpolate"}, options);
  options.on_bad_line = [](const DataError&) {};
  read(file, {"auto", "auto", "auto", "interpolate"}, options);
  close(descriptor);
  return 0;
}
