#pragma once

#include <string>
#include <vector>

namespace tessera::apps {

/// A figure of the literature, one line of data/published_sky_statistics.txt.
struct PublishedFigure {
  std::string quantity;   // name of a curve: rms, skewness, kurtosis, s3, percentiles, peaks_above
  std::string smoothing;  // gaussian or top-hat
  double scale;           // arcmin: standard deviation or radius
  double level;           // threshold of peaks_above, percent of percentiles; 0 for the others
  double value, error;    // error NaN: not known
  std::string source;     // simulation, source redshift, reference
};

/// Reads lines `quantity smoothing scale level value error source...`; '#' begins a comment. Error with the
/// line if one cannot be read.
[[nodiscard]] std::vector<PublishedFigure> read_published(const std::string& path);

}  // namespace tessera::apps
