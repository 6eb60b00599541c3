#include "apps/posterior_record.hpp"

#include <algorithm>
#include <iterator>

#include "core/error.hpp"

namespace tessera::apps {

PosteriorRecord::PosteriorRecord(std::size_t stored, std::size_t pixels, std::size_t scale_count)
    : samples(stored), expected(stored), scales(scale_count, posterior::ScaleSums(pixels)) {}

void PosteriorRecord::append(PosteriorRecord chain) {
  TESSERA_REQUIRE(chain.expected.size() == expected.size() && chain.scales.size() == scales.size());
  samples.append(std::move(chain.samples));
  for (std::size_t p = 0; p < expected.size(); ++p) expected[p] += chain.expected[p];
  for (std::size_t i = 0; i < scales.size(); ++i) scales[i].add(chain.scales[i]);
  std::move(chain.series.begin(), chain.series.end(), std::back_inserter(series));
}

}  // namespace tessera::apps
