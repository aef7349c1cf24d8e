// A file of pairs that any model can learn.
#pragma once

#include <string>

namespace carousel::cli {

/// 120 lines: words that begin with "ab" give x, those with "cd" y.
inline std::string pairs() {
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += "ab" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i) + "\tx\n";
  for (int i = 0; i < 60; ++i)
    text += "cd" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i) + "\ty\n";
  return text;
}

}  // namespace carousel::cli
