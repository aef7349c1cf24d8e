// The header of an archive file: the part where a hostile file could do harm, checked before anything is allocated.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/tensor/tensor.h"

namespace carousel {

constexpr int64_t kArchiveLengthBytes = 8;  ///< the u64 in front of the header
constexpr int64_t kMaxArchiveHeaderBytes = 100'000'000;
constexpr size_t kMaxArchiveTensors = 65'536;
constexpr size_t kMaxArchiveRank = 8;
constexpr const char* kArchiveMetadataKey = "__metadata__";

/// One tensor of the header. Its bytes are [begin, end) behind the header.
struct ArchiveEntry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  int64_t begin = 0, end = 0;
};

struct ArchiveHeader {
  std::map<std::string, std::string> metadata;
  std::vector<ArchiveEntry> entries;  ///< in the order of their bytes, which they cover without gap or overlap
};

/// The format's name of a dtype: "F32", "F64", "I32", "BF16", "I8".
const char* archive_dtype(DType dtype);

/// Length of the JSON header. `head` is the start of the file (512 bytes when it has them), `file_bytes` its size.
/// Throws FormatError; a file of another known kind is named as such, with the remedy.
int64_t archive_header_length(std::string_view head, int64_t file_bytes, const std::string& file);

/// Reads and checks the JSON header of a file with `data_bytes` behind it. Throws FormatError.
ArchiveHeader parse_archive_header(std::string_view json, int64_t data_bytes, const std::string& file);

}  // namespace carousel
