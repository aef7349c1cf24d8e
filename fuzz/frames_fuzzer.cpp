// Any bytes as a file of frames, under the name of each format: read whole, all values finite and of one width, or
// refused with an error of ours. The first byte chooses the name.
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "carousel/base/error.h"
#include "carousel/data/frames/frames.h"
#include "carousel/data/frames/scaling.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

/// One frame of two numbers.
const std::string kArray = std::string("\x93NUMPY\x01\x00\x3C\x00", 10) +
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n" + std::string(8, '\0');

const std::string& folder() {
  static const std::string name = [] {
    std::string made = (std::filesystem::temp_directory_path() / "carousel_fuzz_XXXXXX").string();
    require(mkdtemp(made.data()) != nullptr);
    return made;
  }();
  return name;
}

void read(const std::string& file) {
  using namespace carousel::data;
  FrameFormat format;
  format.audio.num_mels = 8;
  ReadOptions options;
  options.max_text_bytes = 1 << 20;
  try {
    const FramePlan plan = plan_frames({file}, format);
    if (plan.format.empty()) return;
    FrameSet set = read_frames({file}, plan, format, options);
    require(set.width > 0 && !set.examples.empty());
    std::vector<int64_t> all;
    for (size_t i = 0; i < set.examples.size(); ++i) {
      const FrameExample& e = set.examples[i];
      all.push_back(static_cast<int64_t>(i));
      require(e.length > 0 && static_cast<int64_t>(e.values.size()) == e.length * set.width);
      for (const float value : e.values) require(std::isfinite(value));
    }
    const FrameScaling scaling = FrameScaling::learn(set, all, "training", 2);
    for (FrameExample& e : set.examples) scaling.apply(e);
    files_of_frames(file);
  } catch (const carousel::DataError&) {
  } catch (const carousel::ConfigError&) {  // a sampling rate at which no frame holds a sample
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const char* const kNames[] = {"x.ts",   "images-idx3-ubyte", "x.npy",     "x.npz",      "x.wav",
                                       "x.flac", "list.tsv",          "table.csv", "lines.jsonl"};
  if (size == 0) return 0;
  if (bytes[0] % 16 == 15) {  // what recordings say, in a folder of its own
    const std::string inner = folder() + "/said";
    std::filesystem::create_directory(inner);
    std::ofstream(inner + "/a.npy", std::ios::binary) << kArray;
    const char* name = size % 2 == 0 ? "/a.txt" : "/x.trans.txt";
    std::ofstream(inner + name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes + 1), static_cast<int64_t>(size - 1));
    read(inner);
    std::filesystem::remove(inner + name);
    return 0;
  }
  const std::string file = folder() + "/" + kNames[bytes[0] % std::size(kNames)];
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(bytes + 1), static_cast<int64_t>(size - 1));
  read(file);
  return 0;
}
