// Inference in pieces: a sequence cut anywhere, a batch in any order and with any neighbours, gives the same bits.
#include <gtest/gtest.h>

#include <numeric>

#include "carousel/base/threads.h"
#include "tests/nn/cell_samples.h"

namespace carousel::nn {
namespace streaming_test {

using testing::make_sample;
using testing::Sample;

/// One row for every cell with its own conventions and for the other corners of the GRU.
std::vector<CellOptions> streamed() {
  std::vector<CellOptions> list;
  for (const CellOptions& o : testing::all_conventions())
    if (o.biases == 1) list.push_back(o);
  return list;
}

class Streaming : public ::testing::TestWithParam<CellOptions> {
 protected:
  void TearDown() override { set_threads(0); }
};

/// Rows [begin, end) of the time steps of sequence j of a packed tensor.
Var steps_of(const Packing& packing, const Var& packed, int64_t j, int64_t begin, int64_t end) {
  std::vector<int64_t> rows;
  for (int64_t t = begin; t < end; ++t) rows.push_back(packing.row(t, j));
  return ops::gather_rows(nullptr, packed, rows);
}

template <class T>
std::vector<T> bits(const Tensor& t) {
  return {t.span<T>().begin(), t.span<T>().end()};
}

/// Runs sequence j of the sample alone, in pieces of the given sizes, each beginning with the state the last one left.
template <class T>
std::vector<T> in_pieces(const Sample& s, int64_t j, const std::vector<int64_t>& pieces, std::vector<T>& last) {
  std::vector<T> y;
  std::vector<Var> state;
  for (const Var& v : s.directions[0].initial) state.push_back(ops::gather_rows(nullptr, v, {j}));
  int64_t begin = 0;
  for (const int64_t piece : pieces) {
    Direction direction = s.directions[0];
    direction.initial = state;
    const RecurrentOutput out = recurrent(nullptr, *s.cell, Packing::make(std::vector<int64_t>{piece}),
                                          steps_of(s.packing, s.x, j, begin, begin + piece), {direction});
    for (const T v : bits<T>(out.y.value())) y.push_back(v);
    state = out.states[0];
    begin += piece;
  }
  last.clear();
  for (const Var& v : state)
    for (const T x : bits<T>(v.value())) last.push_back(x);
  return y;
}

template <class T>
void expect_same_in_pieces(const CellOptions& options, int64_t input, int64_t hidden) {
  const std::vector<int64_t> lengths = {7, 12, 3, 12, 5, 1, 9, 4, 11};
  for (const bool with_state : {false, true}) {
    const Sample s = make_sample(options, {lengths, input, hidden, false, with_state, dtype_of<T>()});
    const RecurrentOutput whole = s.run();
    for (int64_t j = 0; j < s.packing.batch_size(); ++j) {
      const int64_t length = s.packing.lengths[static_cast<size_t>(j)];
      const std::vector<T> want = bits<T>(steps_of(s.packing, whole.y, j, 0, length).value());
      std::vector<std::vector<int64_t>> cuts = {std::vector<int64_t>(static_cast<size_t>(length), 1), {length}};
      if (length > 3) cuts.push_back({3, length - 3});
      for (const auto& cut : cuts) {
        std::vector<T> last, want_last;
        EXPECT_EQ(in_pieces<T>(s, j, cut, last), want) << "sequence " << j << " in " << cut.size() << " pieces";
        for (const Var& state : whole.states[0])
          for (const T v : bits<T>(ops::gather_rows(nullptr, state, {j}).value())) want_last.push_back(v);
        EXPECT_EQ(last, want_last);
      }
    }
  }
}

TEST_P(Streaming, AnyCutGivesTheSameBits) {
  for (const int threads : {1, 2}) {
    set_threads(threads);
    expect_same_in_pieces<double>(GetParam(), 3, 5);
    expect_same_in_pieces<float>(GetParam(), 3, 5);
    expect_same_in_pieces<float>(GetParam(), 40, 72);
  }
}

TEST_P(Streaming, OrderAndNeighboursOfABatchNeverMatter) {
  const std::vector<int64_t> lengths = {7, 2, 7, 4, 1};
  const Sample s = make_sample(GetParam(), {lengths, 3, 37, true, false, DType::f32});
  const RecurrentOutput whole = s.run();
  // The same sequences the other way round, and then without the first two of them.
  for (const int64_t left_out : {0, 2}) {
    Sample other = s;
    std::vector<int64_t> callers, kept;
    for (int64_t b = static_cast<int64_t>(lengths.size()) - 1; b >= left_out; --b) {
      callers.push_back(b);
      kept.push_back(lengths[static_cast<size_t>(b)]);
    }
    other.packing = Packing::make(kept);
    std::vector<int64_t> rows(static_cast<size_t>(other.packing.rows()));
    const auto position = [&](size_t k) {
      return s.packing.position[static_cast<size_t>(callers[static_cast<size_t>(other.packing.order[k])])];
    };
    for (size_t k = 0; k < kept.size(); ++k)
      for (int64_t t = 0; t < other.packing.lengths[k]; ++t)
        rows[static_cast<size_t>(other.packing.row(t, static_cast<int64_t>(k)))] = s.packing.row(t, position(k));
    other.x = ops::gather_rows(nullptr, s.x, rows);
    const RecurrentOutput out = other.run();
    EXPECT_EQ(bits<float>(out.y.value()), bits<float>(ops::gather_rows(nullptr, whole.y, rows).value()));
    std::vector<int64_t> positions;
    for (size_t k = 0; k < kept.size(); ++k) positions.push_back(position(k));
    for (size_t d = 0; d < 2; ++d)
      for (size_t i = 0; i < out.states[d].size(); ++i)
        EXPECT_EQ(bits<float>(out.states[d][i].value()),
                  bits<float>(ops::gather_rows(nullptr, whole.states[d][i], positions).value()));
  }
}

TEST(StreamingWide, AnyCutGivesTheSameBits) {
  for (const int threads : {1, 2}) {
    set_threads(threads);
    for (const char* cell : {"lstm", "gru"}) {
      CellOptions options;
      options.cell = cell;
      expect_same_in_pieces<float>(options, 200, 160);
    }
  }
  set_threads(0);
}

INSTANTIATE_TEST_SUITE_P(Registry, Streaming, ::testing::ValuesIn(streamed()),
                         [](const auto& param_info) { return testing::name_of(param_info.param); });

}  // namespace streaming_test
}  // namespace carousel::nn
