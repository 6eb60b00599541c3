#pragma once

#include <string>

#include "theory/power_spectrum.hpp"

namespace tessera::theory {

/// What a column holds: C_ell, or D_ell = ell (ell + 1) C_ell / 2 pi.
enum class SpectrumKind { from_header, c_ell, d_ell };

/// Which column of a file is the spectrum, and what it holds.
struct SpectrumChoice {
  std::string column;  // its name in the header or its number, ell being column 1; empty: the only one
  SpectrumKind kind = SpectrumKind::from_header;
};

/// Reads the convergence spectrum from the tables of others, ell in radians^-1, C_ell in steradian:
///   - two columns `ell C_ell`, with or without a header: np.savetxt of what CCL or CLASS returned;
///   - many columns, named by the last comment that has a word for each (`ell 11 12 22`,
///     CAMB's `L TxT ... W1xW1`), or chosen by number;
///   - a section of CosmoSIS, a folder such as shear_cl/ with ell.txt and bin_1_1.txt.
/// Rows with ell <= 0 are passed over. SACC and other binary files are not read. Every rank reads it.
///
/// A column is D_ell if its name says so (D_ell, Dl, ell(ell+1)C_ell/2pi) and C_ell otherwise, but for what
/// leaves that open, which is an error that asks for `kind`: CAMB's WixWj, which are D_ell unless they were
/// made with raw_cl=True, and a file whose comments hold a factor like ell(ell+1). Also an error: CMB columns
/// (TT, PP, TxT, PxW1, ...), and several columns without a choice.
[[nodiscard]] PowerSpectrum read_spectrum(const std::string& path, const SpectrumChoice& choice = {});

}  // namespace tessera::theory
