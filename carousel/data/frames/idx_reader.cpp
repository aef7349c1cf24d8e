// Files of images and labels in the format of MNIST.
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/frames/readers.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

/// Bytes of a value by the third byte of the file: unsigned and signed bytes, shorts, ints, floats and doubles.
int64_t value_bytes(char type) {
  switch (type) {
    case 0x08:
    case 0x09:
      return 1;
    case 0x0B:
      return 2;
    case 0x0C:
    case 0x0D:
      return 4;
    case 0x0E:
      return 8;
    default:
      return 0;
  }
}

uint64_t big_endian(const char* bytes, int64_t count) {
  uint64_t value = 0;
  for (int64_t i = 0; i < count; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

/// A whole file, checked against its header.
struct Idx {
  std::string file, bytes;
  std::vector<int64_t> sizes;
  int64_t begin = 0;

  explicit Idx(std::string name) : file(std::move(name)), bytes(read_unpacked(file)) {
    const auto have = static_cast<int64_t>(bytes.size());
    if (have < 4 || bytes[0] != 0 || bytes[1] != 0 || value_bytes(bytes[2]) == 0)
      fail("an IDX file begins with two zeros and a type", "other bytes");
    const auto rank = static_cast<int64_t>(static_cast<uint8_t>(bytes[3]));
    begin = 4 + 4 * rank;
    if (have < begin) fail("an IDX file begins with its sizes", fmt::format("{} bytes in all", have));
    int64_t values = 1;
    for (int64_t d = 0; d < rank; ++d) {
      sizes.push_back(static_cast<int64_t>(big_endian(bytes.data() + 4 + 4 * d, 4)));
      if (sizes.back() > 0 && values > have / sizes.back())
        values = have + 1;  // more than there can be
      else
        values *= sizes.back();
    }
    if (values > have || begin + values * value_bytes(bytes[2]) != have)
      fail(fmt::format("an IDX file holds as many values as it says at its beginning"), fmt::format("{} bytes", have));
  }

  [[noreturn]] void fail(const std::string& rule, const std::string& got) const {
    throw DataError(file, 0, 0, fmt::format("[data] {}; got {}. Fetch the file again.", rule, got));
  }

  double value(int64_t index) const {
    const int64_t size = value_bytes(bytes[2]);
    const uint64_t bits = big_endian(bytes.data() + begin + index * size, size);
    switch (bytes[2]) {
      case 0x08:
        return static_cast<double>(bits);
      case 0x09:
        return static_cast<double>(static_cast<int8_t>(bits));
      case 0x0B:
        return static_cast<double>(static_cast<int16_t>(bits));
      case 0x0C:
        return static_cast<double>(static_cast<int32_t>(bits));
      case 0x0D:
        return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)));
      default:
        return std::bit_cast<double>(bits);
    }
  }
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const size_t at = text.rfind(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

}  // namespace

bool is_idx(const std::string& bytes) {
  return bytes.size() >= 4 && bytes[0] == 0 && bytes[1] == 0 && value_bytes(bytes[2]) > 0 && bytes[3] >= 2 &&
         bytes[3] <= 4;
}

std::string labels_beside(const std::string& images) {
  namespace fs = std::filesystem;
  const fs::path path(images);
  std::string name = replaced(path.filename().string(), "images", "labels");
  for (const char* dimensions : {"idx2", "idx3", "idx4"}) name = replaced(name, dimensions, "idx1");
  if (name == path.filename().string()) return "";
  std::vector<std::string> others = {name, std::string(without_packing(name))};
  for (const std::string& ending : packed_endings()) others.push_back(others[1] + ending);
  for (const std::string& other : others) {
    std::error_code error;
    if (fs::is_regular_file(path.parent_path() / other, error)) return (path.parent_path() / other).string();
  }
  return "";
}

FrameSet read_idx(const std::string& images, const std::string& labels) {
  const Idx from(images);
  if (from.sizes.size() < 2) from.fail("images have two dimensions or more", fmt::format("{}", from.sizes.size()));
  FrameSet set;
  set.file = images;
  set.format = "idx";
  const int64_t count = from.sizes[0], length = from.sizes[1];
  set.width = 1;
  if (count == 0) return set;  // then no size was held against the length of the file: any may be huge
  for (size_t d = 1; d < from.sizes.size(); ++d)
    if (from.sizes[d] < 1) from.fail("images must have pixels", "none");
  for (size_t d = 2; d < from.sizes.size(); ++d) set.width *= from.sizes[d];
  // Bytes become shares of the brightest.
  const double unit = from.bytes[2] == 0x08 ? 255 : 1;
  for (int64_t i = 0; i < count; ++i) {
    FrameExample example;
    example.name = fmt::format("image {}", i + 1);
    example.length = length;
    example.values.reserve(static_cast<size_t>(length * set.width));
    for (int64_t k = 0; k < length * set.width; ++k) {
      example.values.push_back(static_cast<float>(from.value(i * length * set.width + k) / unit));
      if (!std::isfinite(example.values.back()))
        from.fail("values must be finite", fmt::format("one that is not in image {}", i + 1));
    }
    set.examples.push_back(std::move(example));
  }
  if (labels.empty()) return set;
  const Idx named(labels);
  if (named.sizes.size() != 1) named.fail("labels have one dimension", fmt::format("{}", named.sizes.size()));
  if (named.sizes[0] != count)
    named.fail(fmt::format("there must be a label for each of {} images", count), fmt::format("{}", named.sizes[0]));
  const bool integers = named.bytes[2] < 0x0D;
  for (int64_t i = 0; i < count; ++i) {
    const double value = named.value(i);
    set.examples[static_cast<size_t>(i)].target =
        integers ? fmt::format("{}", static_cast<int64_t>(value)) : fmt::format("{:g}", value);
  }
  return set;
}

}  // namespace carousel::data
