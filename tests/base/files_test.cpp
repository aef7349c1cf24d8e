#include "carousel/base/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace files_test {

using testing::content_of;
using testing::error_of;
using testing::TempDir;

/// Largest size of a file for the time of a scope: writing past it fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    struct rlimit limit = old_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  struct rlimit old_ {};
  void (*old_handler_)(int) = nullptr;
};

TEST(ReadFile, ReturnsEveryByte) {
  const TempDir dir;
  std::string bytes(1000000, 'x');
  bytes[3] = '\0';
  bytes[999999] = '\xff';
  EXPECT_EQ(read_file(dir.write("a", bytes)), bytes);
  EXPECT_EQ(read_file(dir.write("b", "")), "");
}

TEST(ReadFile, SaysWhatIsWrong) {
  const TempDir dir;
  const auto failure = [](const std::string& path) { return error_of<DataError>([&] { read_file(path); }); };
  EXPECT_EQ(failure(dir.file("none")),
            dir.file("none") + ": [read] the file must exist; got none of this name. Check the path.");
  EXPECT_EQ(failure(dir.path()), dir.path() + ": [read] a file is needed; got a directory. Name a file in it.");
  EXPECT_EQ(failure(std::string("a\0b", 3)),
            "(file name): [read] a file name has no NUL byte; got one. Check the name.");
  EXPECT_EQ(error_of<ResourceError>([&] { read_file(dir.write("c", "12345"), 4); }),
            "[read] " + dir.file("c") + " may hold at most 4 bytes; got more. Split it.");
}

TEST(ReadFile, RefusesAFileWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TempDir dir;
  const std::string path = dir.write("a", "x");
  ::chmod(path.c_str(), 0);
  EXPECT_EQ(error_of<ResourceError>([&] { read_file(path); }),
            "[read] " + path + " must be readable; got: Permission denied. Check its permissions.");
}

TEST(ReadFile, SaysTheSystemsReasonForALoopOfLinks) {
  const TempDir dir;
  std::filesystem::create_symlink(dir.file("a"), dir.file("b"));
  std::filesystem::create_symlink(dir.file("b"), dir.file("a"));
  EXPECT_EQ(
      error_of<ResourceError>([&] { read_file(dir.file("a")); }),
      "[read] " + dir.file("a") + " must be readable; got: Too many levels of symbolic links. Check its permissions.");
}

TEST(AtomicWrite, WritesPartsInOrderAndLeavesNothingElse) {
  const TempDir dir;
  atomic_write(dir.file("a"), {"one ", "", "two"});
  EXPECT_EQ(content_of(dir.file("a")), "one two");
  atomic_write(dir.file("a"), "three");
  EXPECT_EQ(content_of(dir.file("a")), "three");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(AtomicWrite, WorksOnABareNameInTheWorkingFolder) {
  const TempDir dir;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  atomic_write("bare", "x");
  std::filesystem::current_path(before);
  EXPECT_EQ(content_of(dir.file("bare")), "x");
}

TEST(AtomicWrite, KeepsTheOldFileWhenTheDiskIsFull) {
  const TempDir dir;
  const std::string path = dir.write("a", "old");
  std::string text;
  {
    const FileSizeLimit limit(1000);
    text = error_of<ResourceError>([&] { atomic_write(path, std::string(5000, 'n')); });
  }
  EXPECT_EQ(text,
            "[write] " + path +
                " must be written completely; got: File too large. The old file, if any, is intact; free space or "
                "name another place.");
  EXPECT_EQ(content_of(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(AtomicWrite, KeepsTheOldFileWhenNeverCommitted) {
  const TempDir dir;
  const std::string path = dir.write("a", "old");
  {
    AtomicFile file(path);
    file.write("new");
  }
  EXPECT_EQ(content_of(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(AtomicWrite, TakesOverTheRemainsOfAKilledRun) {
  const TempDir dir;
  dir.write(".a.tmp", "remains that are longer than the new content");
  atomic_write(dir.file("a"), "new");
  EXPECT_EQ(content_of(dir.file("a")), "new");
  EXPECT_FALSE(std::filesystem::exists(dir.file(".a.tmp")));
}

TEST(AtomicWrite, KeepsModeAndFollowsLinks) {
  const TempDir dir;
  const std::string path = dir.write("a", "old");
  ::chmod(path.c_str(), 0640);
  std::filesystem::create_symlink(path, dir.file("link"));
  atomic_write(dir.file("link"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(dir.file("link")));
  EXPECT_EQ(content_of(path), "new");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
}

TEST(AtomicWrite, TwoWritersLeaveOneOfTheTwoContents) {
  const TempDir dir;
  const std::string path = dir.file("a");
  const std::string first(300000, '1'), second(200000, '2');
  const auto write = [&](const std::string& content) {
    for (int i = 0; i < 50; ++i) atomic_write(path, content);
  };
  std::thread other(write, first);
  write(second);
  other.join();
  const std::string content = content_of(path);
  EXPECT_TRUE(content == first || content == second);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(AtomicWrite, SaysWhyAPlaceCannotBeWritten) {
  const TempDir dir;
  const auto failure = [](const std::string& path) {
    return error_of<ResourceError>([&] { atomic_write(path, "x"); });
  };
  EXPECT_EQ(failure(dir.file("none/a")),
            "[write] " + dir.file("none/a") +
                " must be writable; got: No such file or directory. Check that the folder exists and may be written.");
  EXPECT_EQ(failure(dir.path()),
            "[write] " + dir.path() + " must be a regular file or not exist; got a directory. Name another file.");
  EXPECT_EQ(failure("/dev/null"),
            "[write] /dev/null must be a regular file or not exist; got a device or pipe. Name another file.");
  EXPECT_EQ(failure(""), "[write] a file name has at least one character and no NUL; got another. Name the file.");
}

TEST(Sha256, AgreesWithTheStandard) {
  // FIPS 180-4 examples.
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, FileAndBytesGiveTheSame) {
  const TempDir dir;
  const std::string bytes(700000, 'a');
  EXPECT_EQ(sha256_file(dir.write("a", bytes)), sha256(bytes));
  EXPECT_EQ(error_of<DataError>([&] { sha256_file(dir.file("none")); }),
            dir.file("none") + ": [read] the file must exist; got none of this name. Check the path.");
}

TEST(Files, TellFoldersFromFilesAndFromNothing) {
  TempDir dir;
  EXPECT_TRUE(is_folder(dir.path()));
  EXPECT_FALSE(is_folder(dir.write("file", "x")));
  EXPECT_FALSE(is_folder(dir.file("none")));
}

}  // namespace files_test
}  // namespace carousel
