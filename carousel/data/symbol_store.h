// A long sequence of symbols in little memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "carousel/base/scratch_file.h"

namespace carousel::data {

/// Symbols take one, two or four bytes, as many as the vocabulary needs. Up to `held_bytes` of them lie in memory, more
/// in a scratch file, which is read piece by piece: never mapped, so that a fault of the disk is an error and no
/// signal, and what was read does not count as memory in use. Throws ResourceError where the disk is full.
class SymbolStore {
 public:
  static constexpr int64_t kHeldBytes = int64_t{1} << 26;

  explicit SymbolStore(int64_t vocab_size = int64_t{1} << 31, int64_t held_bytes = kHeldBytes);
  /// For short sequences at hand.
  SymbolStore(const std::vector<int32_t>& ids);  // NOLINT(google-explicit-constructor): as good as the vector

  /// `ids` lie in 0 to vocab_size - 1.
  void append(std::span<const int32_t> ids);
  /// Forgets all from `size` on.
  void truncate(int64_t size);
  int64_t size() const { return size_; }
  bool on_disk() const { return file_ != nullptr; }
  /// Fills `ids` with those from `begin` on, which must be there. Several threads may read.
  void read(int64_t begin, std::span<int32_t> ids) const;
  int32_t at(int64_t index) const;
  std::vector<int32_t> all() const;

 private:
  int64_t width_;  ///< bytes of a symbol
  int64_t held_bytes_;
  int64_t size_ = 0;
  std::unique_ptr<ScratchFile> file_;  ///< of the symbols before those in bytes_; null: there are none
  std::vector<char> bytes_;
};

}  // namespace carousel::data
