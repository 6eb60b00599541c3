#include "catalogue/shear_catalogue.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <iterator>

#include "core/error.hpp"
#include "mpi/agreement.hpp"

namespace tessera::catalogue {
namespace {

bool equal_ignoring_case(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string find_column(const Table& table, const std::vector<std::string>& candidates,
                        const std::string& path, const char* option) {
  const auto& known = table.column_names();
  for (const std::string& candidate : candidates) {
    std::vector<std::string> found;
    std::copy_if(known.begin(), known.end(), std::back_inserter(found),
                 [&](const std::string& name) { return name == candidate; });
    if (found.empty())
      std::copy_if(known.begin(), known.end(), std::back_inserter(found),
                   [&](const std::string& name) { return equal_ignoring_case(name, candidate); });
    if (found.size() > 1)
      fail(
          "catalogue '{}' has the column '{}' twice, so it is not clear which one to take; rename one, or "
          "name "
          "another with --{}",
          path, found.front(), option);
    if (!found.empty()) return found.front();
  }
  fail("catalogue '{}' has no column of numbers named '{}' (it has: {}); name the right one with --{}", path,
       fmt::join(candidates, "' or '"), fmt::join(known, ", "), option);
}

/// The columns to read, and for each quantity its place among them or its number.
struct Request {
  std::vector<std::string> names;

  struct Source {
    int column = -1;
    double number = 0.0;
    [[nodiscard]] double at(const TableShare& share, std::size_t row) const {
      return column < 0 ? number : share[static_cast<std::size_t>(column)][row];
    }
  };

  Source add(std::string name) {
    names.push_back(std::move(name));
    return {static_cast<int>(names.size()) - 1, 0.0};
  }
};

enum Quantity { ra, dec, e1, e2, weight, m, c1, c2, quantities };
using Sources = std::array<Request::Source, quantities>;

Sources resolve(const Table& table, const std::string& path, const ShearColumns& columns, Request& request) {
  Sources sources;
  const auto required = [&](Quantity q, const std::vector<std::string>& names, const char* option) {
    const std::string name = find_column(table, names, path, option);
    if (std::find(request.names.begin(), request.names.end(), name) != request.names.end())
      fail("--{}: the column '{}' of '{}' stands for another quantity too; name one column for each", option,
           name, path);
    sources[q] = request.add(name);
  };
  required(ra, columns.ra, "ra-column");
  required(dec, columns.dec, "dec-column");
  required(e1, columns.e1, "e1-column");
  required(e2, columns.e2, "e2-column");
  if (columns.unit_weights)
    sources[weight].number = 1.0;
  else
    required(weight, columns.weight, "w-column (or 'none' for equal weights)");
  const auto optional = [&](Quantity q, const ColumnOrNumber& choice, const char* option) {
    if (choice.column.empty())
      sources[q].number = choice.number;
    else
      required(q, {choice.column}, option);
  };
  optional(m, columns.m, "m");
  optional(c1, columns.c1, "c1");
  optional(c2, columns.c2, "c2");
  return sources;
}

void append_row(const std::array<double, quantities>& row, const ShearColumns& columns, ShearCatalogue& out) {
  ++out.counts.total;
  if (!std::all_of(row.begin(), row.end(), [](double value) { return std::isfinite(value); })) {
    ++out.counts.not_finite;
  } else if (std::abs(row[ra]) > 360.0 || std::abs(row[dec]) > 90.0) {
    ++out.counts.bad_position;
  } else if (row[weight] == 0.0) {
    ++out.counts.zero_weight;
  } else if (row[weight] < 0.0) {
    ++out.counts.negative_weight;
  } else {
    out.ra.push_back(row[ra]);
    out.dec.push_back(row[dec]);
    out.e1.push_back((columns.flip_e1 ? -1.0 : 1.0) * (row[e1] - row[c1]));
    out.e2.push_back((columns.flip_e2 ? -1.0 : 1.0) * (row[e2] - row[c2]));
    out.weight.push_back(row[weight]);
    out.response.push_back(1.0 + row[m]);
  }
}

void sum_counts(const mpi::Communicator& comm, RowCounts& counts) {
  std::array<std::uint64_t, 5> values{counts.total, counts.not_finite, counts.bad_position,
                                      counts.zero_weight, counts.negative_weight};
  comm.sum(std::span<std::uint64_t>(values));
  counts = {values[0], values[1], values[2], values[3], values[4], 0};
}

}  // namespace

ShearCatalogue read_shear_catalogue(const mpi::Communicator& comm, const TableLocation& location,
                                    const ShearColumns& columns) {
  ShearCatalogue catalogue;
  mpi::collectively(comm, [&] {
    const std::unique_ptr<Table> table = open_table(location);
    Request request;
    const Sources sources = resolve(*table, location.path, columns, request);
    const TableShare share = table->read_share(request.names, comm.rank(), comm.size());
    for (std::size_t row = 0; row < share[0].size(); ++row) {
      std::array<double, quantities> values{};
      for (std::size_t q = 0; q < quantities; ++q) values[q] = sources[q].at(share, row);
      append_row(values, columns, catalogue);
    }
  });
  sum_counts(comm, catalogue.counts);
  const RowCounts& counts = catalogue.counts;
  if (counts.used() == 0)
    fail(
        "catalogue '{}' has no usable galaxy among {} rows ({} not finite, {} with |ra| > 360 or |dec| > 90 "
        "degrees, {} of zero and {} of negative weight); check the columns",
        location.path, counts.total, counts.not_finite, counts.bad_position, counts.zero_weight,
        counts.negative_weight);
  return catalogue;
}

}  // namespace tessera::catalogue
