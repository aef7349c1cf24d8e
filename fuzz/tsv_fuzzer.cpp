// Any bytes as a file of pairs, in every format: read whole, or refused with a DataError. What lists all bad lines
// agrees with what stops at the first.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "carousel/base/error.h"
#include "carousel/data/pairs.h"
#include "carousel/data/registry.h"

namespace {

using carousel::DataError;
using carousel::data::PairData;
using carousel::data::ReadOptions;

void require(bool condition) {
  if (!condition) std::abort();
}

template <class Read>
void read_both_ways(Read read) {
  ReadOptions options;
  options.max_line_bytes = 100;
  options.max_text_bytes = 1 << 20;
  PairData strict, lenient;
  bool refused = false;
  try {
    strict = read(options);
  } catch (const DataError&) {
    refused = true;
  }
  int64_t faults = 0;
  options.on_bad_line = [&](const DataError& error) {
    require(error.line() > 0);
    ++faults;
  };
  try {
    lenient = read(options);
  } catch (const DataError&) {
    require(refused);
    return;
  }
  require(refused == (faults > 0));
  if (!refused) require(strict.examples.size() == lenient.examples.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const int descriptor = memfd_create("pairs", 0);
  if (descriptor < 0 || write(descriptor, bytes, size) != static_cast<ssize_t>(size)) std::abort();
  const std::string file = "/proc/self/fd/" + std::to_string(descriptor);
  read_both_ways([&](const ReadOptions& options) { return carousel::data::read_tsv_pairs(file, options); });
  read_both_ways([&](const ReadOptions& options) { return carousel::data::read_in_out_pairs(file, options); });
  for (const char* format : {"csv", "tsv"})
    for (const bool header : {false, true})
      read_both_ways([&](const ReadOptions& options) {
        return carousel::data::read_pair_table(file, {format, {"_", "source", "target"}, header, ""}, options);
      });
  read_both_ways([&](const ReadOptions& options) {
    return carousel::data::read_pair_table(file, {"jsonl", {"source", "target"}, false, ""}, options);
  });
  // What is found by itself reads, or is refused as data.
  try {
    ReadOptions options;
    options.max_line_bytes = 100;
    options.max_text_bytes = 1 << 20;
    for (const auto& example : carousel::data::read_pairs({file}, options).examples)
      require(!example.source.empty() && !example.target.empty() &&
              (example.source + example.target).find_first_of(std::string_view("\n\0", 2)) == std::string::npos);
  } catch (const DataError&) {
  }
  close(descriptor);
  return 0;
}
