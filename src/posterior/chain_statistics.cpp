#include "posterior/chain_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"

namespace tessera::posterior {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

double mean_of(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

/// Autocovariance at a lag, over n.
double autocovariance(const std::vector<double>& x, double mean, std::size_t lag) {
  double sum = 0.0;
  for (std::size_t i = 0; i + lag < x.size(); ++i) sum += (x[i] - mean) * (x[i + lag] - mean);
  return sum / static_cast<double>(x.size());
}

/// Variances within chains and of all samples.
struct Variances {
  double within, total;
};

Variances variances(const ChainSeries& chains) {
  const auto n = static_cast<double>(chains[0].size()), m = static_cast<double>(chains.size());
  double within = 0.0;
  std::vector<double> means;
  for (const auto& chain : chains) {
    means.push_back(mean_of(chain));
    within += autocovariance(chain, means.back(), 0) * n / (n - 1.0) / m;
  }
  double between = 0.0;  // variance of the chains' means
  if (chains.size() > 1) between = autocovariance(means, mean_of(means), 0) * m / (m - 1.0);
  return {within, (n - 1.0) / n * within + between};
}

}  // namespace

double split_r_hat(const ChainSeries& chains) {
  TESSERA_REQUIRE(!chains.empty());
  const std::size_t half = chains[0].size() / 2;
  if (half < 2) return unknown;
  ChainSeries halves;
  for (const auto& chain : chains) {
    TESSERA_REQUIRE(chain.size() == chains[0].size());
    halves.emplace_back(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(half));
    halves.emplace_back(chain.end() - static_cast<std::ptrdiff_t>(half), chain.end());
  }
  const Variances v = variances(halves);
  return v.total > 0.0 ? std::sqrt(v.total / v.within) : 1.0;
}

double effective_samples(const ChainSeries& chains) {
  TESSERA_REQUIRE(!chains.empty());
  const std::size_t n = chains[0].size();
  if (n < 4) return unknown;
  const auto count = static_cast<double>(n * chains.size());
  const Variances v = variances(chains);
  if (!(v.total > 0.0)) return count;
  std::vector<double> means;
  for (const auto& chain : chains) means.push_back(mean_of(chain));
  const auto correlation = [&](std::size_t lag) {
    double covariance = 0.0;
    for (std::size_t c = 0; c < chains.size(); ++c)
      covariance += autocovariance(chains[c], means[c], lag) / static_cast<double>(chains.size());
    return 1.0 - (v.within - covariance) / v.total;
  };
  // Sums of neighbouring pairs are positive and decrease in a reversible chain; noise begins where they do
  // not.
  double sum = 0.0, least = std::numeric_limits<double>::infinity();
  for (std::size_t lag = 0; lag + 1 < n; lag += 2) {
    const double pair = lag == 0 ? 1.0 + correlation(1) : correlation(lag) + correlation(lag + 1);
    if (pair <= 0.0) break;
    least = std::min(least, pair);
    sum += least;
  }
  const double time = std::max(2.0 * sum - 1.0, 1.0 / std::log10(count));
  return count / time;
}

}  // namespace tessera::posterior
