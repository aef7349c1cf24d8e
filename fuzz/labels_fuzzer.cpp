// Any bytes as a file of labelled texts, in every format: planned and read whole, or refused with a DataError. What
// lists all bad lines agrees with what stops at the first. And the same bytes as a table whose texts a model answers.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "carousel/base/error.h"
#include "carousel/data/inputs.h"
#include "carousel/data/label_names.h"
#include "carousel/data/labels.h"

namespace {

using carousel::DataError;
using carousel::data::LabelFormat;
using carousel::data::LabelPlan;
using carousel::data::PairData;
using carousel::data::ReadOptions;

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const PairData& data) {
  for (const auto& example : data.examples) {
    require(!example.source.empty() && !example.target.empty() && example.line > 0);
    require(example.target.find_first_of(std::string_view("\n\0", 2)) == std::string::npos);
  }
}

void read_both_ways(const std::string& file, const LabelFormat& format) {
  ReadOptions options;
  options.max_line_bytes = 200;
  options.max_text_bytes = 1 << 20;
  LabelPlan plan;
  PairData strict;
  bool refused = false;
  try {
    plan = carousel::data::plan_labels({file}, format, options);
  } catch (const DataError&) {
    return;
  }
  try {
    strict = carousel::data::read_labels({file}, plan, options);
    check(strict);
  } catch (const DataError&) {
    refused = true;
  }
  int64_t faults = 0;
  options.on_bad_line = [&](const DataError& error) {
    require(error.line() > 0);
    ++faults;
  };
  try {
    const PairData lenient = carousel::data::read_labels({file}, plan, options);
    check(lenient);
    require(refused == (faults > 0));
    if (!refused) require(strict.examples.size() == lenient.examples.size());
  } catch (const DataError&) {
    require(refused);
  }
}

/// A name with this ending for the bytes behind `descriptor`: the ending says how inputs are read.
std::string named(int descriptor, const char* ending) {
  static const std::string folder = [] {
    std::string pattern = "/tmp/fuzz_inputs_XXXXXX";
    if (!mkdtemp(pattern.data())) std::abort();
    return pattern;
  }();
  const std::string name = folder + "/in" + ending;
  unlink(name.c_str());
  if (symlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), name.c_str()) != 0) std::abort();
  return name;
}

void read_as_inputs(const std::string& file) {
  ReadOptions options;
  options.max_line_bytes = 200;
  options.max_text_bytes = 1 << 20;
  try {
    const auto inputs =
        carousel::data::read_inputs(file, {carousel::data::kTextNames, {"label", "text"}, "text", false}, options);
    for (const std::string& input : inputs.value_or(std::vector<std::string>()))
      require(input.find_first_of("\n\t") == std::string::npos);
  } catch (const DataError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const int descriptor = memfd_create("labels", 0);
  if (descriptor < 0 || write(descriptor, bytes, size) != static_cast<ssize_t>(size)) std::abort();
  const std::string file = "/proc/self/fd/" + std::to_string(descriptor);
  for (const char* format : {"auto", "lines", "tsv", "csv", "jsonl"}) {
    read_both_ways(file, {format, "auto", "auto"});
    read_both_ways(file, {format, "label,text", "yes"});
  }
  for (const char* ending : {".csv", ".tsv", ".jsonl"}) read_as_inputs(named(descriptor, ending));
  close(descriptor);
  return 0;
}
