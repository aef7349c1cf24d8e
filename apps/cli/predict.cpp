// carousel predict: one answer per line of a file or a pipe.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "apps/cli/decode_flags.h"
#include "apps/cli/latency.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/text_input.h"
#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/engine/engine.h"

namespace carousel::cli {

namespace {

constexpr size_t kLinesAtOnce = 1024;
constexpr int64_t kNotesShown = 10;

struct PredictFlags {
  std::string model, input = "-";
  DecodeFlags decode;
  bool json = false;
};

/// Tokens, tags and spans side by side; a span also as its words.
void add_tagging(const tasks::Tagging& tagging, Json& json) {
  json["tokens"] = tagging.tokens;
  json["tags"] = tagging.tags;
  json["tag_probabilities"] = tagging.probabilities;
  json["spans"] = Json::array();
  for (const tasks::Tagging::Span& span : tagging.spans) {
    const auto first = tagging.tokens.begin();
    json["spans"].push_back({{"type", span.type},
                             {"begin", span.begin},
                             {"end", span.end},
                             {"text", fmt::format("{}", fmt::join(first + span.begin, first + span.end, " "))}});
  }
  if (!tagging.intent.empty()) json["intent"] = tagging.intent;
}

Json to_json(const tasks::Prediction& prediction) {
  Json hypotheses = Json::array();
  for (const auto& hypothesis : prediction.hypotheses) {
    hypotheses.push_back({{"text", hypothesis.text},
                          {"probability", hypothesis.probability},
                          {"log_probability", hypothesis.log_probability}});
  }
  Json json = {{"schema", "carousel/predict@1"},
               {"input", prediction.input},
               {"hypotheses", hypotheses},
               {"in_training", in_training(prediction)},
               {"notes", prediction.notes}};
  if (prediction.tagging) add_tagging(*prediction.tagging, json);
  if (!prediction.probabilities.empty()) json["probabilities"] = prediction.probabilities;
  if (!prediction.error.empty()) json["error"] = prediction.error;
  return json;
}

/// True when all lines look like training data: answering whole lines is then hardly what was meant.
bool look_like_pairs(const std::vector<std::string>& lines) {
  return std::all_of(lines.begin(), lines.end(),
                     [](const std::string& line) { return std::count(line.begin(), line.end(), '\t') == 1; });
}

/// The lines for one input: the answer alone, or with n-best "input TAB answer TAB probability" for each answer: the
/// input stands in each line because there may be fewer answers than asked for.
std::string to_text(const tasks::Prediction& prediction, bool nbest) {
  if (!nbest) return (prediction.hypotheses.empty() ? "" : prediction.hypotheses.front().text) + "\n";
  std::string text;
  for (const auto& hypothesis : prediction.hypotheses) {
    text += fmt::format("{}\t{}\t{:.6g}\n", prediction.input, hypothesis.text, hypothesis.probability);
  }
  return text;
}

/// A cell of a table as RFC 4180 has it.
std::string csv_cell(const tasks::FileAnswer::Cell& cell) {
  if (const auto* number = std::get_if<double>(&cell)) return fmt::format("{:.8g}", *number);
  if (const auto* number = std::get_if<int64_t>(&cell)) return fmt::format("{}", *number);
  const std::string& text = std::get<std::string>(cell);
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv_line(const std::vector<tasks::FileAnswer::Cell>& row) {
  std::string text;
  for (size_t c = 0; c < row.size(); ++c) text += (c > 0 ? "," : "") + csv_cell(row[c]);
  return text + "\n";
}

std::string csv_names(const std::vector<std::string>& columns) {
  return csv_line({columns.begin(), columns.end()});
}

std::string to_csv(const tasks::FileAnswer& answer) {
  std::string text = csv_names(answer.columns);
  for (const auto& row : answer.rows) text += csv_line(row);
  return text;
}

/// One row of a table as one object.
std::string to_json_line(const std::vector<std::string>& columns, const std::vector<tasks::FileAnswer::Cell>& row) {
  Json json = {{"schema", "carousel/predict-row@1"}};
  for (size_t c = 0; c < row.size(); ++c)
    json[columns[c]] = std::visit([](const auto& value) { return Json(value); }, row[c]);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string to_json_lines(const tasks::FileAnswer& answer) {
  std::string text;
  for (const auto& row : answer.rows) text += to_json_line(answer.columns, row);
  return text;
}

int predict_file(engine::Engine& model, const PredictFlags& flags, const tasks::PredictOptions& options) {
  if (flags.input == "-")
    throw ConfigError(
        "[predict] this model answers a file of numbers, which is looked at more than once; got standard input. Name a "
        "file.");
  const tasks::FileAnswer answer = model.predict_file(flags.input, options);
  for (const std::string& note : answer.notes) say("note: " + note);
  print(flags.json ? to_json_lines(answer) : to_csv(answer));
  return kOk;
}

/// Each row is answered before the next one is waited for.
int predict_rows(tasks::RowAnswers& rows, const PredictFlags& flags) {
  LineSource source(flags.input);
  std::vector<std::string> lines;
  std::vector<tasks::FileAnswer::Cell> answer;
  Latency latency;
  bool named = flags.json;
  while (source.next(&lines, kLinesAtOnce)) {
    std::string text;
    for (const std::string& line : lines) {
      latency.start();
      try {
        if (!rows.read(line, answer)) continue;
      } catch (const Error&) {
        print(text);  // what was answered before the bad row stays answered
        throw;
      }
      latency.stop();
      if (!std::exchange(named, true)) text += csv_names(rows.columns());
      text += flags.json ? to_json_line(rows.columns(), answer) : csv_line(answer);
    }
    print(text);
  }
  for (const std::string& note : rows.notes()) say("note: " + note);
  say(latency.text());
  return kOk;
}

/// The lines of a file or a pipe as they come, or what a table holds for the model.
class Inputs {
 public:
  Inputs(const std::string& file, std::optional<std::vector<std::string>> table)
      : name_(file), table_(std::move(table)) {
    if (!table_) lines_.emplace(file);
  }

  bool of_table() const { return table_.has_value(); }
  const std::string& name() const { return lines_ ? lines_->name() : name_; }
  /// The next ones, at most `most`; false at the end.
  bool next(std::vector<std::string>* inputs, size_t most) {
    if (lines_) return lines_->next(inputs, most);
    inputs->clear();
    for (; at_ < table_->size() && inputs->size() < most; ++at_) inputs->push_back(std::move((*table_)[at_]));
    return !inputs->empty();
  }

 private:
  std::string name_;
  std::optional<std::vector<std::string>> table_;
  std::optional<LineSource> lines_;
  size_t at_ = 0;
};

int run_predict(PredictFlags& flags) {
  const tasks::PredictOptions options = flags.decode.read();
  auto model = engine::Engine::load(flags.model);
  const std::string name = flags.input == "-" ? "(standard input)" : flags.input;
  if (const auto rows = is_folder(flags.input) ? nullptr : model.open_rows(name)) {
    options.refuse_search("[predict] this model scores rows and searches for no sequence",
                          "it has one answer for each row");
    return predict_rows(*rows, flags);
  }
  if (model.answers_files() && !(flags.input == "-" && model.reads_names())) return predict_file(model, flags, options);
  Inputs source(flags.input, flags.input == "-" ? std::nullopt : model.inputs_of(flags.input));
  std::vector<std::string> lines;
  int64_t line = 0, notes = 0;
  bool all_answered = true;
  while (source.next(&lines, kLinesAtOnce)) {
    if (line == 0 && !source.of_table() && look_like_pairs(lines)) {
      say("note: the lines have two columns with a tab between, and each is answered as a whole; for the first column "
          "alone: cut -f 1 FILE | carousel predict MODEL");
    }
    std::string text;
    for (const tasks::Prediction& prediction : model.predict(lines, options)) {
      ++line;
      if (!prediction.error.empty()) {
        all_answered = false;
        say(fmt::format("{}:{}: {}", source.name(), line, prediction.error));
      }
      text += flags.json ? to_json(prediction).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                         : to_text(prediction, options.nbest > 1);
      if (flags.json) continue;
      for (const std::string& note : prediction.notes) {
        if (notes++ < kNotesShown) say(fmt::format("line {}: {}", line, note));
      }
    }
    print(text);
  }
  if (notes > kNotesShown) say(fmt::format("and {} notes more; --json has them all", notes - kNotesShown));
  return all_answered ? kOk : kBadData;
}

}  // namespace

void add_predict(Program& program) {
  auto flags = std::make_shared<PredictFlags>();
  CLI::App* command = program.add(
      program.app(),
      {"predict",
       "Answer each line of a file or a pipe, forecast what comes after a file of numbers, or score its rows.",
       "echo carousel | carousel predict model.safetensors\n"
       "carousel predict model.safetensors words.txt.gz > answers.txt      # one line out per line in\n"
       "carousel predict model.safetensors words.txt --beam 8 --nbest 3    # lines: input TAB answer TAB probability\n"
       "carousel predict model.safetensors words.txt --json                # one JSON object per line\n"
       "carousel predict model.safetensors sales.csv > next.csv            # a forecaster: what comes after its end\n"
       "carousel predict model.safetensors recordings/ > labels.csv        # a classifier of recordings, series, "
       "images\n"
       "tail -f rows.csv | carousel predict watch.safetensors              # a detector: each row as it comes"},
      [flags] { return run_predict(*flags); });
  command->add_option("MODEL", flags->model, "Model file")->required()->type_name("FILE");
  command->add_option("FILE", flags->input, "Lines to answer; - for standard input (the default)")->type_name("FILE");
  flags->decode.add_to(command, true);
  command->add_flag("--json", flags->json, "Print one JSON object per line");
}

}  // namespace carousel::cli
