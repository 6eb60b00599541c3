#include "statistics/sky_average.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "core/error.hpp"

namespace tessera::statistics {
namespace {

/// The layout of the curves, which a rank without skies does not know.
std::vector<Curve> shared_layout(const mpi::Communicator& comm,
                                 const std::vector<std::vector<Curve>>& measured) {
  const auto mine = std::find_if(measured.begin(), measured.end(), [](const auto& c) { return !c.empty(); });
  const int root = comm.min(mine == measured.end() ? comm.size() : comm.rank());
  TESSERA_REQUIRE(root < comm.size());
  std::string text;
  if (comm.rank() == root)
    for (const Curve& curve : *mine)
      text += fmt::format("{} {} {}\n", curve.name, curve.columns, curve.values.size());
  std::istringstream lines(comm.broadcast(text, root));
  std::vector<Curve> curves;
  for (std::string name; lines >> name;) {
    std::uint64_t columns = 0, size = 0;
    lines >> columns >> size;
    curves.push_back({name, columns, std::vector<double>(size)});
  }
  return curves;
}

}  // namespace

std::vector<MeanCurve> average_skies(const mpi::Communicator& comm,
                                     const std::vector<std::vector<Curve>>& measured) {
  const auto count = static_cast<double>(measured.size());
  std::vector<MeanCurve> result;
  const auto layout = shared_layout(comm, measured);
  for (std::size_t c = 0; c < layout.size(); ++c) {
    const std::size_t size = layout[c].values.size();
    std::vector<double> all(measured.size() * size);
    for (std::size_t i = 0; i < measured.size(); ++i)
      if (!measured[i].empty())
        std::copy(measured[i][c].values.begin(), measured[i][c].values.end(),
                  all.begin() + static_cast<std::ptrdiff_t>(i * size));
    // Every entry is non-zero on one rank at most, so the reduction's order cannot change a bit.
    comm.sum(std::span<double>(all));
    MeanCurve curve{layout[c], std::vector<double>(size)};
    for (std::size_t v = 0; v < size; ++v) {
      double sum = 0.0, squares = 0.0;
      for (std::size_t i = 0; i < measured.size(); ++i) sum += all[i * size + v];
      const double mean = sum / count;
      for (std::size_t i = 0; i < measured.size(); ++i)
        squares += (all[i * size + v] - mean) * (all[i * size + v] - mean);
      curve.mean.values[v] = mean;
      curve.error[v] = count > 1.0 ? std::sqrt(squares / (count * (count - 1.0)))
                                   : std::numeric_limits<double>::quiet_NaN();
    }
    result.push_back(std::move(curve));
  }
  return result;
}

}  // namespace tessera::statistics
