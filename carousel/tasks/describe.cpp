#include "carousel/tasks/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace carousel::tasks {

std::string network_text(const nn::StackConfig& stack) {
  const std::vector<int64_t> widths = stack.widths();
  const bool equal = std::equal(widths.begin() + 1, widths.end(), widths.begin());
  return fmt::format("{} {} layer{} of {} units{}", widths.size(), stack.cell.cell, widths.size() == 1 ? "" : "s",
                     equal ? std::to_string(widths[0]) : fmt::format("{}", fmt::join(widths, ", ")),
                     stack.bidirectional ? " in each direction" : "");
}

void add_stack_rows(std::vector<std::pair<std::string, std::string>>& rows, const nn::StackConfig& stack) {
  std::vector<std::string> between, cells;
  if (stack.residual || stack.layer_norm) {
    const std::string sum = stack.residual ? "h + x" : "h";
    between.push_back("y = " + (stack.layer_norm ? "LN(" + sum + ")" : sum));
  }
  if (stack.dropout > 0 && stack.widths().size() > 1) {  // it stands between two layers
    between.push_back(fmt::format("dropout {}", stack.dropout));
    if (stack.variational_dropout) between.emplace_back("one mask per sequence");
  }
  if (stack.recurrent_dropout > 0) cells.push_back(fmt::format("recurrent dropout {}", stack.recurrent_dropout));
  if (stack.zoneout > 0) cells.push_back(fmt::format("zoneout {}", stack.zoneout));
  if (!between.empty()) rows.emplace_back("between layers", fmt::format("{}", fmt::join(between, ", ")));
  if (!cells.empty()) rows.emplace_back("in the cells", fmt::format("{}", fmt::join(cells, ", ")));
}

void add_parameter_rows(std::vector<std::pair<std::string, std::string>>& rows, const nn::StackConfig& stack,
                        int64_t input_size) {
  const auto cell = nn::make_cell(stack.cell);
  int64_t layer = 0;
  for (const int64_t width : stack.widths()) {
    rows.emplace_back(
        fmt::format("parameters of layer {}", layer++),
        fmt::format("{}{}", cell->parameter_sum(input_size, width), stack.bidirectional ? " in each direction" : ""));
    input_size = (stack.bidirectional ? 2 : 1) * cell->output_size(width);
  }
}

std::string short_source(const data::PairData& data, const std::vector<int64_t>& indices) {
  constexpr size_t kLookedAt = 100;
  std::string_view best;
  for (size_t k = 0; k < std::min(kLookedAt, indices.size()); ++k) {
    const std::string_view text = data.examples[static_cast<size_t>(indices[k])].source;
    if (best.empty() || text.size() < best.size()) best = text;
  }
  return std::string(best);
}

}  // namespace carousel::tasks
