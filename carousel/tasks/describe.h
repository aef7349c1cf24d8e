// Rows for `carousel info`, and the example of a next command, that several tasks have.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "carousel/data/pairs.h"
#include "carousel/nn/stack.h"

namespace carousel::tasks {

/// One row for each line of `text` (a cell's equations); the name stands in the first.
inline void add_lines(std::vector<std::pair<std::string, std::string>>& rows, std::string name,
                      const std::string& text) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    rows.emplace_back(name, text.substr(begin, end - begin));
    name.clear();
    begin = end + 1;
  }
}

/// "2 lstm layers of 256 units in each direction", "3 gru layers of 512, 512, 256 units".
std::string network_text(const nn::StackConfig& stack);

/// What stands between the layers of a stack and what is random in training, where there is any of it:
/// "between layers": "y = LN(h + x), dropout 0.2, one mask per sequence"; "in the cells": "zoneout 0.1".
void add_stack_rows(std::vector<std::pair<std::string, std::string>>& rows, const nn::StackConfig& stack);

/// One row for each recurrent layer over an input of `input_size`: "parameters of layer 0", "4 * 8 * (5 + 8) + ...".
void add_parameter_rows(std::vector<std::pair<std::string, std::string>>& rows, const nn::StackConfig& stack,
                        int64_t input_size);

/// The shortest source of the first examples (indices into data.examples): an input that is quickly read and typed.
std::string short_source(const data::PairData& data, const std::vector<int64_t>& indices);

}  // namespace carousel::tasks
