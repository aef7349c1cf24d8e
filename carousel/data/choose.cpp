#include "carousel/data/choose.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <unordered_set>

namespace carousel::data {

namespace {

struct Statistics {
  int64_t texts = 0;
  int64_t spaced = 0;  // texts with inner white space
  int64_t words = 0;
  int64_t word_types = 0;
  double mean_type_length = 0;  // code points
};

Statistics measure(const std::vector<std::string_view>& texts) {
  Statistics result;
  result.texts = static_cast<int64_t>(texts.size());
  std::unordered_set<std::string_view> types;
  int64_t type_length = 0;
  for (const std::string_view text : texts) {
    const auto words = split_words(text);
    result.words += static_cast<int64_t>(words.size());
    if (words.size() > 1) ++result.spaced;
    for (const std::string_view word : words) {
      if (types.insert(word).second) type_length += count_code_points(word);
    }
  }
  result.word_types = static_cast<int64_t>(types.size());
  result.mean_type_length =
      static_cast<double>(type_length) / static_cast<double>(std::max<int64_t>(1, result.word_types));
  return result;
}

struct Kind {
  std::string name;
  std::string because;
};

Kind choose_kind(const Statistics& found) {
  const auto share = [&](int64_t part) {
    return 100.0 * static_cast<double>(part) / static_cast<double>(std::max<int64_t>(1, found.texts));
  };
  if (found.spaced * 2 < found.texts) {
    return {"characters", fmt::format("{:.0f} % of the lines have no space", share(found.texts - found.spaced))};
  }
  // Phones and commands come from a small closed set: each is seen often, or (little data) is at most a few letters
  // long.
  const bool seen_often = found.words >= 20 * found.word_types;
  if (found.word_types <= 2000 && (seen_often || found.mean_type_length <= 3)) {
    return {"words", fmt::format("the {} words of the data are only {} different ones", found.words, found.word_types)};
  }
  if (found.words < 3 * found.texts) {
    return {"characters",
            fmt::format("lines have only {:.1f} words on average, of {} different ones",
                        static_cast<double>(found.words) / static_cast<double>(found.texts), found.word_types)};
  }
  return {"bpe", fmt::format("lines have {:.0f} words on average, of {} different ones",
                             static_cast<double>(found.words) / static_cast<double>(found.texts), found.word_types)};
}

int64_t choose_merges(const Statistics& found) {
  return std::clamp<int64_t>(found.words / 50, 200, 16000);
}

struct FormChoice {
  NormalForm form = NormalForm::none;
  std::string because;
};

void add_code_points(std::string_view text, std::unordered_set<char32_t>& inventory) {
  for (const std::string_view c : code_points(text)) inventory.insert(first_code_point(c));
}

FormChoice choose_form(const std::vector<std::string_view>& texts, bool characters) {
  std::unordered_set<char32_t> composed, decomposed;
  bool lossless = true, all_nfc = true;
  for (const std::string_view text : texts) {
    const std::string nfd = normalize(text, NormalForm::nfd);
    lossless = lossless && normalize(nfd, NormalForm::nfc) == text;
    all_nfc = all_nfc && normalize(text, NormalForm::nfc) == text;
    add_code_points(text, composed);
    add_code_points(nfd, decomposed);
  }
  if (characters && lossless && composed.size() > 200 && decomposed.size() * 2 <= composed.size()) {
    return {NormalForm::nfd, fmt::format("taken apart (nfd), because that leaves {} of {} different characters",
                                         decomposed.size(), composed.size())};
  }
  return {all_nfc ? NormalForm::nfc : NormalForm::none, ""};
}

LetterCase choose_case(const std::vector<std::string_view>& texts) {
  bool has_lower = false, has_upper = false;
  for (const std::string_view text : texts) {
    for (const std::string_view c : code_points(text)) {
      const auto code_point = static_cast<utf8proc_int32_t>(first_code_point(c));
      has_lower = has_lower || utf8proc_toupper(code_point) != code_point;
      has_upper = has_upper || utf8proc_tolower(code_point) != code_point;
      if (has_lower && has_upper) return LetterCase::keep;
    }
  }
  if (has_lower) return LetterCase::lower;
  return has_upper ? LetterCase::upper : LetterCase::keep;
}

}  // namespace

TokenPlan plan_tokens(const std::vector<std::string_view>& texts, const DataConfig& config, Side side) {
  const bool is_source = side == Side::source;
  const std::string& wanted = is_source ? config.source_tokens : config.target_tokens;
  const Statistics found = measure(texts);
  TokenPlan plan;
  const Kind kind = wanted == "auto" ? choose_kind(found) : Kind{wanted, "the options say so"};
  plan.kind = kind.name;
  plan.reason = fmt::format("{}: {}, because {}", is_source ? "source" : "target", kind.name, kind.because);
  if (learns_subwords(plan.kind)) {
    plan.merges = config.bpe_merges > 0 ? config.bpe_merges : choose_merges(found);
    plan.reason += fmt::format("; up to {} {}", plan.merges, plan.kind.ends_with("bpe") ? "merges" : "subwords");
  }
  if (config.normalize == "auto") {
    const FormChoice form = choose_form(texts, plan.kind == "characters");
    plan.form.normal_form = form.form;
    if (!form.because.empty()) plan.reason += "; " + form.because;
  } else {
    plan.form.normal_form = config.normalize == "nfd"   ? NormalForm::nfd
                            : config.normalize == "nfc" ? NormalForm::nfc
                                                        : NormalForm::none;
  }
  if (is_source && config.source_case == "auto") {
    plan.form.letter_case = choose_case(texts);
    if (plan.form.letter_case != LetterCase::keep) {
      plan.reason +=
          fmt::format("; input is folded to {} case, the only one in the data", name_of(plan.form.letter_case));
    }
  } else if (is_source) {
    plan.form.letter_case = config.source_case == "lower"   ? LetterCase::lower
                            : config.source_case == "upper" ? LetterCase::upper
                                                            : LetterCase::keep;
  }
  return plan;
}

std::unique_ptr<Tokenizer> make_tokenizer(const std::vector<std::string_view>& texts, const TokenPlan& plan,
                                          int64_t min_count) {
  return make_tokenizer(texts, {plan.kind, plan.form, min_count, plan.merges, 0});
}

}  // namespace carousel::data
