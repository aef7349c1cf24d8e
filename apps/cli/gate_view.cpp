#include "apps/cli/gate_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/options.h"

namespace carousel::cli {

namespace {

using tasks::GateSeries;
using tasks::GateTrace;

std::vector<std::string> names_of(const GateTrace& trace, std::string GateSeries::*name) {
  std::vector<std::string> names;
  for (const GateSeries& series : trace.series)
    if (std::find(names.begin(), names.end(), series.*name) == names.end()) names.push_back(series.*name);
  return names;
}

void require_name(const std::string& flag, const std::string& name, const std::vector<std::string>& known) {
  if (name.empty() || std::find(known.begin(), known.end(), name) != known.end()) return;
  const std::string near = nearest_name(name, known);
  throw ConfigError(fmt::format("[{}] the model must have what is asked for; got \"{:.40}\" of {}. {}", flag, name,
                                fmt::join(known, ", "),
                                near.empty() ? "Choose one of them." : fmt::format("Did you mean \"{}\"?", near)));
}

/// Where a value lies between the ends of its series.
struct Scale {
  float low = 0, high = 1;
  float share(float value) const { return (value - low) / (high - low); }
};

Scale scale_of(const GateSeries& series) {
  float least = 0, most = 1;
  for (const float value : series.values) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  if (least >= 0 && most <= 1) return {0, 1};
  const float bound = std::max(std::abs(least), std::abs(most));
  return {-bound, bound};
}

std::string csv_token(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string safe = "\"";
  for (const char c : text) safe += c == '"' ? std::string("\"\"") : std::string(1, c);
  return safe + "\"";
}

}  // namespace

GateTrace select_gates(const GateTrace& trace, const std::string& layer, const std::string& gate) {
  require_name("--layer", layer, names_of(trace, &GateSeries::layer));
  GateTrace chosen{trace.input, trace.output, {}};
  for (const GateSeries& series : trace.series)
    if (layer.empty() || series.layer == layer) chosen.series.push_back(series);
  require_name("--gate", gate, names_of(chosen, &GateSeries::gate));
  std::erase_if(chosen.series, [&](const GateSeries& series) { return !gate.empty() && series.gate != gate; });
  return chosen;
}

std::string gate_table(const GateTrace& trace) {
  int64_t width = 5, name_width = 4;
  for (const GateSeries& series : trace.series) {
    width = std::max(width, display_width(series.layer));
    name_width = std::max(name_width, display_width(series.gate));
  }
  std::string text = pad_right("layer", width) + "  " + pad_right("gate", name_width) +
                     "  units  tokens     mean      min      max  saturated\n";
  for (const GateSeries& series : trace.series) {
    double sum = 0, least = INFINITY, most = -INFINITY;
    for (const float value : series.values) {
      sum += static_cast<double>(value);
      least = std::min(least, static_cast<double>(value));
      most = std::max(most, static_cast<double>(value));
    }
    const double count = static_cast<double>(std::max<size_t>(series.values.size(), 1));
    text += fmt::format("{}  {}  {:>5}  {:>6}  {:>7.4f}  {:>7.4f}  {:>7.4f}  {:>9}\n", pad_right(series.layer, width),
                        pad_right(series.gate, name_width), series.units, series.tokens.size(), sum / count, least,
                        most, series.saturated ? fmt::format("{:.1f} %", 100 * *series.saturated) : "-");
  }
  return text;
}

std::string draw_gates(const GateSeries& series, const HeatMapStyle& style) {
  const Scale scale = scale_of(series);
  int64_t label = 4;
  for (const std::string& token : series.tokens) label = std::clamp<int64_t>(display_width(token), label, 16);
  const int64_t at_once = std::max<int64_t>(10, style.columns - label - 1);
  std::string text = fmt::format("{} {}\n", series.layer, series.gate);
  for (int64_t begin = 0; begin < series.units; begin += at_once) {
    const int64_t end = std::min(series.units, begin + at_once);
    text += pad_left("unit", label) + " " + fmt::format("{}\n", begin);
    for (size_t t = 0; t < series.tokens.size(); ++t) {
      text += pad_left(series.tokens[t], label) + " ";
      for (int64_t unit = begin; unit < end; ++unit) {
        const float value = series.values[t * static_cast<size_t>(series.units) + static_cast<size_t>(unit)];
        text += shade(scale.share(value), 1, style.paint);
      }
      text += "\n";
    }
    text += "\n";
  }
  return text +
         fmt::format("{:.3g} {} {:.3g}   rows: tokens, columns: units\n", scale.low, shades(style.paint), scale.high);
}

std::string gates_png(const GateSeries& series) {
  const Scale scale = scale_of(series);
  tasks::AttentionMap map;
  map.target = series.tokens;
  for (int64_t unit = 0; unit < series.units; ++unit) map.source.push_back(fmt::format("{}", unit));
  for (const float value : series.values) map.weights.push_back(scale.share(value));
  return heat_map_png(map);
}

Json gates_json(const GateTrace& trace) {
  Json list = Json::array();
  for (const GateSeries& series : trace.series) {
    Json rows = Json::array();
    for (size_t t = 0; t < series.tokens.size(); ++t) {
      Json row = Json::array();
      for (int64_t unit = 0; unit < series.units; ++unit) {
        const float value = series.values[t * static_cast<size_t>(series.units) + static_cast<size_t>(unit)];
        row.push_back(std::round(static_cast<double>(value) * 1e6) / 1e6);
      }
      rows.push_back(row);
    }
    list.push_back({{"layer", series.layer},
                    {"gate", series.gate},
                    {"tokens", series.tokens},
                    {"units", series.units},
                    {"values", rows}});
  }
  return {{"schema", "carousel/gates@1"}, {"input", trace.input}, {"output", trace.output}, {"series", list}};
}

std::string gates_csv(const GateTrace& trace) {
  std::string text = "layer,gate,position,token,unit,value\r\n";
  for (const GateSeries& series : trace.series)
    for (size_t t = 0; t < series.tokens.size(); ++t) {
      const std::string token = csv_token(series.tokens[t]);
      for (int64_t unit = 0; unit < series.units; ++unit)
        fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{}\r\n", series.layer, series.gate, t, token, unit,
                       series.values[t * static_cast<size_t>(series.units) + static_cast<size_t>(unit)]);
    }
  return text;
}

std::string gates_npy(const GateSeries& series) {
  static_assert(std::endian::native == std::endian::little, "the array is written as the machine holds it");
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}",
                                   series.tokens.size(), series.units);
  constexpr size_t kBefore = 10, kStep = 64;  // magic, version and length; what a whole header is a multiple of
  header.append(kStep - (kBefore + header.size() + 1) % kStep, ' ');
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += '\x01';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(series.values.data()), series.values.size() * sizeof(float));
  return bytes;
}

}  // namespace carousel::cli
