// Dropout whose mask lasts: for a whole sequence, or for a symbol wherever it stands.
#pragma once

#include <cstdint>
#include <span>

#include "carousel/autograd/tape.h"
#include "carousel/tensor/packing.h"

namespace carousel::nn {

/// Dropout with one mask for all steps of a sequence (variational dropout, Gal & Ghahramani 2016): x [rows, W], packed;
/// element j of a sequence is zeroed at every step with probability `drop` in [0, 1), or scaled by 1 / (1 - drop). The
/// mask is a pure function of (key, stream, sequence in the caller's order, j). Throws ConfigError for another `drop`.
Var sequence_dropout(Tape* tape, const Packing& packing, const Var& x, double drop, uint64_t key, uint64_t stream);

/// Dropout of whole symbols (Gal & Ghahramani 2016; Merity et al. 2018): x [rows, W], row i the embedding of ids[i];
/// all rows of a symbol are zeroed with probability `drop` in [0, 1), or scaled by 1 / (1 - drop). The mask is a pure
/// function of (key, stream, symbol). Throws ConfigError for another `drop`, ShapeError for another number of ids.
Var embedding_dropout(Tape* tape, std::span<const int32_t> ids, const Var& x, double drop, uint64_t key,
                      uint64_t stream);

}  // namespace carousel::nn
