#pragma once

#include <string>
#include <vector>

namespace tessera::theory {

/// The distribution n(z) of the sources' redshifts, linear between its points and zero outside, of unit
/// integral.
class SourceDistribution {
 public:
  /// n at increasing z >= 0, in any unit. Error if there are fewer than two points, z is negative or does not
  /// increase, n is clearly negative (dips of less than 1 % of the peak are taken as 0, with a warning), a
  /// value is not finite, or n is zero throughout. `name` stands for it in messages.
  SourceDistribution(std::vector<double> z, std::vector<double> n, std::string name);

  /// Reads a text table: lines `z n`; `z n1 n2 ...`, the columns named by a header as read_text_table finds
  /// it; a histogram with columns Z_LOW Z_MID Z_HIGH BIN1 ... (DES), taken at Z_MID or, without it, in the
  /// middle; or a section of CosmoSIS, a folder with z.txt and bin_1.txt. z is where the value holds: a
  /// histogram's first column must not be the lower edge. `column`: its name or its number, z being column 1;
  /// empty: the only one. Error if the choice is not clear. Every rank reads it.
  [[nodiscard]] static SourceDistribution read(const std::string& path, const std::string& column = {});

  /// n(z) ~ z^alpha exp(-(z/z0)^beta) (Smail et al. 1994), z0 > 0, alpha >= 0, beta > 0, on 2000 points up to
  /// where exp(-40) is left.
  [[nodiscard]] static SourceDistribution smail(double z0, double alpha, double beta);

  [[nodiscard]] const std::vector<double>& z() const { return z_; }
  /// Normalised, at z().
  [[nodiscard]] const std::vector<double>& n() const { return n_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] double min_z() const { return z_.front(); }
  [[nodiscard]] double max_z() const { return z_.back(); }

  [[nodiscard]] double operator()(double z) const;

  /// The mean redshift.
  [[nodiscard]] double mean() const;

 private:
  std::vector<double> z_, n_;
  std::string name_;
};

}  // namespace tessera::theory
