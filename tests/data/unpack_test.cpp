// Packed data files: the same bytes as plain ones, errors for damaged ones, and an end to what a small file can become.
#include "carousel/data/unpack.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/data/codecs/codec.h"
#include "carousel/data/frames/frames.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/registry.h"
#include "tests/support/pack.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace unpack_test {

using testing::error_of;
using testing::gzip;
using testing::TempDir;
using testing::zstd;

std::string pack(const std::string& codec, std::string_view bytes) {
  return codec == "gzip" ? gzip(bytes) : zstd(bytes);
}

/// Text that packs badly and does not repeat.
std::string varied(size_t size) {
  Rng rng(1, 0);
  std::string text;
  while (text.size() < size) text += std::to_string(rng.below(1000000)) + (rng.below(9) == 0 ? "\n" : " ");
  return text;
}

/// A variable of the environment for as long as it lives.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Environment() { ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

TEST(Unpack, GivesTheBytesOfEveryFormatWhateverTheName) {
  const TempDir dir;
  const std::string text = varied(1000000);
  EXPECT_EQ(read_unpacked(dir.write("plain", text)), text);
  for (const Codec& codec : codecs()) {
    const std::string packed = pack(codec.name, text);
    EXPECT_LT(packed.size(), text.size() / 2);
    EXPECT_EQ(read_unpacked(dir.write("data", packed)), text) << codec.name;
    EXPECT_EQ(first_bytes(dir.file("data"), 5), text.substr(0, 5)) << codec.name;
    EXPECT_EQ(read_unpacked(dir.write("empty", pack(codec.name, ""))), "") << codec.name;
    EXPECT_EQ(read_unpacked(dir.write("two", packed + pack(codec.name, "end") + std::string(700, '\0'))), text + "end")
        << codec.name;
  }
}

TEST(Unpack, SkippableFramesOfZstdAreSkipped) {
  const TempDir dir;
  const std::string skipped("\x52\x2A\x4D\x18\x03\x00\x00\x00xyz", 11);
  EXPECT_EQ(read_unpacked(dir.write("x", skipped + zstd("text") + skipped)), "text");
}

TEST(Unpack, NamesAreReadWithoutTheirPacking) {
  EXPECT_EQ(without_packing("a/words.tsv.gz"), "a/words.tsv");
  EXPECT_EQ(without_packing("words.tsv.zst"), "words.tsv");
  EXPECT_EQ(without_packing("words.tsv"), "words.tsv");
  EXPECT_TRUE(named("words.tsv.zst", ".tsv") && named("words.tsv", ".tsv"));
  EXPECT_FALSE(named("words.tsv.zip", ".tsv"));
  EXPECT_EQ(packed_endings(), (std::vector<std::string>{".gz", ".zst"}));
}

TEST(Unpack, DamageIsNamedWithFileLineAndRemedy) {
  const TempDir dir;
  const std::string text = varied(1000000);
  for (const Codec& codec : codecs()) {
    const std::string packed = pack(codec.name, text);
    const std::string cut = dir.write("cut", packed.substr(0, packed.size() - 3));
    EXPECT_EQ(error_of<DataError>([&] { read_unpacked(cut); }),
              cut + ": [data] " + codec.name +
                  " data must be whole; got: the end in the middle. Fetch or compress the file again.");
    const std::string more = dir.write("more", packed + "more");
    const std::string said = error_of<DataError>([&] { read_unpacked(more); });
    EXPECT_EQ(said.rfind(more + ": [data] " + codec.name + " data must be whole; got: ", 0), 0u) << said;
    const std::string behind = dir.write("behind", packed + std::string(5, '\0') + "x");
    EXPECT_NE(error_of<DataError>([&] { read_unpacked(behind); }).find("got: other bytes after its end."),
              std::string::npos);
    LineReader reader(cut);
    std::string_view line;
    int64_t at = 0;
    try {
      while (reader.next(line)) {
      }
      ADD_FAILURE() << codec.name;
    } catch (const DataError& error) {
      at = error.line();
    }
    EXPECT_GT(at, 1) << codec.name;
  }
}

TEST(Unpack, EveryTruncationAndChangeOfAByteIsReadOrRefused) {
  const std::string text = "one\ttwo\nthree\tfour\n" + varied(60);
  for (const Codec& codec : codecs()) {
    const std::string packed = pack(codec.name, text);
    int64_t refused = 0, wrong = 0;
    const auto attempt = [&](const std::string& bytes) {
      try {
        Unpacker unpacker("x", "data");
        unpacker.begin(bytes);
        std::string out(4096, '\0');
        std::string_view in = bytes;
        while (unpacker.step(in, out.data(), out.size()) > 0) {
        }
        unpacker.require_end();
        wrong += unpacker.packed() && out.substr(0, text.size()) != text;
      } catch (const DataError&) {
        ++refused;
      }
    };
    for (size_t i = 1; i < packed.size(); ++i) attempt(packed.substr(0, i));
    EXPECT_GE(refused, static_cast<int64_t>(packed.size()) - 4) << codec.name;
    for (size_t i = 0; i < packed.size(); ++i) {
      std::string damaged = packed;
      for (int byte = 0; byte < 256; ++byte) {
        damaged[i] = static_cast<char>(byte);
        attempt(damaged);
      }
    }
    EXPECT_GT(refused, 1000) << codec.name;
    EXPECT_EQ(wrong, 0) << codec.name << ": checksums must see every change of the content";
  }
}

TEST(Unpack, ASmallFileCannotFillTheMemory) {
  const TempDir dir;
  const std::string zeros(size_t{100} << 20, '\0');
  for (const Codec& codec : codecs()) {
    const std::string bomb = dir.write("bomb", pack(codec.name, zeros));
    const std::string said = error_of<DataError>([&] { read_unpacked(bomb); });
    EXPECT_EQ(said.rfind(bomb + ": [data] a packed file may hold 67108864 bytes, and 100 for each byte of its size; "
                                "got: ",
                         0),
              0u)
        << said;
    EXPECT_NE(said.find(" from " + std::to_string(std::filesystem::file_size(bomb)) +
                        ". Is it damaged or hostile? If not, unpack it first, or set "
                        "CAROUSEL_DATA_MAX_UNPACKED_RATIO higher."),
              std::string::npos)
        << said;
    const Environment more("CAROUSEL_DATA_MAX_UNPACKED_RATIO", "20000");
    EXPECT_EQ(read_unpacked(bomb).size(), zeros.size()) << codec.name;
  }
}

TEST(Unpack, TheBoundOfBytesComesFromTheEnvironment) {
  const TempDir dir;
  const std::string file = dir.write("x.txt", varied(1000));
  const Environment few("CAROUSEL_DATA_MAX_UNPACKED_BYTES", "500");
  EXPECT_EQ(error_of<DataError>([&] { read_unpacked(file); }),
            file +
                ": [data] a file may hold at most 500 bytes, unpacked; got more. Cut it into pieces, or set "
                "CAROUSEL_DATA_MAX_UNPACKED_BYTES higher.");
  EXPECT_EQ(error_of<DataError>([&] { LineReader{file}; }),
            file +
                ":1: [data] a file may hold at most 500 bytes of text; got more. Split the file, or set "
                "CAROUSEL_DATA_MAX_UNPACKED_BYTES higher.");
  const Environment none("CAROUSEL_DATA_MAX_UNPACKED_RATIO", "0");
  EXPECT_NE(error_of<ConfigError>([&] { read_unpacked(file); }).find("max_unpacked_ratio"), std::string::npos);
}

TEST(Unpack, AZstdFrameHoldsAsMuchAsItPromises) {
  // 63 bytes promised, three empty blocks: libzstd says so only when it unpacks the frame in one piece.
  const std::string frame("\x28\xB5\x2F\xFD\x20\x3F\0\0\0\0\0\0\1\0\0", 15);
  for (const size_t piece : {size_t{100}, size_t{4}}) {
    Unpacker unpacker("x", "data");
    unpacker.begin(frame);
    const std::string error = testing::error_of<DataError>([&] {
      std::string_view bytes = frame;
      char out[100];
      while (!bytes.empty()) {
        std::string_view in = bytes.substr(0, piece);
        bytes.remove_prefix(in.size());
        while (unpacker.step(in, out, piece) > 0) {
        }
      }
      unpacker.require_end();
    });
    EXPECT_EQ(error.substr(0, error.find("got: ")), "x: [data] zstd data must be whole; ");
    if (piece == 4) {
      EXPECT_NE(error.find("got: 0 bytes of the 63 that the frame promises. Fetch or compress the file again."),
                std::string::npos)
          << error;
    }
  }
}

TEST(Unpack, AWindowThatTheMachineMayNotHaveIsRefused) {
  const TempDir dir;
  const std::string file = dir.write("x", zstd("text", 28));
  EXPECT_EQ(error_of<DataError>([&] { read_unpacked(file); }),
            file +
                ": [data] zstd data must need 128 MiB of memory at most; got: a frame that asks for more. Unpack the "
                "file first, or compress it without --long and --ultra.");
}

TEST(Unpack, EveryReaderTakesBothFormats) {
  const TempDir dir;
  const std::string ts = "@classLabel true a b\n@data\n1,2,3:a\n4,5,6:b\n";
  for (const Codec& codec : codecs()) {
    const auto write = [&](const std::string& name, const std::string& text) {
      return dir.write(name + codec.ending, pack(codec.name, text));
    };
    EXPECT_EQ(read_pairs({write("pairs.tsv", "a\tb\nc\td\n")}).examples.size(), 2u);
    EXPECT_EQ(read_pairs({write("s.txt", "a\nb\n"), write("t.txt", "c\nd\n")}).examples.size(), 2u);
    const std::string series = write("x.ts", ts);
    EXPECT_EQ(read_frames({series}, plan_frames({series}, {}), {}, {}).examples.size(), 2u);
    std::string npy("\x93NUMPY\x01\x00\x46\x00", 10);
    npy += "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    npy.resize(80, ' ');
    npy += std::string("\0\0\x80\x3F\0\0\0\x40", 8);
    const std::string array = write("x.npy", npy);
    EXPECT_EQ(read_frames({array}, plan_frames({array}, {}), {}, {}).examples[0].values, (std::vector<float>{1, 2}));
  }
}

}  // namespace unpack_test
}  // namespace carousel::data
