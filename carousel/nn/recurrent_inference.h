// A recurrent layer for answers alone: nothing is kept for gradients or for people to look at.
#pragma once

#include "carousel/nn/recurrent.h"

namespace carousel::nn {

/// Whether recurrent_inference() can run this layer: f32, a fused cell.
bool has_inference(const Cell& cell, const Var& x);

/// Whether threads then share the units of each step instead of the sequences: one direction, fewer sequences than
/// threads, weights that take microseconds to read.
bool shares_units(const Cell& cell, const Packing& packing, const std::vector<Direction>& directions);

/// The outputs of recurrent() without gradients or records, for arguments that passed check_recurrent(). Steps are done
/// a few at a time, so that what the input gives the gates stays in the nearest caches and memory does not grow with
/// the length. Where units are shared, each thread reads the weights of its own alone, and after each step waits until
/// all of h is there. Numbers differ from those of recurrent() with a tape by rounding; with the same number of threads
/// the bits are the same every time.
RecurrentOutput recurrent_inference(const Cell& cell, const Packing& packing, const Var& x,
                                    const std::vector<Direction>& directions);

}  // namespace carousel::nn
