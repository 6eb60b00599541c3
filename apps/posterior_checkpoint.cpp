#include "apps/posterior_checkpoint.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/error.hpp"
#include "io/hdf5_read.hpp"
#include "io/map_writer.hpp"
#include "mpi/agreement.hpp"

namespace tessera::apps {
namespace {

using posterior::Complex;

constexpr const char* group = "/posterior";

std::string inside(const std::string& name) { return std::string(group) + "/" + name; }

/// Writes columns of all ranks' shares.
class Columns {
 public:
  explicit Columns(io::MapWriter& writer) : writer_(&writer) {}
  void put(const std::string& name, std::span<const double> share) {
    writer_->write_column(inside(name), share, {"1", "this rank's share after those of the ranks below"});
  }
  void put(const std::string& name, std::span<const Complex> share) {
    put(name, {reinterpret_cast<const double*>(share.data()), 2 * share.size()});
  }

 private:
  io::MapWriter* writer_;
};

/// Reads the part of a column that begins after `before` values.
std::vector<double> share_of(const io::FileHandle& file, const std::string& path, const std::string& name,
                             std::uint64_t before, std::uint64_t count, std::uint64_t total) {
  const io::DatasetHandle dataset(H5Dopen(file.get(), inside(name).c_str(), H5P_DEFAULT));
  if (!dataset) fail("'{}' is damaged: it has no {}; leave out --resume", path, inside(name));
  const std::vector<hsize_t> shape = io::dataset_shape(dataset);
  if (shape.size() != 1 || shape[0] != total)
    fail("'{}' is of a run on another grid: {} does not have {} values; leave out --resume", path, name,
         total);
  std::vector<double> values =
      io::read_block(dataset, fmt::format("'{}' of '{}'", name, path), {before}, {count});
  if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
    fail("'{}' is damaged: {} is not finite; leave out --resume", path, inside(name));
  return values;
}

std::string sample_name(std::size_t number) { return fmt::format("sample_{:06d}", number); }

}  // namespace

void write_posterior_checkpoint(const harmonic::HarmonicBasis& basis, const std::string& path,
                                const std::string& identity, const PosteriorProgress& progress,
                                const posterior::SampleSummary& samples,
                                const std::vector<posterior::ScaleSignificance>& scales) {
  const std::size_t modes = basis.mode_count(),
                    components = progress.state.position.size() / std::max<std::size_t>(modes, 1);
  const auto total = static_cast<double>(basis.total_pixels());
  io::AtomicFile file(basis.comm(), path, true);
  io::MapWriter writer(
      basis.comm(), file,
      total * (9.0 + static_cast<double>(samples.count()) + 3.0 * static_cast<double>(scales.size())),
      17 + samples.count() + 3 * scales.size());
  writer.create_group(group);
  writer.attribute(group, "identity", identity);
  const auto number = [&](const char* name, auto value) {
    writer.attribute(group, name, static_cast<double>(value));
  };
  number("chain", progress.chain);
  number("sample", progress.sample);
  number("samples", samples.count());
  number("refreshments", progress.state.refreshments);
  const std::size_t all_components = basis.comm().max(static_cast<std::int64_t>(components));
  number("components", all_components);
  Columns columns(writer);
  for (std::size_t c = 0; c < all_components; ++c) {
    const auto part = [&](const std::vector<Complex>& all) {
      // Modes that every rank has are written once.
      const bool written = !basis.modes_are_replicated() || basis.comm().is_root();
      return std::span<const Complex>(all).subspan(c * modes, written ? modes : 0);
    };
    columns.put(fmt::format("position_{}", c), part(progress.state.position));
    columns.put(fmt::format("velocity_{}", c), part(progress.state.velocity));
  }
  for (std::size_t s = 0; s < samples.count(); ++s) {
    const std::vector<double> sample(samples.sample(s).begin(), samples.sample(s).end());
    columns.put(sample_name(s), std::span<const double>(sample));
  }
  columns.put("expected", std::span<const double>(progress.expected));
  for (std::size_t i = 0; i < scales.size(); ++i) {
    columns.put(fmt::format("scale_{}_value", i), std::span<const double>(scales[i].sums().value));
    columns.put(fmt::format("scale_{}_square", i), std::span<const double>(scales[i].sums().square));
    columns.put(fmt::format("scale_{}_above", i), std::span<const double>(scales[i].sums().above));
  }
  std::vector<double> flat;
  for (const auto& row : progress.series) flat.insert(flat.end(), row.begin(), row.end());
  number("series_columns", progress.series.empty() ? 0 : progress.series[0].size());
  writer.write_table(inside("series"), flat, 0, {"1", "a row of figures for every sample"});
  writer.commit();
}

PosteriorProgress read_posterior_checkpoint(const harmonic::HarmonicBasis& basis, const std::string& path,
                                            const std::string& identity, const PosteriorShape& expected,
                                            std::size_t pixels, posterior::SampleSummary& samples,
                                            std::vector<posterior::ScaleSignificance>& scales) {
  const mpi::Communicator& comm = basis.comm();
  const std::size_t modes = basis.mode_count();
  const bool replicated = basis.modes_are_replicated();
  const std::uint64_t scanned = comm.exclusive_scan(modes),
                      summed = comm.sum(static_cast<std::uint64_t>(modes)),
                      modes_before = replicated ? 0 : scanned, all_modes = replicated ? modes : summed,
                      pixels_before = comm.exclusive_scan(pixels),
                      all_pixels = comm.sum(static_cast<std::uint64_t>(pixels));
  PosteriorProgress progress;
  mpi::collectively(comm, [&] {
    const io::FileHandle file = io::open_for_reading(path);
    if (!io::link_exists(file.get(), group))
      fail("'{}' is no checkpoint of posterior samples: it has no group {}", path, group);
    if (io::read_text_attribute(file.get(), path, group, "identity") != identity)
      fail(
          "'{}' belongs to a run with other options, data or models, which this one cannot go on from; give "
          "the "
          "same, or leave out --resume",
          path);
    const auto number = [&](const char* name) {
      return io::read_number_attribute(file.get(), path, group, name);
    };
    const auto whole = [&](const char* name, std::uint32_t most) {
      const double value = number(name);
      if (!(value >= 0.0 && value <= most) || value != std::floor(value))
        fail("'{}' is damaged: its {} is {}, which must be a whole number up to {}; leave out --resume", path,
             name, value, most);
      return static_cast<std::uint32_t>(value);
    };
    progress.chain = whole("chain", expected.chains - 1);
    progress.sample = whole("sample", expected.samples);
    progress.state.refreshments = whole("refreshments", std::numeric_limits<std::uint32_t>::max());
    const auto modes_of = [&](const std::string& name, std::vector<Complex>& all) {
      const std::vector<double> part = share_of(file, path, name, 2 * modes_before, 2 * modes, 2 * all_modes);
      for (std::size_t k = 0; k < modes; ++k) all.emplace_back(part[2 * k], part[2 * k + 1]);
    };
    if (whole("components", expected.components) != expected.components)
      fail("'{}' is damaged: its components are not {}; leave out --resume", path, expected.components);
    for (std::size_t c = 0; c < expected.components; ++c) {
      modes_of(fmt::format("position_{}", c), progress.state.position);
      modes_of(fmt::format("velocity_{}", c), progress.state.velocity);
    }
    const std::size_t count = progress.chain * std::size_t{expected.samples} + progress.sample;
    if (count == 0 || number("samples") != static_cast<double>(count))
      fail(
          "'{}' is damaged: it holds {} samples where chain {} and sample {} are the next; leave out "
          "--resume",
          path, number("samples"), progress.chain, progress.sample);
    for (std::size_t s = 0; s < count; ++s)
      samples.add(share_of(file, path, sample_name(s), pixels_before, pixels, all_pixels));
    progress.expected = share_of(file, path, "expected", pixels_before, pixels, all_pixels);
    const std::uint64_t box = basis.pixel_count();
    for (std::size_t i = 0; i < scales.size(); ++i) {
      const auto sums = [&](const char* what) {
        return share_of(file, path, fmt::format("scale_{}_{}", i, what), basis.first_pixel(), box,
                        basis.total_pixels());
      };
      scales[i].restore({static_cast<double>(count), sums("value"), sums("square"), sums("above")});
    }
    const std::vector<double> flat = io::read_numbers(file.get(), path, inside("series"), {});
    const std::size_t columns = expected.columns;
    for (std::size_t i = 0; i + columns <= flat.size(); i += columns)
      progress.series.emplace_back(flat.begin() + static_cast<std::ptrdiff_t>(i),
                                   flat.begin() + static_cast<std::ptrdiff_t>(i + columns));
    if (progress.series.size() != count || flat.size() != count * columns)
      fail("'{}' is damaged: it has {} samples and {} rows of figures", path, count, progress.series.size());
  });
  return progress;
}

}  // namespace tessera::apps
