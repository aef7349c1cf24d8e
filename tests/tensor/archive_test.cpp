#include "carousel/tensor/archive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace archive_test {

Archive small_archive() {
  Archive archive;
  archive.metadata = {{"carousel.task", "transduce"}, {"unicode", "\xC3\xA9\xE2\x86\x92"}};
  archive.tensors.push_back({"b", Tensor::from<float>({3}, std::vector<float>{1.0F, -2.5F, 3.25F})});
  archive.tensors.push_back({"a.weight", Tensor::from<float>({2, 2}, std::vector<float>{1, 2, 3, 4})});
  archive.tensors.push_back({"wide", Tensor::from<double>({1}, std::vector<double>{0.1})});
  archive.tensors.push_back({"ids", Tensor::from<int32_t>({2}, std::vector<int32_t>{7, -7})});
  archive.tensors.push_back({"none", Tensor::empty({0, 4})});
  archive.tensors.push_back({"scalar", Tensor::full({}, 5)});
  return archive;
}

void expect_equal(const Archive& a, const Archive& b) {
  EXPECT_EQ(a.metadata, b.metadata);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const NamedTensor& t : a.tensors) {
    const Tensor* other = b.find(t.name);
    ASSERT_NE(other, nullptr) << t.name;
    EXPECT_EQ(other->dtype(), t.tensor.dtype());
    EXPECT_EQ(other->shape(), t.tensor.shape());
    EXPECT_EQ(std::memcmp(other->raw(), t.tensor.raw(), static_cast<size_t>(t.tensor.nbytes())), 0) << t.name;
  }
}

/// File bytes of a header text and `data_bytes` zero bytes behind it.
std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  return bytes + header + std::string(data_bytes, '\0');
}

std::string error_of(const std::string& bytes) {
  try {
    parse_archive(bytes, "m.safetensors");
  } catch (const FormatError& e) {
    EXPECT_EQ(e.file(), "m.safetensors");
    return e.what();
  }
  return "no error";
}

#define EXPECT_ERROR(bytes, text) EXPECT_NE(error_of(bytes).find(text), std::string::npos) << error_of(bytes)

TEST(Archive, RoundTripsThroughMemoryAndDisk) {
  const testing::TempDir folder;
  const std::string file = folder.file("a.safetensors");
  expect_equal(small_archive(), parse_archive(serialize_archive(small_archive()), "memory"));
  write_archive(file, small_archive());
  expect_equal(small_archive(), read_archive(file));
  EXPECT_EQ(read_file(file), serialize_archive(small_archive()));
}

TEST(Archive, BytesDoNotDependOnTheOrderOfTensors) {
  Archive reversed = small_archive();
  std::reverse(reversed.tensors.begin(), reversed.tensors.end());
  EXPECT_EQ(serialize_archive(reversed), serialize_archive(small_archive()));
}

TEST(Archive, PlacesElementsAtMultiplesOfTheirSize) {
  const std::string bytes = serialize_archive(small_archive());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ(length % 8, 0U);
  EXPECT_EQ(parse_archive(bytes, "m").tensors.front().name, "wide");
}

TEST(Archive, WithoutTensorsIsAFileToo) {
  Archive archive;
  archive.metadata["k"] = "v";
  expect_equal(archive, parse_archive(serialize_archive(archive), "m"));
  expect_equal(Archive(), parse_archive(serialize_archive(Archive()), "m"));
}

TEST(Archive, EveryTruncationIsRefused) {
  const std::string bytes = serialize_archive(small_archive());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(parse_archive(std::string_view(bytes).substr(0, size), "m"), FormatError) << size;
}

TEST(Archive, EveryChangedByteLoadsOrIsRefused) {
  std::string bytes = serialize_archive(small_archive());
  int refused = 0;
  for (char& byte : bytes) {
    const char kept = byte;
    for (int value = 0; value < 256; ++value) {
      byte = static_cast<char>(value);
      try {
        parse_archive(bytes, "m");
      } catch (const FormatError&) {
        ++refused;
      }
    }
    byte = kept;
  }
  EXPECT_GT(refused, 1000);
}

TEST(Archive, RefusesToWriteWhatItWouldNotRead) {
  Archive twice = small_archive();
  twice.tensors.push_back(twice.tensors[0]);
  EXPECT_THROW(serialize_archive(twice), ConfigError);
  Archive latin1;
  latin1.metadata["k"] = "\xE9";
  EXPECT_THROW(serialize_archive(latin1), ConfigError);
  Archive reserved;
  reserved.tensors.push_back({"__metadata__", Tensor::zeros({1})});
  EXPECT_THROW(serialize_archive(reserved), ConfigError);
}

TEST(ArchiveHostile, HeaderLength) {
  EXPECT_ERROR("", "byte 0: [archive] the file is empty");
  EXPECT_ERROR(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10),
               "the header's length must be at most 2; got 18446744073709551615");
  EXPECT_ERROR(file_of("[]", 0), "byte 8: [archive] the header must begin with '{'");
  EXPECT_ERROR(file_of(std::string("\0{}", 3), 0), "the header must begin with '{'");
  const std::string whole = file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4);
  EXPECT_ERROR(whole.substr(0, 20), "byte 20: [archive] the file is cut short; got 20 bytes");
  EXPECT_ERROR(whole.substr(0, whole.size() - 1), "The file may be cut short");
}

TEST(ArchiveHostile, Json) {
  EXPECT_ERROR(file_of("{\"a\":", 0), "the header must be JSON of depth <= 4");
  EXPECT_ERROR(file_of("{\"\xff\":1}", 0), "not valid UTF-8");
  EXPECT_ERROR(file_of(R"({"a":[[[[1]]]]})", 0), "too deep");
  EXPECT_ERROR(file_of("{\"a\":" + std::string(100000, '['), 0), "the header must be JSON");
  EXPECT_ERROR(file_of(R"({"a":1})", 0), "tensor \"a\" must be an object");
  EXPECT_ERROR(file_of(R"({"__metadata__":{"k":1}})", 0), "must map texts to texts; \"k\" is none");
  EXPECT_ERROR(file_of(R"({"__metadata__":[]})", 0), "__metadata__ must be an object of texts");
}

TEST(ArchiveHostile, RepeatedAndUnknownKeys) {
  const std::string tensor = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  EXPECT_ERROR(file_of("{\"a\":" + tensor + ",\"a\":" + tensor + "}", 4),
               "byte 9: [archive] names must differ; got \"a\" twice");
  EXPECT_ERROR(file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0), "got \"k\" twice in __metadata__");
  EXPECT_ERROR(file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "got \"__metadata__\" twice");
  EXPECT_ERROR(file_of(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4),
               "has \"dtype\" twice");
  EXPECT_ERROR(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4), "unknown key \"x\"");
  EXPECT_ERROR(file_of(R"({"a":{"dtype":"F32","shape":[1]}})", 4), "needs dtype, shape and data_offsets");
}

TEST(ArchiveHostile, Numbers) {
  const auto tensor = [](const std::string& shape, const std::string& offsets) {
    return file_of(R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}", 4);
  };
  EXPECT_EQ(error_of(tensor("[1]", "[0,4]")), "no error");
  EXPECT_ERROR(tensor("[-1]", "[0,4]"), "shape must hold integers in [0, 2^53); got -1");
  EXPECT_ERROR(tensor("[1.0]", "[0,4]"), "got 1.0");
  EXPECT_ERROR(tensor("[1e0]", "[0,4]"), "must hold integers");
  EXPECT_ERROR(tensor("[9007199254740992]", "[0,4]"), "got 9007199254740992");
  EXPECT_ERROR(tensor("[99999999999999999999999]", "[0,4]"), "[archive]");
  EXPECT_ERROR(tensor("[\"1\"]", "[0,4]"), "must hold integers");
  EXPECT_ERROR(tensor("[1,1,1,1,1,1,1,1,1]", "[0,4]"), "shape holds at most 8 numbers");
  EXPECT_ERROR(tensor("[4503599627370496,4503599627370496]", "[0,4]"),
               "the sizes [4503599627370496, 4503599627370496] overflow");
  EXPECT_ERROR(tensor("[4503599627370496,4503599627370496,0]", "[0,0]"), "overflow");
  EXPECT_ERROR(tensor("[2]", "[0,4]"), "of shape [2] and dtype F32 takes 8 bytes; its data_offsets hold 4");
  EXPECT_ERROR(tensor("[1]", "[4,0]"), "begin <= end <= 4");
  EXPECT_ERROR(tensor("[2]", "[0,8]"), "begin <= end <= 4 (bytes behind the header); got [0, 8]");
  EXPECT_ERROR(tensor("[1]", "[0]"), "needs data_offsets [begin, end]");
  EXPECT_ERROR(tensor("[1]", "[0,4,4]"), "data_offsets holds at most 2 numbers");
  EXPECT_ERROR(tensor("[[1]]", "[0,4]"), "must hold integers");
  EXPECT_ERROR(tensor("1", "[0,4]"), "shape must be an array");
}

TEST(ArchiveHostile, Dtypes) {
  EXPECT_ERROR(file_of(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", 4),
               "must be F32, F64, I32, BF16 or I8; got dtype \"F16\"");
  EXPECT_ERROR(file_of(R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})", 4), "dtype must be a text");
}

TEST(ArchiveHostile, OverlapHolesAndTrailingBytes) {
  const auto tensor = [](const char* name, int begin, int end) {
    return "\"" + std::string(name) + R"(":{"dtype":"F32","shape":[)" + std::to_string((end - begin) / 4) +
           R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
  };
  EXPECT_ERROR(file_of("{" + tensor("a", 0, 8) + "," + tensor("b", 4, 12) + "}", 12), "tensor \"b\" overlaps");
  EXPECT_ERROR(file_of("{" + tensor("a", 0, 8) + "," + tensor("b", 4, 4) + "}", 8), "tensor \"b\" overlaps");
  EXPECT_ERROR(file_of("{" + tensor("a", 0, 4) + "," + tensor("b", 8, 12) + "}", 12),
               "bytes before tensor \"b\" belong to no tensor");
  EXPECT_ERROR(file_of("{" + tensor("a", 0, 4) + "}", 5), "1 bytes behind the last one belong to none");
  EXPECT_EQ(error_of(file_of("{" + tensor("a", 4, 8) + "," + tensor("b", 0, 4) + "," + tensor("c", 4, 4) + "}", 8)),
            "no error");
}

TEST(ArchiveHostile, TooManyTensors) {
  std::string header = "{";
  for (int i = 0; i <= 65536; ++i)
    header += (i ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  EXPECT_ERROR(file_of(header + "}", 0), "at most 65536 tensors");
}

TEST(ArchiveHostile, NamesDoNotReachTheTerminalRaw) {
  EXPECT_ERROR(file_of(R"({"\u001b[31m":1})", 0), "tensor \"?[31m\" must be an object");
}

TEST(Archive, NamesOtherKindsOfFiles) {
  EXPECT_ERROR("PK\x03\x04 and more than eight bytes", "zip archive, as PyTorch's torch.save writes");
  EXPECT_ERROR("\x80\x02}q more than eight bytes", "a Python pickle");
  EXPECT_ERROR("<!DOCTYPE html><html><body>404</body></html>", "an HTML page, as a failed download leaves");
  EXPECT_ERROR("\n<HTML>", "an HTML page");
  EXPECT_ERROR("version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
  EXPECT_ERROR("word\tw \xC3\xA9r d\n", "a text file. Give the model file that `train` wrote");
}

TEST(Archive, NamesMissingFilesAndFolders) {
  const testing::TempDir folder;
  try {
    read_archive(folder.file("none"));
    FAIL();
  } catch (const FormatError& e) {
    EXPECT_STREQ(
        e.what(),
        (folder.file("none") +
         ": [archive] the model file must be readable; got: No such file or directory. Check the path, or write "
         "the file with `carousel train -o`.")
            .c_str());
  }
  EXPECT_THROW(read_archive(folder.path()), FormatError);
}

TEST(Archive, AnIndependentReaderAgrees) {
  if (std::system("python3 -c '' > /dev/null 2>&1") != 0) GTEST_SKIP() << "no python3";
  const testing::TempDir folder;
  const std::string file = folder.file("a.safetensors"), out = folder.file("out");
  write_archive(file, small_archive());
  const std::string command =
      "python3 " CAROUSEL_SOURCE_DIR "/tools/read_safetensors.py '" + file + "' > '" + out + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(read_file(out),
            "metadata carousel.task = transduce\n"
            "metadata unicode = \xC3\xA9\xE2\x86\x92\n"
            "a.weight F32 [2, 2] sum 10.0\n"
            "b F32 [3] sum 1.75\n"
            "ids I32 [2] sum 0\n"
            "none F32 [0, 4] sum 0\n"
            "scalar F32 [] sum 5.0\n"
            "wide F64 [1] sum 0.1\n");
}

}  // namespace archive_test
}  // namespace carousel
