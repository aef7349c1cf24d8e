// Sequences of numeric frames from every kind of file, and what is wrong with bad ones.
#include "carousel/data/frames/frames.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/data/frames/audio_file.h"
#include "carousel/data/frames/scaling.h"
#include "carousel/data/frames/split.h"
#include "tests/support/sound.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace frames_test {

using testing::TempDir;
using testing::wav;

FrameSet read(const std::string& file, FrameFormat format = {}, const ReadOptions& options = {}) {
  return read_frames({file}, plan_frames({file}, format), format, options);
}

std::string error_of(const std::string& file, const FrameFormat& format = {}) {
  try {
    read(file, format);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

constexpr const char* kTs =
    "# remark\n@problemName x\n@timeStamps false\n@classLabel true a b\n@data\n1,2,3:4,5,6:a\n7,8:?,9:b\n";

TEST(Ts, ReadsDimensionsLabelsAndFillsGaps) {
  const TempDir dir;
  const std::string file = dir.write("X_TRAIN.ts", kTs);
  EXPECT_EQ(plan_frames({file}, {}).reason, "a file of the UCR/UEA archive, a series in each row");
  const FrameSet set = read(file);
  ASSERT_EQ(set.examples.size(), 2u);
  EXPECT_EQ(set.width, 2);
  EXPECT_EQ(set.examples[0].values, (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(set.examples[0].target, "a");
  EXPECT_EQ(set.examples[1].values, (std::vector<float>{7, 9, 8, 9}));
  EXPECT_EQ(set.examples[1].line, 7);
  EXPECT_EQ(set.notes, (std::vector<std::string>{"1 missing value was put on a straight line between neighbours"}));
}

TEST(Ts, RefusesWithThePlace) {
  const TempDir dir;
  const auto error = [&](const std::string& text) {
    const std::string file = dir.write("x.ts", text), what = error_of(file);
    return what.substr(std::min(what.size(), file.size()));
  };
  EXPECT_EQ(error("@data\n1,2:3:a\n1,2:3,4:a\n"),
            ":2:6: [data] all dimensions of a series must have 2 values, as its first; got \"1\". Check the row.");
  EXPECT_EQ(
      error("@data\n1,2:a\n1:2:a\n"),
      ":3:3: [data] every series must have 1 dimensions, as the first one; got \"2\". Check the colons between them.");
  EXPECT_EQ(error("@data\n1,x:a\n"),
            ":2:3: [data] a value must be a number, or ? where it is missing; got \"x\". Check the row.");
  EXPECT_EQ(error("@data\n?:a\n"), ":2:1: [data] a dimension must hold a value; got \"?\". Take the series out.");
  EXPECT_EQ(error("1,2:a\n"),
            ":1:1: [data] before @data there are only lines that begin with @ or #; got \"1,2:a\". Check the file.");
  EXPECT_EQ(error("@timeStamps true\n@data\n"),
            ":1:13: [data] series must be sampled at equal steps; got \"@timeStamps true\". Interpolate them to equal "
            "steps.");
  const std::string classes = "@classLabel true up down\n@data\n1,2:up\n1,2:?\n";
  EXPECT_EQ(
      error(classes + " 1,2 : sideways\n"),
      ":5:8: [data] a label must be one that @classLabel names (down, up); got \"sideways\". Correct it, or add it "
      "to @classLabel.");
  EXPECT_EQ(error(classes), "") << "one that is not known is no label";
  EXPECT_EQ(error("@classLabel true\n@data\n1,2:a\n"), "") << "no list of labels";
  std::string many = "@classLabel true";
  for (int i = 10; i < 30; ++i) many += fmt::format(" c{}", i);
  EXPECT_NE(error(many + "\n@data\n1,2:x\n").find("names (c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, ...); got"),
            std::string::npos);
  EXPECT_EQ(error("@data\n1,2:3,4,5:a\n").rfind(":2:9: [data] all dimensions", 0), 0U) << "the first too many";
  EXPECT_EQ(error("@data\n1,2:a\n1:2:a\n1:a\n").rfind(":3:3: ", 0), 0U);
  EXPECT_EQ(error("@data\n1:2:a\n1:a\n").rfind(":3:2: ", 0), 0U) << "where one is missing";
  EXPECT_EQ(error("@data\n1,2:\n"), ":2:5: [data] a series ends with its label; got \"\". Give it one.");
  EXPECT_EQ(error("@classLabel true a\n"),
            ": [data] a .ts file has a line @data before its series; got \"none\". Check that the file is whole.");
}

std::string idx(const std::vector<int>& sizes, const std::string& values) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const int size : sizes) bytes += std::string{'\0', '\0', '\0', static_cast<char>(size)};
  return bytes + values;
}

TEST(Idx, RowsOfImagesAreFramesAndLabelsLieBeside) {
  const TempDir dir;
  const std::string images = dir.write("t-images-idx3-ubyte", idx({2, 2, 3}, std::string("\0\1\2\3\4\xFF"
                                                                                         "\5\5\5\5\5\5",
                                                                                         12)));
  dir.write("t-labels-idx1-ubyte", idx({2}, "\7\3"));
  const FramePlan plan = plan_frames({images}, {});
  EXPECT_EQ(plan.reason, "images in the format of MNIST, with labels in t-labels-idx1-ubyte; their rows are frames");
  const FrameSet set = read(images);
  ASSERT_EQ(set.examples.size(), 2u);
  EXPECT_EQ(set.width, 3);
  EXPECT_EQ(set.examples[0].length, 2);
  EXPECT_EQ(set.examples[0].values.back(), 1.0F);
  EXPECT_EQ(set.examples[0].target + set.examples[1].target, "73");
  EXPECT_EQ(files_of_frames(images).size(), 2u);
  const std::string cut = dir.write("cut", idx({2, 2, 3}, "too few"));
  EXPECT_EQ(error_of(cut), cut +
                               ": [data] an IDX file holds as many values as it says at its beginning; got 23 bytes. "
                               "Fetch the file again.");
  const std::string huge =
      dir.write("huge", std::string("\0\0\x08\3\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 16));
  EXPECT_NE(error_of(huge).find("as many values as it says"), std::string::npos);
  dir.write("t-labels-idx1-ubyte", idx({1}, "\7"));
  EXPECT_NE(error_of(images).find("there must be a label for each of 2 images; got 1."), std::string::npos);
}

TEST(Idx, SizesAreNotMultipliedBeforeTheyAreHeldAgainstTheFile) {
  const TempDir dir;
  // No image, and so no value, whatever the other sizes say; then an image without rows.
  const std::string huge = "\xFF\xFF\xFF\xFF";
  const std::string none = dir.write("none", std::string("\0\0\x08\4\0\0\0\0", 8) + huge + huge + huge);
  EXPECT_EQ(error_of(none), none + ": [data] at least one sequence of frames is needed; got none. Check the file.");
  const std::string flat = dir.write("flat", std::string("\0\0\x08\4\0\0\0\1\0\0\0\0", 12) + huge + huge);
  EXPECT_NE(error_of(flat).find("images must have pixels"), std::string::npos) << error_of(flat);
}

TEST(Idx, LabelsOfManyDigitsStayApart) {
  const TempDir dir;
  const std::string images = dir.write("n-images-idx3-ubyte", idx({2, 1, 1}, "ab"));
  dir.write("n-labels-idx1-ubyte", std::string("\0\0\x0C\1\0\0\0\2\0\x12\xD6\x87\0\x12\xD6\x88", 16));
  const FrameSet set = read(images);
  ASSERT_EQ(set.examples.size(), 2u);
  EXPECT_EQ(set.examples[0].target, "1234567");
  EXPECT_EQ(set.examples[1].target, "1234568");
}

TEST(Ts, GapsBetweenFarValuesStayFinite) {
  const TempDir dir;
  const FrameSet set = read(dir.write("g.ts", "@classLabel true a\n@data\n3e38,?,?,-3e38:a\n"));
  ASSERT_EQ(set.examples.size(), 1u);
  for (const float value : set.examples[0].values) EXPECT_TRUE(std::isfinite(value)) << value;
  EXPECT_NEAR(set.examples[0].values[1], 1e38, 1e32);
}

std::string npy(const std::string& header, const std::string& values) {
  std::string bytes = std::string("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header + values;
}

TEST(Npy, ReadsTypesAndBothOrders) {
  const TempDir dir;
  const float values[] = {1, 2, 3, 4, 5, 6};
  const std::string bytes(reinterpret_cast<const char*>(values), sizeof values);
  FrameSet set = read(dir.write("a.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", bytes)));
  EXPECT_EQ(set.width, 2);
  EXPECT_EQ(set.examples[0].values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  set = read(dir.write("b.npy", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", bytes)));
  EXPECT_EQ(set.examples[0].values, (std::vector<float>{1, 4, 2, 5, 3, 6}));
  set = read(dir.write(
      "c.npy", npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }", std::string("\xFF\xFE\x01\x00", 4))));
  EXPECT_EQ(set.examples[0].values, (std::vector<float>{-2, 256}));
  const std::string bad = dir.write("d.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9, 2), }", bytes));
  EXPECT_EQ(error_of(bad), bad +
                               ": [data] an array must hold as many values as its shape says, and at least one; got 6 "
                               "of 9 by 2. Write it again.");
  const std::string text = dir.write("e.npy", npy("{'descr': '<U7', 'fortran_order': False, 'shape': (1,), }", bytes));
  EXPECT_NE(error_of(text).find("which is none of numbers that are read"), std::string::npos) << error_of(text);
}

TEST(Recordings, NamesSayLabelsAndGroups) {
  const TempDir dir;
  for (const char* name : {"7_ann_0.wav", "7_bob_0.wav", "3_ann_0.wav", "3_bob_1.wav"}) dir.write(name, wav(8000, 400));
  const FramePlan plan = plan_frames({dir.path()}, {});
  EXPECT_EQ(plan.reason,
            "a folder of 4 files; part 1 of their names is the label (2: 3, 7); if another part is, set label_part: "
            "part 2 has 2 values (ann, bob), part 3 has 2 values (0, 1)");
  FrameFormat format;
  format.group_part = 2;
  FrameSet set = read(dir.path(), format);
  EXPECT_EQ(set.sample_rate, 8000);
  EXPECT_EQ(set.width, 80);
  EXPECT_EQ(set.examples[0].target, "3");
  EXPECT_EQ(set.examples[0].group, "ann");
  const FrameSplit split = cut_frames(set, 0.5, 1);
  ASSERT_EQ(split.dev.size(), 2u);
  EXPECT_EQ(set.examples[static_cast<size_t>(split.dev[0])].group,
            set.examples[static_cast<size_t>(split.dev[1])].group);
  format.label_part = 2;
  EXPECT_EQ(read(dir.path(), format).examples[0].target, "ann");
  format.label_part = 4;
  EXPECT_NE(error_of(dir.path(), format).find("of which there are 3; got 4. Set one of these."), std::string::npos);
  EXPECT_EQ(files_of_frames(dir.path()).size(), 4u);
}

TEST(Recordings, FoldersAndListsNameThemToo) {
  const TempDir dir;
  std::filesystem::create_directories(dir.file("yes"));
  std::filesystem::create_directories(dir.file("no"));
  dir.write("yes/a.wav", wav(16000, 800));
  dir.write("no/b.wav", wav(8000, 400));
  FrameSet set = read(dir.path());
  ASSERT_EQ(set.examples.size(), 2u);
  EXPECT_EQ(set.examples[0].target + set.examples[1].target, "noyes");
  EXPECT_EQ(set.notes, (std::vector<std::string>{"1 recording was brought to 8000 Hz"}));
  EXPECT_NEAR(static_cast<double>(set.examples[1].length), static_cast<double>(set.examples[0].length), 1);
  const std::string list = dir.write("list.tsv", "yes/a.wav\tone\nno/b.wav\ttwo\tann\nyes/a.wav\tone\nno/b.wav\ttwo\n");
  EXPECT_FALSE(plan_frames({list}, {}).transcripts);
  set = read(list);
  EXPECT_EQ(set.examples[1].target, "two");
  EXPECT_EQ(set.examples[1].group, "ann");
  EXPECT_EQ(set.examples[1].line, 2);
  EXPECT_TRUE(plan_frames({dir.write("said.tsv", "yes/a.wav\tone two\nno/b.wav\tthree one\n")}, {}).transcripts);
  EXPECT_NE(error_of(dir.write("bad.tsv", "yes/a.wav\tone\nno/b.wav\n")).find(":2:9: [data] a row of a list is a path"),
            std::string::npos);
}

TEST(Recordings, ListsMayHaveCommasOrSemicolons) {
  const TempDir dir;
  std::filesystem::create_directories(dir.file("yes"));
  dir.write("yes/a.wav", wav(8000, 800));
  dir.write("b,c.wav", wav(8000, 400));
  const std::string list = dir.write("list.csv", "yes/a.wav,one\n\"b,c.wav\",two\nyes/a.wav, one\nyes/a.wav,two\n");
  const FramePlan plan = plan_frames({list}, {});
  EXPECT_EQ(plan.format, "list");
  EXPECT_FALSE(plan.transcripts);
  FrameSet set = read(list);
  ASSERT_EQ(set.examples.size(), 4u);
  EXPECT_EQ(set.examples[1].target, "two");
  EXPECT_EQ(set.examples[2].target, "one");
  EXPECT_EQ(files_of_frames(list).size(), 5u);
  const std::string said = dir.write("said.csv", "yes/a.wav;\"one; two\"\nyes/a.wav;three, one\n");
  EXPECT_TRUE(plan_frames({said}, {}).transcripts);
  set = read(said);
  EXPECT_EQ(set.examples[0].target, "one; two");
  EXPECT_EQ(set.examples[1].target, "three, one");
  const std::string rule = " [data] a row of a list is a path, a comma and what the recording is or says; got ";
  const std::string bad = dir.write("bad.csv", "yes/a.wav,one\nyes/a.wav,well, yes\n");
  EXPECT_EQ(error_of(bad), bad + ":2:16:" + rule +
                               "\"yes/a.wav,well, yes\". Put a text with such a character into quotes; a third "
                               "column needs tabs.");
  const std::string late = dir.write("late.csv", "yes/a.wav,one\nyes/a.wav, \"one\"\n");
  EXPECT_EQ(error_of(late), late + ":2:11:" + rule + "\"yes/a.wav, \"one\"\". Take the blank before the quote away.");
  // All quoted, and a cell that goes over two lines.
  const std::string quoted = dir.write("quoted.csv", "\"b,c.wav\",\"one two\"\n\"yes/a.wav\",\"three\n one\"\n");
  EXPECT_TRUE(plan_frames({quoted}, {}).transcripts);
  set = read(quoted);
  ASSERT_EQ(set.examples.size(), 2u);
  EXPECT_EQ(set.examples[1].line, 2);
  EXPECT_EQ(plan_frames({dir.write("names.txt", "b,c.wav\n")}, {}).format, "names");
}

TEST(Recordings, AreReadInEveryWidthAndRefusedWhenDamaged) {
  const TempDir dir;
  const Audio short16 = read_audio(dir.write("a.wav", wav(8000, 100)));
  const Audio float32 = read_audio(dir.write("b.wav", wav(8000, 100, 32)));
  ASSERT_EQ(short16.samples.size(), 100u);
  ASSERT_EQ(float32.samples.size(), 100u);
  for (size_t i = 0; i < 100; ++i) EXPECT_NEAR(short16.samples[i], float32.samples[i], 1e-4);
  const std::string bad = dir.write("c.wav", "RIFF nothing");
  EXPECT_NE(error_of(bad).find(": [audio] a file must be a recording; got "), std::string::npos) << error_of(bad);
  EXPECT_THROW(read_audio(dir.write("d.wav", wav(8000, 9000)), 1), DataError);
  const std::string empty = dir.write("e.wav", wav(8000, 0));
  EXPECT_EQ(error_of(empty), empty + ": [audio] a file must be a recording; got no sample. Take it out of the data.");
}

TEST(Recordings, KeepTheirPitchWhenResampled) {
  Audio sound;
  sound.sample_rate = 16000;
  for (int i = 0; i < 16000; ++i) sound.samples.push_back(std::sin(0.1F * static_cast<float>(i)));
  const Audio half = resample(sound, 8000);
  ASSERT_NEAR(static_cast<double>(half.samples.size()), 8000, 2);
  for (size_t i = 1000; i < 7000; ++i) EXPECT_NEAR(half.samples[i], sound.samples[2 * i], 0.02) << i;
  EXPECT_THROW(resample(sound, 10), ConfigError);
}

FrameSet toy_set(int64_t count) {
  FrameSet set;
  set.width = 2;
  for (int64_t i = 0; i < count; ++i) {
    FrameExample e;
    e.name = fmt::format("series {}", i);
    e.target = i % 3 == 0 ? "a" : "b";
    e.length = 3;
    for (int k = 0; k < 3; ++k) {
      e.values.push_back(static_cast<float>(i + k));
      e.values.push_back(5);
    }
    set.examples.push_back(e);
  }
  return set;
}

TEST(FrameScaling, BringsColumnsToMeanZeroAndDeviationOne) {
  const FrameSet set = toy_set(4);
  for (const std::string kind : {"training", "sequence", "common", "none"}) {
    FrameScaling s = FrameScaling::learn(set, {0, 1, 2, 3}, kind, 1);
    FrameExample e = set.examples[1];
    s.apply(e);
    if (kind == "training") {
      EXPECT_NEAR(e.values[0], (1 - 2.5) / std::sqrt(1.9166667), 1e-5);
    }
    if (kind == "sequence") {
      EXPECT_NEAR(e.values[0], -1 / std::sqrt(2.0 / 3), 1e-5);
    }
    if (kind == "none") {
      EXPECT_EQ(e.values[0], 1);
    }
    if (kind == "training" || kind == "sequence") {
      EXPECT_EQ(e.values[1], 0) << "a column that never changes";
    }
  }
  FrameScaling s = FrameScaling::learn(set, {0}, "none", 2);
  FrameExample e = set.examples[0];
  s.apply(e);
  EXPECT_EQ(e.length, 2);
  EXPECT_EQ(e.values, (std::vector<float>{0, 5, 1, 5, 2, 5, 0, 0}));
}

TEST(FrameScaling, StretchingKeepsTheEndsAndLiesOnStraightLines) {
  const std::vector<float> line = {0, 10, 1, 20, 2, 30};
  EXPECT_EQ(stretched(line, 2, 1), line);
  EXPECT_EQ(stretched(line, 2, 0.6), (std::vector<float>{0, 10, 0.5, 15, 1, 20, 1.5, 25, 2, 30}));
  EXPECT_EQ(stretched(line, 2, 1.5), (std::vector<float>{0, 10, 2, 30}));
  EXPECT_EQ(stretched(line, 2, 9).size(), 2u);
}

TEST(FrameSplit, EachLabelGivesItsShare) {
  const FrameSet set = toy_set(30);
  const FrameSplit split = cut_frames(set, 0.2, 1);
  int64_t a = 0;
  for (const int64_t i : split.dev) a += i % 3 == 0;
  EXPECT_EQ(a, 2);
  EXPECT_EQ(split.dev.size(), 6u);
  EXPECT_EQ(split.train.size(), 24u);
  EXPECT_NE(cut_frames(set, 0.2, 2).dev, split.dev);
  const std::vector<int64_t> parts = equal_parts(set, 5, 1);
  std::vector<int64_t> as(5), all(5);
  for (size_t i = 0; i < parts.size(); ++i) {
    all[static_cast<size_t>(parts[i])] += 1;
    as[static_cast<size_t>(parts[i])] += i % 3 == 0;
  }
  EXPECT_EQ(all, std::vector<int64_t>(5, 6));
  EXPECT_EQ(as, std::vector<int64_t>(5, 2));
  EXPECT_THROW(cut_frames(toy_set(1), 0.5, 1), DataError);
}

}  // namespace frames_test
}  // namespace carousel::data
