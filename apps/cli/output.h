// What the program writes: data to stdout, everything else to stderr.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "carousel/tasks/task.h"

namespace carousel::cli {

using Json = nlohmann::ordered_json;

/// The reader of stdout went away: a quiet end, not an error.
struct ClosedPipe {};

/// Writes text to stdout at once. Throws ClosedPipe, or ResourceError when the disk behind it is full.
void print(std::string_view text);
/// Writes one JSON value and a newline to stdout. Bytes that are no UTF-8 become U+FFFD.
void print_json(const Json& value, bool pretty = false);
/// Writes bytes to stderr as they are. What cannot be written is lost: a log that is full or closed shall not end a
/// training.
void write_stderr(std::string_view bytes) noexcept;
/// Writes a line to stderr, made safe by printable().
void say(std::string_view line);
/// The text with all but line ends and tabs that a terminal would act on shown as '?': names and values in messages may
/// come from anyone's file.
std::string printable(std::string_view text);

/// Whether an input stood in the training data, or null where the task does not remember.
Json in_training(const tasks::Prediction& prediction);

/// "sequence_error_rate" 0.241 -> "24.10 %"; BLEU, chrF and losses stay numbers.
std::string metric_text(const std::string& name, double value);
/// "sequence_error_rate" -> "sequence error rate".
std::string metric_title(std::string name);
/// Seconds as "1:05" or "2:03:04".
std::string clock_text(double seconds);

}  // namespace carousel::cli
