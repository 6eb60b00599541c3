#include "io/foreign_maps.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/foreign_formats.hpp"

namespace tessera::io {
namespace {

std::string first_bytes(const std::string& path) {
  if (is_folder(path)) fail("'{}' is a folder; give files of maps", path);
  refuse_streams(path, "input");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot read '{}' ({}); give the path of an existing file", path, std::strerror(errno));
  std::array<char, 16> bytes{};
  file.read(bytes.data(), bytes.size());
  if (file.gcount() == 0) fail("'{}' is empty; give a file of maps", path);
  return {bytes.data(), static_cast<std::size_t>(file.gcount())};
}

/// Source redshifts of the planes z01 to z40: zs.dat of https://github.com/0satoken/kappaTNG.
constexpr std::array plane_redshift{
    0.034467, 0.069515, 0.1051819, 0.1415099, 0.178545, 0.216332, 0.254921, 0.294363, 0.334713, 0.376027,
    0.418368, 0.461799, 0.506387,  0.552205,  0.599329, 0.647838, 0.697818, 0.749361, 0.802561, 0.857522,
    0.914352, 0.973168, 1.034093,  1.09726,   1.162811, 1.230896, 1.301678, 1.37533,  1.45204,  1.532007,
    1.615449, 1.702597, 1.793703,  1.889038,  1.988896, 2.093596, 2.203481, 2.318928, 2.440344, 2.568175};

double interpolated(const RedshiftTable& table, double z) {
  const auto above = std::lower_bound(table.z.begin(), table.z.end(), z);
  if (above == table.z.end() || (above == table.z.begin() && z < *above)) return 0.0;
  const auto i = static_cast<std::size_t>(above - table.z.begin());
  if (table.z[i] == z) return table.n[i];
  const double t = (z - table.z[i - 1]) / (table.z[i] - table.z[i - 1]);
  return (1.0 - t) * table.n[i - 1] + t * table.n[i];
}

/// Part of plane `k` in kappa at redshift z.
double plane_share(std::size_t k, double z) {
  const double here = plane_redshift.at(k);
  const double below = k == 0 ? 0.0 : plane_redshift.at(k - 1);
  if (z <= here) return std::max(0.0, (z - below) / (here - below));
  if (k + 1 == plane_redshift.size()) return 1.0;
  const double above = plane_redshift.at(k + 1);
  return std::max(0.0, (above - z) / (above - here));
}

}  // namespace

std::vector<double> kappa_tng_weights(const RedshiftTable& sources) {
  std::vector<double> nodes(sources.z);
  for (const double z : plane_redshift)
    if (z > sources.z.front() && z < sources.z.back()) nodes.push_back(z);
  std::sort(nodes.begin(), nodes.end());
  std::vector<double> weights(plane_redshift.size());
  double all = 0.0;
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
    // Between two nodes n and the shares are linear, and Simpson's rule exact. Inside, so that a node's
    // neighbours do not matter.
    const double middle = 0.5 * (nodes[i] + nodes[i + 1]), width = nodes[i + 1] - nodes[i];
    for (const auto& [z, part] : {std::pair{nodes[i], 1.0}, {middle, 4.0}, {nodes[i + 1], 1.0}}) {
      const double n = part / 6.0 * width * interpolated(sources, z);
      for (std::size_t k = 0; k < weights.size(); ++k) weights[k] += n * plane_share(k, z);
      all += n;
    }
  }
  for (double& weight : weights) weight /= all;
  return weights;
}

void require_no_dataset(const std::string& path, const MapChoice& choice) {
  if (!choice.dataset.empty()) fail("'{}' is no HDF5 file and has no datasets; leave --dataset out", path);
}

void require_no_planes(const std::string& path, const MapChoice& choice) {
  if (choice.source_plane || choice.source_redshift)
    fail(
        "'{}' has no source planes z01, z02, ... as kappaTNG's HDF5 files; leave --source-plane and --nz out",
        path);
}

std::unique_ptr<ForeignMaps> open_foreign_maps(const std::string& path, const MapChoice& choice) {
  const std::string start = first_bytes(path);
  if (start.starts_with("\x89HDF")) return open_hdf5_maps(path, choice);
  require_no_dataset(path, choice);
  require_no_planes(path, choice);
  if (start.starts_with("\x93NUMPY")) return open_npy_maps(path);
  if (start.starts_with("SIMPLE") || start.starts_with("\x1f\x8b")) return open_fits_maps(path);
  if (start.starts_with("PK"))
    fail("'{}' is a zip archive, as .npz files are, and is not read; unpack it and give its .npy files",
         path);
  if (auto maps = open_kappa_tng_binary(path)) return maps;
  fail("'{}' is no FITS, NPY or HDF5 file and no kappaTNG map; convert it to one of these", path);
}

}  // namespace tessera::io
