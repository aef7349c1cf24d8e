#include "carousel/tensor/archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/tensor/archive_header.h"

namespace carousel {

static_assert(std::endian::native == std::endian::little, "archives are little endian");

namespace {

struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};

void read_exactly(std::FILE* in, void* to, int64_t bytes, const std::string& file) {
  if (bytes == 0) return;
  const size_t got = std::fread(to, 1, static_cast<size_t>(bytes), in);
  if (got != static_cast<size_t>(bytes))
    throw FormatError(file, std::ftell(in), "[archive] the file ended or failed while it was read. Try again.");
}

}  // namespace

const Tensor* Archive::find(std::string_view name) const {
  for (const NamedTensor& t : tensors)
    if (t.name == name) return &t.tensor;
  return nullptr;
}

const std::string* Archive::text(const std::string& key) const {
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}

std::string serialize_archive(const Archive& archive) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& t : archive.tensors) order.push_back(&t);
  // Wide elements first, so that every tensor begins at a multiple of its element size.
  std::sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
    const int64_t wide_a = size_of(a->tensor.dtype()), wide_b = size_of(b->tensor.dtype());
    return wide_a != wide_b ? wide_a > wide_b : a->name < b->name;
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!archive.metadata.empty()) header[kArchiveMetadataKey] = archive.metadata;
  int64_t offset = 0;
  for (const NamedTensor* t : order) {
    if (t->name == kArchiveMetadataKey || header.contains(t->name) || !t->tensor.defined() ||
        t->tensor.rank() > int64_t{kMaxArchiveRank})
      throw ConfigError(fmt::format("[archive] names must differ and tensors have rank <= {}; got \"{}\" {}.",
                                    kMaxArchiveRank, t->name, t->tensor.shape().str()));
    const int64_t end = offset + t->tensor.nbytes();
    header[t->name] = {{"dtype", archive_dtype(t->tensor.dtype())},
                       {"shape", t->tensor.shape().dims()},
                       {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string json;
  try {
    json = header.dump();
  } catch (const nlohmann::json::exception& e) {
    throw ConfigError(fmt::format("[archive] names and metadata must be UTF-8; got: {}.", e.what()));
  }
  while (json.size() % 8 != 0) json.push_back(' ');
  if (static_cast<int64_t>(json.size()) > kMaxArchiveHeaderBytes || order.size() > kMaxArchiveTensors)
    throw ConfigError(fmt::format("[archive] a file holds at most {} tensors and {} bytes of header; got {} and {}.",
                                  kMaxArchiveTensors, kMaxArchiveHeaderBytes, order.size(), json.size()));
  std::string bytes;
  bytes.reserve(json.size() + static_cast<size_t>(kArchiveLengthBytes + offset));
  const uint64_t length = json.size();
  bytes.append(reinterpret_cast<const char*>(&length), sizeof(length));
  bytes += json;
  for (const NamedTensor* t : order)
    bytes.append(static_cast<const char*>(t->tensor.raw()), static_cast<size_t>(t->tensor.nbytes()));
  return bytes;
}

void write_archive(const std::string& file, const Archive& archive) {
  atomic_write(file, serialize_archive(archive));
}

Archive read_archive(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    throw FormatError(file, -1, "[archive] a model is a file; got a folder. Name a file in it.");
  const std::unique_ptr<std::FILE, CloseFile> in(std::fopen(file.c_str(), "rb"));
  if (!in)
    throw FormatError(file.empty() ? "\"\"" : file, -1,
                      fmt::format("[archive] the model file must be readable; got: {}. {}", std::strerror(errno),
                                  errno == ENOENT ? "Check the path, or write the file with `carousel train -o`."
                                                  : "Check its permissions."));
  const auto size = std::filesystem::file_size(file, error);
  if (error)
    throw FormatError(file, -1, "[archive] a model is a regular file; got something else. Save it as one first.");
  const auto file_bytes = static_cast<int64_t>(size);

  std::string head(static_cast<size_t>(std::min<int64_t>(file_bytes, 512)), '\0');
  read_exactly(in.get(), head.data(), static_cast<int64_t>(head.size()), file);
  const int64_t length = archive_header_length(head, file_bytes, file);
  std::string json(static_cast<size_t>(length), '\0');
  std::fseek(in.get(), kArchiveLengthBytes, SEEK_SET);
  read_exactly(in.get(), json.data(), length, file);
  ArchiveHeader header = parse_archive_header(json, file_bytes - kArchiveLengthBytes - length, file);

  Archive archive;
  archive.metadata = std::move(header.metadata);
  for (ArchiveEntry& entry : header.entries) {  // in the order of the bytes, without gaps: one pass through the file
    Tensor tensor = Tensor::empty(entry.shape, entry.dtype);
    read_exactly(in.get(), tensor.raw(), entry.end - entry.begin, file);
    archive.tensors.push_back({std::move(entry.name), std::move(tensor)});
  }
  return archive;
}

Archive parse_archive(std::string_view bytes, const std::string& file) {
  const auto file_bytes = static_cast<int64_t>(bytes.size());
  const int64_t length = archive_header_length(bytes.substr(0, 512), file_bytes, file);
  const std::string_view json = bytes.substr(kArchiveLengthBytes, static_cast<size_t>(length));
  const std::string_view data = bytes.substr(static_cast<size_t>(kArchiveLengthBytes + length));
  ArchiveHeader header = parse_archive_header(json, static_cast<int64_t>(data.size()), file);

  Archive archive;
  archive.metadata = std::move(header.metadata);
  for (ArchiveEntry& entry : header.entries) {
    Tensor tensor = Tensor::empty(entry.shape, entry.dtype);
    if (entry.end > entry.begin)
      std::memcpy(tensor.raw(), data.data() + entry.begin, static_cast<size_t>(entry.end - entry.begin));
    archive.tensors.push_back({std::move(entry.name), std::move(tensor)});
  }
  return archive;
}

}  // namespace carousel
