#include "carousel/tensor/archive_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "carousel/base/error.h"

namespace carousel {

namespace {

constexpr size_t kMaxDepth = 4;
constexpr uint64_t kMaxNumber = uint64_t{1} << 53;

std::optional<DType> dtype_from(std::string_view name) {
  for (const DType dtype : {DType::f32, DType::f64, DType::i32, DType::bf16, DType::i8})
    if (name == archive_dtype(dtype)) return dtype;
  return std::nullopt;
}

/// True for UTF-8 without control characters; a character cut off at the end is overlooked.
bool is_text(std::string_view head) {
  const bool controls = std::any_of(head.begin(), head.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
  });
  if (head.empty() || controls) return false;
  for (size_t cut = 0; cut < 4 && cut < head.size(); ++cut)
    if (simdjson::validate_utf8(head.data(), head.size() - cut)) return true;
  return false;
}

/// What a file that is no archive seems to be, with the remedy; "" when unknown.
std::string recognise(std::string_view head) {
  struct Magic {
    std::string_view bytes;
    const char* text;
  };
  using namespace std::string_view_literals;
  static constexpr Magic kMagic[] = {
      {"PK\x03\x04"sv, "a zip archive, as PyTorch's torch.save writes. Save it with safetensors.torch.save_file"},
      {"\x80\x02"sv, "a Python pickle. Save it with safetensors.torch.save_file"},
      {"\x80\x03"sv, "a Python pickle. Save it with safetensors.torch.save_file"},
      {"\x80\x04"sv, "a Python pickle. Save it with safetensors.torch.save_file"},
      {"\x80\x05"sv, "a Python pickle. Save it with safetensors.torch.save_file"},
      {"GGUF"sv, "a GGUF file. Use the safetensors file of the model"},
      {"\x89HDF"sv, "an HDF5 file. Use a safetensors file"},
      {"\x93NUMPY"sv, "a NumPy array. Use a safetensors file"},
      {"\x1f\x8b"sv, "compressed with gzip. Unpack it first"},
      {"version https://git-lfs"sv, "a Git LFS pointer, not the file itself. Fetch it with git lfs pull"},
  };
  for (const Magic& magic : kMagic)
    if (head.substr(0, magic.bytes.size()) == magic.bytes) return magic.text;
  std::string start(head.substr(0, std::min<size_t>(head.size(), 64)));
  start.erase(0, start.find_first_not_of(" \t\r\n\xEF\xBB\xBF"));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (start.starts_with("<!doctype") || start.starts_with("<html"))
    return "an HTML page, as a failed download leaves. Download the model file itself";
  return is_text(head) ? "a text file. Give the model file that `train` wrote" : "";
}

/// Turns the bytes of a header into entries that are known to be sound.
class HeaderReader {
 public:
  HeaderReader(std::string_view json, int64_t data_bytes, const std::string& file)
      : json_(json), data_bytes_(data_bytes), file_(file) {}

  ArchiveHeader read() {
    simdjson::dom::parser parser;
    if (parser.allocate(std::max<size_t>(json_.size(), 64), kMaxDepth + 1) != simdjson::SUCCESS)
      throw ResourceError(fmt::format("[archive] {}: no memory for a header of {} bytes.", file_, json_.size()));
    simdjson::dom::element root;
    const simdjson::padded_string padded(json_);
    if (const auto error = parser.parse(padded).get(root); error != simdjson::SUCCESS)
      fail(kArchiveLengthBytes,
           fmt::format("the header must be JSON of depth <= {}; got: {}", kMaxDepth, simdjson::error_message(error)));
    simdjson::dom::object object;
    if (root.get(object) != simdjson::SUCCESS) fail(kArchiveLengthBytes, "the header must be a JSON object");
    std::set<std::string_view> seen;
    for (const auto field : object) {
      key_ = field.key;
      if (!seen.insert(field.key).second)
        fail_at_key(fmt::format("names must differ; got \"{}\" twice", shown(field.key)));
      if (field.key == kArchiveMetadataKey) {
        read_metadata(field.value);
      } else {
        if (header_.entries.size() == kMaxArchiveTensors)
          fail_at_key(fmt::format("a file holds at most {} tensors; got more", kMaxArchiveTensors));
        header_.entries.push_back(read_entry(field.key, field.value));
      }
    }
    check_coverage();
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail(int64_t offset, const std::string& text) const {
    throw FormatError(file_, offset,
                      fmt::format("[archive] {}. The file is damaged or not a model; fetch it again.", text));
  }

  /// An error about the present top-level key, at its place (at the header's start when it is written with escapes).
  [[noreturn]] void fail_at_key(const std::string& text) const {
    const size_t found = json_.find(fmt::format("\"{}\"", key_));
    fail(kArchiveLengthBytes + (found == std::string_view::npos ? 0 : static_cast<int64_t>(found)), text);
  }

  /// Names come from the file: long ones are cut, and control characters do not reach a terminal.
  static std::string shown(std::string_view name) {
    std::string text(name.substr(0, 80));
    for (char& c : text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return name.size() > 80 ? text + "..." : text;
  }

  void read_metadata(const simdjson::dom::element& value) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) fail_at_key("__metadata__ must be an object of texts");
    for (const auto field : object) {
      std::string_view text;
      if (field.value.get(text) != simdjson::SUCCESS)
        fail_at_key(fmt::format("__metadata__ must map texts to texts; \"{}\" is none", shown(field.key)));
      if (!header_.metadata.emplace(field.key, text).second)
        fail_at_key(fmt::format("names must differ; got \"{}\" twice in __metadata__", shown(field.key)));
    }
  }

  ArchiveEntry read_entry(std::string_view name, const simdjson::dom::element& value) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS)
      fail_at_key(fmt::format("tensor \"{}\" must be an object", shown(name)));
    ArchiveEntry entry;
    entry.name = name;
    std::set<std::string_view> seen;
    for (const auto field : object) {
      if (!seen.insert(field.key).second)
        fail_at_key(fmt::format("tensor \"{}\" has \"{}\" twice", shown(name), shown(field.key)));
      if (field.key == "dtype") {
        entry.dtype = read_dtype(name, field.value);
      } else if (field.key == "shape") {
        entry.shape = Shape(read_numbers(name, "shape", field.value, kMaxArchiveRank));
      } else if (field.key == "data_offsets") {
        const std::vector<int64_t> range = read_numbers(name, "data_offsets", field.value, 2);
        if (range.size() != 2 || range[0] > range[1] || range[1] > data_bytes_)
          fail_at_key(
              fmt::format("tensor \"{}\" needs data_offsets [begin, end] with begin <= end <= {} (bytes behind the "
                          "header); got [{}]. The file may be cut short",
                          shown(name), data_bytes_, fmt::join(range, ", ")));
        entry.begin = range[0];
        entry.end = range[1];
      } else {
        fail_at_key(fmt::format("tensor \"{}\" has the unknown key \"{}\"", shown(name), shown(field.key)));
      }
    }
    if (seen.size() != 3) fail_at_key(fmt::format("tensor \"{}\" needs dtype, shape and data_offsets", shown(name)));
    check_size(entry);
    return entry;
  }

  DType read_dtype(std::string_view name, const simdjson::dom::element& value) const {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS)
      fail_at_key(fmt::format("tensor \"{}\": dtype must be a text", shown(name)));
    const std::optional<DType> dtype = dtype_from(text);
    if (!dtype)
      fail_at_key(
          fmt::format("tensor \"{}\" must be F32, F64, I32, BF16 or I8; got dtype \"{}\"", shown(name), shown(text)));
    return *dtype;
  }

  std::vector<int64_t> read_numbers(std::string_view name, const char* key, const simdjson::dom::element& value,
                                    size_t most) const {
    simdjson::dom::array array;
    if (value.get(array) != simdjson::SUCCESS)
      fail_at_key(fmt::format("tensor \"{}\": {} must be an array", shown(name), key));
    std::vector<int64_t> numbers;
    for (const auto item : array) {
      uint64_t number = 0;
      if (numbers.size() == most)
        fail_at_key(fmt::format("tensor \"{}\": {} holds at most {} numbers; got more", shown(name), key, most));
      if (item.get(number) != simdjson::SUCCESS || number >= kMaxNumber)
        fail_at_key(fmt::format("tensor \"{}\": {} must hold integers in [0, 2^53); got {}", shown(name), key,
                                shown(simdjson::minify(item))));
      numbers.push_back(static_cast<int64_t>(number));
    }
    return numbers;
  }

  void check_size(const ArchiveEntry& entry) const {
    // A zero anywhere makes the product 0, but the other sizes must be sane all the same: views multiply parts of them.
    int64_t product = size_of(entry.dtype);
    bool empty = false;
    for (const int64_t dim : entry.shape.dims()) {
      if (dim == 0) empty = true;
      if (__builtin_mul_overflow(product, std::max<int64_t>(dim, 1), &product))
        fail_at_key(fmt::format("tensor \"{}\": the sizes {} overflow", shown(entry.name), entry.shape.str()));
    }
    const int64_t bytes = empty ? 0 : product;
    if (bytes != entry.end - entry.begin)
      fail_at_key(fmt::format("tensor \"{}\" of shape {} and dtype {} takes {} bytes; its data_offsets hold {}",
                              shown(entry.name), entry.shape.str(), archive_dtype(entry.dtype), bytes,
                              entry.end - entry.begin));
  }

  void check_coverage() {
    std::stable_sort(header_.entries.begin(), header_.entries.end(), [](const ArchiveEntry& a, const ArchiveEntry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    const int64_t data_start = kArchiveLengthBytes + static_cast<int64_t>(json_.size());
    int64_t covered = 0;
    for (const ArchiveEntry& entry : header_.entries) {
      if (entry.begin < covered)
        fail(data_start + entry.begin, fmt::format("tensor \"{}\" overlaps the one before it", shown(entry.name)));
      if (entry.begin > covered)
        fail(data_start + covered, fmt::format("bytes before tensor \"{}\" belong to no tensor", shown(entry.name)));
      covered = entry.end;
    }
    if (covered != data_bytes_)
      fail(data_start + covered,
           fmt::format("the tensors must cover the file; {} bytes behind the last one belong to none",
                       data_bytes_ - covered));
  }

  std::string_view json_;
  int64_t data_bytes_;
  const std::string& file_;
  std::string_view key_;
  ArchiveHeader header_;
};

}  // namespace

const char* archive_dtype(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "F32";
    case DType::f64:
      return "F64";
    case DType::i32:
      return "I32";
    case DType::bf16:
      return "BF16";
    case DType::i8:
      return "I8";
  }
  return "";
}

int64_t archive_header_length(std::string_view head, int64_t file_bytes, const std::string& file) {
  uint64_t length = 0;
  if (head.size() >= sizeof(length)) std::memcpy(&length, head.data(), sizeof(length));
  const bool fits = file_bytes >= kArchiveLengthBytes &&
                    length <= static_cast<uint64_t>(std::min(kMaxArchiveHeaderBytes, file_bytes - kArchiveLengthBytes));
  const bool opens = fits && length >= 2 && head.size() > kArchiveLengthBytes && head[kArchiveLengthBytes] == '{';
  if (opens) return static_cast<int64_t>(length);

  const std::string what = recognise(head);
  if (!what.empty())
    throw FormatError(file, 0, fmt::format("[archive] a model is a safetensors file; this is {}.", what));
  if (file_bytes == 0) throw FormatError(file, 0, "[archive] the file is empty. Fetch it again, or train anew.");
  const bool header_began = head.size() > kArchiveLengthBytes && head[kArchiveLengthBytes] == '{';
  if (file_bytes < kArchiveLengthBytes || (header_began && length <= static_cast<uint64_t>(kMaxArchiveHeaderBytes)))
    throw FormatError(
        file, file_bytes,
        fmt::format("[archive] the file is cut short; got {} bytes. Fetch it again, or train anew.", file_bytes));
  if (!fits)
    throw FormatError(
        file, 0,
        fmt::format("[archive] the header's length must be at most {}; got {}. This is no safetensors file.",
                    std::max<int64_t>(std::min(kMaxArchiveHeaderBytes, file_bytes - kArchiveLengthBytes), 0), length));
  throw FormatError(file, kArchiveLengthBytes,
                    "[archive] the header must begin with '{'. This is no safetensors file.");
}

ArchiveHeader parse_archive_header(std::string_view json, int64_t data_bytes, const std::string& file) {
  return HeaderReader(json, data_bytes, file).read();
}

}  // namespace carousel
