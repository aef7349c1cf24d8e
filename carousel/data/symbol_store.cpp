#include "carousel/data/symbol_store.h"

#include <algorithm>
#include <cstring>

namespace carousel::data {

namespace {

constexpr int64_t kWrittenAtOnce = int64_t{1} << 20;  ///< written at once

template <class T>
void narrow(std::span<const int32_t> ids, char* bytes) {
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto symbol = static_cast<T>(ids[i]);
    std::memcpy(bytes + i * sizeof symbol, &symbol, sizeof symbol);
  }
}

template <class T>
void widen(const char* bytes, std::span<int32_t> ids) {
  for (size_t i = 0; i < ids.size(); ++i) {
    T symbol = 0;
    std::memcpy(&symbol, bytes + i * sizeof symbol, sizeof symbol);
    ids[i] = static_cast<int32_t>(symbol);
  }
}

}  // namespace

SymbolStore::SymbolStore(int64_t vocab_size, int64_t held_bytes)
    : width_(vocab_size <= 1 << 8    ? 1
             : vocab_size <= 1 << 16 ? 2
                                     : 4),
      held_bytes_(held_bytes) {}

SymbolStore::SymbolStore(const std::vector<int32_t>& ids) : SymbolStore() {
  append(ids);
}

void SymbolStore::append(std::span<const int32_t> ids) {
  const size_t before = bytes_.size();
  bytes_.resize(before + ids.size() * static_cast<size_t>(width_));
  char* out = bytes_.data() + before;
  if (width_ == 1) narrow<uint8_t>(ids, out);
  if (width_ == 2) narrow<uint16_t>(ids, out);
  if (width_ == 4) narrow<uint32_t>(ids, out);
  size_ += static_cast<int64_t>(ids.size());
  const auto held = static_cast<int64_t>(bytes_.size());
  if (held <= (file_ ? kWrittenAtOnce : held_bytes_)) return;
  if (!file_) file_ = std::make_unique<ScratchFile>();
  file_->append(bytes_);
  bytes_.clear();
  if (held > 2 * kWrittenAtOnce) bytes_.shrink_to_fit();
}

void SymbolStore::truncate(int64_t size) {
  if (size >= size_) return;
  const int64_t in_file = file_ ? file_->size() / width_ : 0;
  if (size < in_file) {  // few are left, and the file cannot be cut
    std::vector<int32_t> kept(static_cast<size_t>(size));
    read(0, kept);
    *this = SymbolStore(width_ == 1 ? 1 << 8 : width_ == 2 ? 1 << 16 : int64_t{1} << 31, held_bytes_);
    append(kept);
    return;
  }
  size_ = size;
  bytes_.resize(static_cast<size_t>((size - in_file) * width_));
}

void SymbolStore::read(int64_t begin, std::span<int32_t> ids) const {
  const int64_t in_file = file_ ? file_->size() / width_ : 0;
  const int64_t from_file = std::clamp<int64_t>(in_file - begin, 0, static_cast<int64_t>(ids.size()));
  const auto take = [&](const char* bytes, std::span<int32_t> out) {
    if (width_ == 1) widen<uint8_t>(bytes, out);
    if (width_ == 2) widen<uint16_t>(bytes, out);
    if (width_ == 4) widen<uint32_t>(bytes, out);
  };
  if (from_file > 0) {
    std::vector<char> bytes(static_cast<size_t>(from_file * width_));
    file_->read(begin * width_, bytes);
    take(bytes.data(), ids.first(static_cast<size_t>(from_file)));
  }
  if (from_file == static_cast<int64_t>(ids.size())) return;
  take(bytes_.data() + (begin + from_file - in_file) * width_, ids.subspan(static_cast<size_t>(from_file)));
}

int32_t SymbolStore::at(int64_t index) const {
  int32_t id = 0;
  read(index, {&id, 1});
  return id;
}

std::vector<int32_t> SymbolStore::all() const {
  std::vector<int32_t> ids(static_cast<size_t>(size_));
  read(0, ids);
  return ids;
}

}  // namespace carousel::data
