// Named tensors and texts in one file: the safetensors format (github.com/huggingface/safetensors), little endian.
// Layout: u64 header length; JSON header; the tensors' bytes. Any byte of a file that is read may be hostile.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/tensor/tensor.h"

namespace carousel {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// What an archive file holds.
struct Archive {
  std::map<std::string, std::string> metadata;  ///< the format's `__metadata__`
  std::vector<NamedTensor> tensors;             ///< as read: in the order of their bytes

  /// The tensor of that name, or null.
  const Tensor* find(std::string_view name) const;
  /// The metadata text of that key, or null.
  const std::string* text(const std::string& key) const;
};

/// The bytes of an archive file; a pure function of names, texts and elements (not of the order of `tensors`).
/// Throws ConfigError for names used twice, texts that are not UTF-8 and what no reader would take back.
std::string serialize_archive(const Archive& archive);

/// Writes the file atomically: after a crash or a full disk the file is the old one or the new one, never a part.
/// Throws ResourceError when the disk refuses.
void write_archive(const std::string& file, const Archive& archive);

/// Reads a file. Everything is checked before it is used or allocated: header length and JSON, unknown or repeated
/// keys, sizes and their products, and that the tensors cover the file exactly. Throws FormatError(file, offset).
Archive read_archive(const std::string& file);

/// The same from memory; `file` is the name that errors carry.
Archive parse_archive(std::string_view bytes, const std::string& file);

}  // namespace carousel
