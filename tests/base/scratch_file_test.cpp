#include "carousel/base/scratch_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace scratch_file_test {

/// TMPDIR for as long as it lives.
class TmpDir {
 public:
  explicit TmpDir(const std::string& folder) {
    if (const char* old = std::getenv("TMPDIR")) old_ = old;
    ::setenv("TMPDIR", folder.c_str(), 1);
  }
  ~TmpDir() {
    if (old_.empty()) {
      ::unsetenv("TMPDIR");
    } else {
      ::setenv("TMPDIR", old_.c_str(), 1);
    }
  }
  TmpDir(const TmpDir&) = delete;
  TmpDir& operator=(const TmpDir&) = delete;

 private:
  std::string old_;
};

TEST(ScratchFile, GivesBackWhatWasWrittenAndLeavesNothing) {
  const testing::TempDir dir;
  const TmpDir tmp(dir.path());
  {
    ScratchFile file;
    file.append(std::string("abc"));
    file.append(std::string("defgh"));
    EXPECT_EQ(file.size(), 8);
    std::string got(4, '\0');
    file.read(2, got);
    EXPECT_EQ(got, "cdef");
    EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(ScratchFile, NamesTheFolderThatIsMissing) {
  const testing::TempDir dir;
  const std::string none = dir.file("none");
  const TmpDir tmp(none);
  EXPECT_EQ(testing::error_of<ResourceError>([] { ScratchFile file; }),
            "[scratch] the folder for temporary files, " + none +
                ", must be writable; got: No such file or directory. Make room there, or name another folder in the "
                "environment variable TMPDIR.");
}

TEST(ScratchFile, AFullDiskIsAnError) {
  const testing::TempDir dir;
  const TmpDir tmp(dir.path());
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit few{1000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &few);
  ScratchFile file;
  const std::string said = testing::error_of<ResourceError>([&] { file.append(std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, before);
  EXPECT_EQ(said, "[scratch] the folder for temporary files, " + dir.path() +
                      ", must take what does not fit in memory; got: File too large. Make room there, or name another "
                      "folder in the environment variable TMPDIR.");
  std::string beyond(10, '\0');
  EXPECT_NE(testing::error_of<ResourceError>([&] { file.read(995, beyond); }).find("must give back what was written"),
            std::string::npos);
}

}  // namespace scratch_file_test
}  // namespace carousel
