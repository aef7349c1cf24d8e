#include "carousel/data/codecs/codec.h"

namespace carousel::data {

const std::vector<Codec>& codecs() {
  static const std::vector<Codec> rows = {
      {"gzip", ".gz", is_gzip, make_gzip},
      {"zstd", ".zst", is_zstd, make_zstd},
  };
  return rows;
}

}  // namespace carousel::data
