#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace tessera {

/// A problem that the user can mend. The text is one sentence or two: what is wrong, why it matters, what to
/// do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A run that was asked to end, and can go on from its checkpoint.
class EndedOnRequest : public Error {
 public:
  using Error::Error;
};

/// Throws Error with a formatted text.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(fmt::format(text, std::forward<Args>(args)...));
}

/// Thrown by a broken contract between parts of the program: a defect, never the user's fault.
class ContractViolation : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace tessera

/// Checks a caller's contract; cheap, therefore always on.
#define TESSERA_REQUIRE(condition)                                                                \
  do {                                                                                            \
    if (!(condition)) {                                                                           \
      throw ::tessera::ContractViolation(std::string(__FILE__) + ":" + std::to_string(__LINE__) + \
                                         ": contract broken: " #condition);                       \
    }                                                                                             \
  } while (false)
