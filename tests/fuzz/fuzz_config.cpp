// Config files of a command.
#include "config/options.hpp"
#include "fuzz/fuzz.hpp"

using namespace tessera;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const config::Command command{"try",
                                       "a test",
                                       "text",
                                       {{"Group",
                                         {{"size", "N", "a size", "5"},
                                          {"range", "A:B", "a range", "1:2"},
                                          {"list", "A,B", "a list", "1,2"},
                                          {"kind", "a|b", "a kind", "a"},
                                          {"fast", "", "a switch"}}}}};
  const fuzz::MemoryFile file(data, size);
  std::optional<config::Values> values;
  fuzz::refusing([&] { values = command.parse({"--config", file.path()}); });
  if (!values) return 0;
  fuzz::refusing([&] { static_cast<void>(values->number("size", 0.0, 10.0)); });
  fuzz::refusing([&] { static_cast<void>(values->count("size", 0, 10)); });
  fuzz::refusing([&] {
    const auto [low, high] = values->range("range", 0.0, 10.0);
    fuzz::require(low <= high, "a range upside down");
  });
  fuzz::refusing([&] { static_cast<void>(values->numbers("list")); });
  fuzz::refusing([&] { static_cast<void>(values->choice("kind", {"a", "b"})); });
  fuzz::refusing([&] { static_cast<void>(values->flag("fast")); });
  // What was resolved is a config file again, of the same values.
  const fuzz::MemoryFile again(values->resolved());
  fuzz::refusing([&] {
    fuzz::require(command.parse({"--config", again.path()})->resolved() == values->resolved(),
                  "the resolved configuration gives others");
  });
  return 0;
}
