// How postconf complains: "postconf: warning: ..." on standard error, and fatal ones by exception.
#pragma once

#include <stdexcept>
#include <string>

namespace posthouse::postconf {

class Fatal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A line of master.cf with too few fields. The text does not say where it stands.
class BadFieldCount : public Fatal {
 public:
  using Fatal::Fatal;
};

// Receives warnings, without prefix.
class Warnings {
 public:
  virtual ~Warnings() = default;
  virtual void warn(const std::string& text) = 0;
};

}  // namespace posthouse::postconf
