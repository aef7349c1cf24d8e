#include "carousel/data/json_place.h"

#include <algorithm>

namespace carousel::data {

namespace {

constexpr size_t kDeepestValue = 1024;  ///< as the parser has it
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kBehindNumbers = " \t\r\n,:\"[]{}";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

/// Goes over a text by the grammar of RFC 8259 as far as it holds.
class JsonScan {
 public:
  JsonScan(std::string_view text, const std::vector<size_t>& wanted) : text_(text), wanted_(wanted) {}

  bool run() {
    blanks();
    found_ = at_;
    if (!value()) return false;
    blanks();
    return at_ == text_.size();
  }
  size_t at() const { return at_; }
  size_t found() const { return found_; }

 private:
  bool is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    if (!is(c)) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void blanks() { at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()); }
  bool digits() {
    const size_t begin = at_;
    at_ = std::min(text_.find_first_not_of(kDigits, at_), text_.size());
    return at_ > begin;
  }

  bool value() {
    if (path_ == wanted_) found_ = at_;
    if (is('{')) return parts('}', true);
    if (is('[')) return parts(']', false);
    if (is('"')) return quoted();
    return take("true") || take("false") || take("null") || number();
  }

  /// Fields of an object or elements of an array.
  bool parts(char end, bool named) {
    if (path_.size() == kDeepestValue) return false;
    ++at_;
    blanks();
    if (take(end)) return true;
    path_.push_back(0);
    for (;; ++path_.back()) {
      if (named) {
        if (!is('"') || !quoted()) return false;
        blanks();
        if (!take(':')) return false;
        blanks();
      }
      if (!value()) return false;
      blanks();
      if (take(end)) break;
      if (!take(',')) return false;
      blanks();
    }
    path_.pop_back();
    return true;
  }

  bool quoted() {
    const size_t opening = at_++;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_] == '\\' && !escape()) return false;
    }
    at_ = opening;  // where it is to be closed nobody knows
    return false;
  }

  /// Leaves its last character to be passed, or the backslash of a bad one.
  bool escape() {
    const std::string_view rest = text_.substr(at_ + 1);
    if (rest.empty()) return true;  // the text is not closed, which is the worse fault
    if (rest.front() == 'u') {
      const std::string_view code = rest.substr(1, 4);
      if (code.size() < 4 || code.find_first_not_of(kHexDigits) != std::string_view::npos) return false;
      at_ += 5;
      return true;
    }
    if (std::string_view("\"\\/bfnrt").find(rest.front()) == std::string_view::npos) return false;
    ++at_;
    return true;
  }

  bool number() {
    const size_t begin = at_;
    take('-');
    const bool zero = take('0');
    bool sound = zero || digits();
    if (sound && take('.')) sound = digits();
    if (sound && (take('e') || take('E'))) {
      if (!take('+')) take('-');
      sound = digits();
    }
    // A number that goes on as none, such as 01, is bad as a whole.
    const bool ends = at_ == text_.size() || kBehindNumbers.find(text_[at_]) != std::string_view::npos;
    if (!sound || !ends) at_ = begin;
    return sound && ends;
  }

  std::string_view text_;
  const std::vector<size_t>& wanted_;
  std::vector<size_t> path_;
  size_t at_ = 0, found_ = 0;
};

}  // namespace

std::optional<size_t> json_fault(std::string_view text) {
  const std::vector<size_t> whole;
  JsonScan scan(text, whole);
  if (scan.run()) return std::nullopt;
  return scan.at();
}

size_t json_value(std::string_view text, const std::vector<size_t>& path) {
  JsonScan scan(text, path);
  scan.run();
  return scan.found();
}

}  // namespace carousel::data
