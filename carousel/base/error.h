// The family of errors that the library throws. The library never prints, exits or aborts.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace carousel {

/// Root of all errors. Text: `[where] rule; got <actual>. <remedy>`.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Two shapes, dtypes or sizes that must agree do not.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An option, key or combination of options that is not allowed.
class ConfigError : public Error {
 public:
  using Error::Error;
};

/// Something that cannot be done at all with this model or build.
class UnsupportedError : public Error {
 public:
  using Error::Error;
};

/// Bad user data. `line` and `column` count from 1; 0 means unknown. `column` counts bytes.
class DataError : public Error {
 public:
  DataError(std::string file, int64_t line, int64_t column, const std::string& text);
  const std::string& file() const { return file_; }
  int64_t line() const { return line_; }
  int64_t column() const { return column_; }

 private:
  std::string file_;
  int64_t line_;
  int64_t column_;
};

/// A model or binary file that cannot be trusted. `offset` is a byte position in the file; negative when there is none.
class FormatError : public Error {
 public:
  FormatError(std::string file, int64_t offset, const std::string& text);
  const std::string& file() const { return file_; }
  int64_t offset() const { return offset_; }

 private:
  std::string file_;
  int64_t offset_;
};

/// Loss or gradients are no longer finite.
class DivergedError : public Error {
 public:
  using Error::Error;
};

/// Memory, disk or another resource of the machine is exhausted or refused.
class ResourceError : public Error {
 public:
  using Error::Error;
};

}  // namespace carousel
