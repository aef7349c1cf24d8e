// What the gated recurrent units share.
#pragma once

#include "carousel/nn/cells/step_ops.h"

namespace carousel::nn {

/// h of the update gate z, the past h and the candidate g. new: (1 - z) h + z g; keep: z h + (1 - z) g.
Var mix_past(Tape* tape, bool keep, const Var& z, const Var& past, const Var& candidate);
/// The line of the equations for it.
std::string mix_formula(bool keep);

}  // namespace carousel::nn
