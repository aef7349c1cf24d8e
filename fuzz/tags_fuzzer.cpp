// Any bytes as a file of tagged sentences, in every format, and as the files of a folder: planned and read whole, or
// refused with a DataError. What lists all bad lines agrees with what stops at the first.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/data/spans.h"
#include "carousel/data/tags.h"

namespace {

using carousel::DataError;
using carousel::data::ReadOptions;
using carousel::data::TagData;
using carousel::data::TagFormat;
using carousel::data::TagPlan;

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const TagData& data) {
  for (const auto& sentence : data.sentences) {
    require(!sentence.tokens.empty() && sentence.tokens.size() == sentence.tags.size());
    require(sentence.lines.size() == sentence.tags.size());
    for (size_t i = 0; i < sentence.tokens.size(); ++i)
      require(!sentence.tokens[i].empty() && !sentence.tags[i].empty() && sentence.lines[i] > 0);
    int64_t end = 0;
    for (const auto& span : carousel::data::spans_of(sentence.tags)) {
      require(span.begin >= end && span.end > span.begin);
      end = span.end;
    }
    require(end <= static_cast<int64_t>(sentence.tags.size()));
  }
  carousel::data::detect_scheme(data.tags());
}

void read_both_ways(const std::string& name, const TagFormat& format) {
  ReadOptions options;
  options.max_line_bytes = 200;
  options.max_text_bytes = 1 << 20;
  TagPlan plan;
  try {
    plan = carousel::data::plan_tags({name}, format, options);
  } catch (const DataError&) {
    return;
  }
  size_t sentences = 0;
  bool refused = false;
  try {
    const TagData strict = carousel::data::read_tags({name}, plan, options);
    check(strict);
    sentences = strict.sentences.size();
  } catch (const DataError&) {
    refused = true;
  }
  int64_t faults = 0;
  options.on_bad_line = [&](const DataError& error) {
    require(error.line() > 0);
    ++faults;
  };
  try {
    const TagData lenient = carousel::data::read_tags({name}, plan, options);
    check(lenient);
    require(refused == (faults > 0));
    if (!refused) require(sentences == lenient.sentences.size());
  } catch (const DataError&) {
    require(refused);
  }
}

/// A folder of this process, for all inputs.
const std::string& folder() {
  static const std::string kFolder = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "fuzz_tags_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    return pattern;
  }();
  return kFolder;
}

void write(const std::string& name, std::string_view bytes) {
  std::ofstream(folder() + "/" + name, std::ios::binary) << bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  write("file", text);
  for (const char* format : {"auto", "conllu", "columns"}) {
    read_both_ways(folder() + "/file", {format, "auto", "auto"});
    read_both_ways(folder() + "/file", {format, "token,tag", "xpos"});
  }
  // The three files of a folder lie one behind the other, a form feed between.
  const size_t first = text.find('\f'), second = first == text.npos ? first : text.find('\f', first + 1);
  if (second == text.npos) return 0;
  write("seq.in", text.substr(0, first));
  write("seq.out", text.substr(first + 1, second - first - 1));
  write("label", text.substr(second + 1));
  read_both_ways(folder(), {});
  return 0;
}
