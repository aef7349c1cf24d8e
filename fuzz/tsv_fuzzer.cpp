// Any bytes as a file of pairs: read whole, or refused with a DataError. What lists all bad lines agrees with what
// stops at the first.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "carousel/base/error.h"
#include "carousel/data/pairs.h"

namespace {

using carousel::DataError;
using carousel::data::PairData;
using carousel::data::ReadOptions;

void require(bool condition) {
  if (!condition) std::abort();
}

void read_both_ways(const std::string& file) {
  ReadOptions options;
  options.max_line_bytes = 100;
  options.max_text_bytes = 1 << 20;
  PairData strict, lenient;
  bool refused = false;
  try {
    strict = carousel::data::read_tsv_pairs(file, options);
  } catch (const DataError&) {
    refused = true;
  }
  int64_t faults = 0;
  options.on_bad_line = [&](const DataError& error) {
    require(error.line() > 0);
    ++faults;
  };
  try {
    lenient = carousel::data::read_tsv_pairs(file, options);
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
  read_both_ways("/proc/self/fd/" + std::to_string(descriptor));
  close(descriptor);
  return 0;
}
