#include <algorithm>
#include <cmath>

#include "fuzz/fuzz.hpp"

namespace tessera::fuzz {

void check_shares(const catalogue::Table& table) {
  constexpr int ranks = 3;
  constexpr std::size_t most_columns = 4;
  std::vector<std::string> names = table.column_names();
  names.resize(std::min(names.size(), most_columns));
  if (names.empty()) return;
  const catalogue::TableShare whole = table.read_share(names, 0, 1);
  catalogue::TableShare parts(names.size());
  for (int rank = 0; rank < ranks; ++rank) {
    const catalogue::TableShare share = table.read_share(names, rank, ranks);
    for (std::size_t c = 0; c < names.size(); ++c)
      parts[c].insert(parts[c].end(), share[c].begin(), share[c].end());
  }
  for (std::size_t c = 0; c < names.size(); ++c) {
    require(whole[c].size() == whole[0].size(), "columns of unequal length");
    require(std::equal(whole[c].begin(), whole[c].end(), parts[c].begin(), parts[c].end(),
                       [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }),
            "shares of ranks are not the table");
  }
}

}  // namespace tessera::fuzz
