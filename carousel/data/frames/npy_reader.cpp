// Arrays of NumPy: .npy, and .npz with one of them.
#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "carousel/base/error.h"
#include "carousel/data/frames/readers.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";

[[noreturn]] void fail(const std::string& file, const std::string& rule, const std::string& got, const char* remedy) {
  throw DataError(file, 0, 0, fmt::format("[data] {}; got {}. {}", rule, got, remedy));
}

uint64_t little_endian(std::string_view bytes, size_t at, size_t count) {
  uint64_t value = 0;
  for (size_t i = count; i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[at + i - 1]);
  return value;
}

/// What the header of an array says.
struct Header {
  char order = '<', kind = 'f';
  size_t size = 4;
  bool fortran = false;
  std::vector<int64_t> shape;
  size_t begin = 0;  ///< of the values
};

/// The text behind 'key': in the header, up to the end of its value.
std::string_view field(std::string_view header, std::string_view key) {
  const size_t at = header.find(fmt::format("'{}':", key));
  return at == std::string_view::npos ? "" : trim(header.substr(at + key.size() + 3));
}

Header parse_header(std::string_view bytes, const std::string& file) {
  const auto bad = [&](const std::string& got) {
    fail(file, "an array of NumPy begins with its type and shape", got, "Write it again with numpy.save.");
  };
  if (!bytes.starts_with(kNpyMagic) || bytes.size() < 12) bad("other bytes");
  const bool wide = bytes[6] >= 2;
  const size_t start = wide ? 12 : 10, length = little_endian(bytes, 8, wide ? 4 : 2);
  if (length > bytes.size() - start) bad(fmt::format("{} bytes in all", bytes.size()));
  const std::string_view text = bytes.substr(start, length);
  Header h;
  h.begin = start + length;
  const std::string_view type = field(text, "descr");
  if (type.size() < 5 || type[0] != '\'' || type[4] != '\'' || std::string_view("<>|=").find(type[1]) > 3)
    bad("the type " + clip_quoted(type));
  h.order = type[1];
  h.kind = type[2];
  h.size = static_cast<size_t>(type[3] - '0');
  const bool known = (h.kind == 'f' && (h.size == 4 || h.size == 8)) ||
                     ((h.kind == 'i' || h.kind == 'u') && (h.size == 1 || h.size == 2 || h.size == 4 || h.size == 8));
  if (!known) bad("the type " + clip_quoted(type.substr(0, 5)) + ", which is none of numbers that are read");
  h.fortran = field(text, "fortran_order").starts_with("True");
  std::string_view shape = field(text, "shape");
  if (!shape.starts_with('(')) bad("no shape");
  shape = shape.substr(1, shape.find(')') - 1);
  while (!(shape = trim(shape)).empty()) {
    int64_t size = 0;
    const auto [end, error] = std::from_chars(shape.data(), shape.data() + shape.size(), size);
    if (error != std::errc() || size < 0) bad("the shape " + clip_quoted(shape));
    h.shape.push_back(size);
    shape.remove_prefix(static_cast<size_t>(end - shape.data()));
    if (shape.starts_with(',')) shape.remove_prefix(1);
  }
  return h;
}

double value_of(std::string_view bytes, const Header& h, size_t index) {
  const size_t at = h.begin + index * h.size;
  uint64_t bits = little_endian(bytes, at, h.size);
  if (h.order == '>') {
    uint64_t turned = 0;
    for (size_t i = 0; i < h.size; ++i) turned = turned << 8 | (bits >> (8 * i) & 0xFF);
    bits = turned;
  }
  if (h.kind == 'f')
    return h.size == 4 ? static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)))
                       : std::bit_cast<double>(bits);
  if (h.kind == 'u') return static_cast<double>(bits);
  const auto shift = static_cast<int>(64 - 8 * h.size);
  return static_cast<double>(static_cast<int64_t>(bits << shift) >> shift);
}

/// The only array of a zip archive, by its table at the end (APPNOTE 4.3.12, 4.3.16): stored or deflated.
std::string unpack_npz(std::string_view zip, const std::string& file) {
  const auto bad = [&](const std::string& got) {
    fail(file, "an .npz file holds one array", got, "Write it again with numpy.savez_compressed, or as .npy.");
  };
  constexpr size_t kEndBytes = 22, kEntryBytes = 46, kLocalBytes = 30;
  const size_t end = zip.rfind("PK\x05\x06");
  if (end == std::string_view::npos || zip.size() - end < kEndBytes) bad("no table of contents");
  const uint64_t entries = little_endian(zip, end + 10, 2), table = little_endian(zip, end + 16, 4);
  if (entries != 1) bad(fmt::format("{} of them", entries));
  if (table + kEntryBytes > zip.size() || zip.substr(table, 4) != "PK\x01\x02") bad("a damaged table of contents");
  const uint64_t method = little_endian(zip, table + 10, 2), packed = little_endian(zip, table + 20, 4),
                 size = little_endian(zip, table + 24, 4), local = little_endian(zip, table + 42, 4);
  if (local + kLocalBytes > zip.size()) bad("a damaged table of contents");
  const uint64_t begin = local + kLocalBytes + little_endian(zip, local + 26, 2) + little_endian(zip, local + 28, 2);
  if (begin > zip.size() || packed > zip.size() - begin ||
      static_cast<int64_t>(size) > UnpackLimits::in_force().most_held())
    bad("a damaged table of contents");
  const std::string_view body = zip.substr(begin, packed);
  if (method == 0) return std::string(body);
  if (method != 8) bad(fmt::format("compression {}", method));
  const UnpackLimits limits = UnpackLimits::in_force();
  if (!limits.allows(static_cast<int64_t>(packed), static_cast<int64_t>(size)))
    bad(fmt::format("{} bytes from {}, more than {:g} from each (CAROUSEL_DATA_MAX_UNPACKED_RATIO)", size, packed,
                    limits.ratio));
  std::string out(size, '\0');
  if (!inflate_bare(body, out.data(), out.size())) bad("damaged deflate data");
  return out;
}

}  // namespace

int64_t read_npy(const std::string& file, FrameExample& example) {
  std::string bytes = read_unpacked(file);
  if (bytes.starts_with("PK")) bytes = unpack_npz(bytes, file);
  const Header h = parse_header(bytes, file);
  if (h.shape.empty() || h.shape.size() > 2)
    fail(file, "frames are an array [length] or [length, width]", fmt::format("{} dimensions", h.shape.size()),
         "Write one array for each sequence.");
  const int64_t length = h.shape[0], width = h.shape.size() > 1 ? h.shape[1] : 1;
  const auto room = static_cast<int64_t>((bytes.size() - h.begin) / h.size);
  if (length < 1 || width < 1 || length > room || width > room / length)
    fail(file, "an array must hold as many values as its shape says, and at least one",
         fmt::format("{} of {} by {}", room, length, width), "Write it again.");
  example.length = length;
  example.values.resize(static_cast<size_t>(length * width));
  for (int64_t t = 0; t < length; ++t)
    for (int64_t c = 0; c < width; ++c) {
      const auto value =
          static_cast<float>(value_of(bytes, h, static_cast<size_t>(h.fortran ? c * length + t : t * width + c)));
      if (!std::isfinite(value))
        fail(file, "values must be finite", fmt::format("{} in frame {}", value, t + 1), "Replace it.");
      example.values[static_cast<size_t>(t * width + c)] = value;
    }
  return width;
}

}  // namespace carousel::data
