#include "network/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "io/hdf5_read.hpp"

namespace tessera::network {
namespace {

constexpr const char* group = "/training";
constexpr std::uint64_t history_columns = 5;

/// The state's vectors of one number a parameter, with their names in the file.
template <class State>
auto vectors(State& state) {
  return std::array{std::pair{"weights", &state.weights}, std::pair{"first", &state.first},
                    std::pair{"second", &state.second}, std::pair{"average", &state.average},
                    std::pair{"best", &state.best}};
}

std::string inside(const char* name) { return std::string(group) + "/" + name; }

std::vector<double> finite_numbers(hid_t file, const std::string& path, const char* name, std::size_t count) {
  std::vector<double> values = io::read_numbers(file, path, inside(name), count);
  if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
    fail("'{}' is damaged: its vector '{}' is not finite", path, name);
  return values;
}

}  // namespace

void write_history(io::MapWriter& writer, const std::vector<HistoryRow>& history) {
  std::vector<double> table;
  for (const HistoryRow& row : history)
    table.insert(table.end(),
                 {row.step, row.training, row.validation, row.validation_mean_square, row.learning_rate});
  writer.write_table(
      inside("history"), table, history_columns,
      {"1",
       "columns step, mean loss of the training examples since the row before, loss of the held-out "
       "examples, their mean square error over that of the input, learning rate"});
}

io::CheckpointHead training_head(const std::string& configuration) {
  return {group, "a training", configuration};
}

void write_checkpoint(io::MapWriter& writer, const TrainingState& state) {
  writer.attribute(group, "step", static_cast<std::int64_t>(state.step));
  writer.attribute(group, "looks_since_best", static_cast<std::int64_t>(state.looks_since_best));
  writer.attribute(group, "best_loss", state.best_loss);
  writer.attribute(group, "training_sum", state.training_sum);
  for (const auto& [name, values] : vectors(state))
    writer.write_table(inside(name), *values, 0, {"1", "one number a parameter of the network"});
  write_history(writer, state.history);
}

TrainingState read_checkpoint(const std::string& path, std::size_t weights) {
  const io::FileHandle file = io::open_for_reading(path);
  const auto number = [&](const char* name) {
    return io::read_number_attribute(file.get(), path, group, name);
  };
  const auto count = [&](const char* name) {
    const double value = number(name);
    if (!(value >= 0.0 && value < 0x1p53) || value != std::floor(value))
      fail("'{}' is damaged: its {} is {} and must be a whole number", path, name, value);
    return static_cast<std::uint64_t>(value);
  };
  TrainingState state;
  state.step = count("step");
  state.looks_since_best = count("looks_since_best");
  state.best_loss = number("best_loss");
  state.training_sum = number("training_sum");
  for (const auto& [name, values] : vectors(state)) *values = finite_numbers(file.get(), path, name, weights);
  if (std::any_of(state.second.begin(), state.second.end(), [](double v) { return v < 0.0; }))
    fail("'{}' is damaged: its vector 'second' of mean squares has negative ones", path);
  const std::vector<double> table = io::read_numbers(file.get(), path, inside("history"), {});
  if (table.size() % history_columns != 0)
    fail("'{}' is damaged: its history has {} numbers, no multiple of {}", path, table.size(),
         history_columns);
  for (std::size_t i = 0; i + history_columns <= table.size(); i += history_columns)
    state.history.push_back({table[i], table[i + 1], table[i + 2], table[i + 3], table[i + 4]});
  return state;
}

}  // namespace tessera::network
