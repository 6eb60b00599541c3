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
constexpr const char* finished_chains = "/posterior/finished";
constexpr const char* current_chain = "/posterior/current";

std::string sample_name(std::size_t number) { return fmt::format("sample_{:06d}", number); }
std::string sums_name(std::size_t scale, const char* what) { return fmt::format("scale_{}_{}", scale, what); }

/// Writes columns of all ranks' shares, and numbers.
class CheckpointWriter {
 public:
  CheckpointWriter(const harmonic::HarmonicBasis& basis, io::MapWriter& writer)
      : basis_(&basis), writer_(&writer) {}

  void number(const std::string& object, const char* name, double value) {
    writer_->attribute(object, name, value);
  }

  /// A chain that has not begun has no components.
  void state(const std::optional<posterior::ChainState>& chain) {
    const posterior::ChainState state = chain.value_or(posterior::ChainState{});
    const std::size_t modes = basis_->mode_count();
    const auto components = static_cast<std::size_t>(basis_->comm().max(
        static_cast<std::int64_t>(state.hmc.position.size() / std::max<std::size_t>(modes, 1))));
    number(group, "sample", state.samples);
    number(group, "burn_in", static_cast<double>(state.burn_in));
    number(group, "burn_in_scores", static_cast<double>(state.burn_in_scores));
    number(group, "refreshments", state.hmc.refreshments);
    number(group, "components", static_cast<double>(components));
    for (std::size_t c = 0; c < components; ++c) {
      modes_of(fmt::format("{}/position_{}", group, c), state.hmc.position, c);
      modes_of(fmt::format("{}/velocity_{}", group, c), state.hmc.velocity, c);
    }
  }

  void record(const std::string& place, const PosteriorRecord& record) {
    writer_->create_group(place);
    number(place, "samples", static_cast<double>(record.samples.count()));
    for (std::size_t s = 0; s < record.samples.count(); ++s) {
      const std::vector<float>& sample = record.samples.sample(s);
      column(place, sample_name(s), {sample.begin(), sample.end()});
    }
    column(place, "expected", record.expected);
    for (std::size_t i = 0; i < record.scales.size(); ++i) {
      column(place, sums_name(i, "value"), record.scales[i].value);
      column(place, sums_name(i, "square"), record.scales[i].square);
      column(place, sums_name(i, "above"), record.scales[i].above);
    }
    std::vector<double> flat;
    for (const auto& row : record.series) flat.insert(flat.end(), row.begin(), row.end());
    number(place, "series_columns",
           record.series.empty() ? 0.0 : static_cast<double>(record.series[0].size()));
    writer_->write_table(place + "/series", flat, 0, {"1", "a row of figures for every sample"});
  }

 private:
  void column(const std::string& place, const std::string& name, const std::vector<double>& share) {
    writer_->write_column(place + "/" + name, share, share_of_ranks());
  }

  void modes_of(const std::string& name, const std::vector<Complex>& all, std::size_t component) {
    const std::size_t modes = basis_->mode_count();
    const auto part = std::span<const Complex>(all).subspan(component * modes, modes);
    writer_->write_column(name, {reinterpret_cast<const double*>(part.data()), 2 * part.size()},
                          share_of_ranks());
  }

  static io::Description share_of_ranks() {
    return {"1", "this rank's share after those of the ranks below"};
  }

  const harmonic::HarmonicBasis* basis_;
  io::MapWriter* writer_;
};

/// Reads this rank's parts. Only the constructor is collective.
class CheckpointReader {
 public:
  CheckpointReader(const harmonic::HarmonicBasis& basis, std::string path, const PosteriorShape& shape,
                   std::size_t stored)
      : path_(std::move(path)), shape_(shape), modes_(basis.mode_count()) {
    const mpi::Communicator& comm = basis.comm();
    mode_part_ = {2 * comm.exclusive_scan(modes_), 2 * modes_,
                  2 * comm.sum(static_cast<std::uint64_t>(modes_))};
    stored_part_ = {comm.exclusive_scan(stored), stored, comm.sum(static_cast<std::uint64_t>(stored))};
    box_part_ = {basis.first_pixel(), basis.pixel_count(), basis.total_pixels()};
  }

  void open() { file_ = io::open_for_reading(path_); }

  [[nodiscard]] double number(const std::string& object, const char* name) const {
    return io::read_number_attribute(file_.get(), path_, object, name);
  }

  /// A number that counts.
  [[nodiscard]] std::uint32_t whole(const std::string& object, const char* name, std::uint32_t most) const {
    const double value = number(object, name);
    if (!(value >= 0.0 && value <= most) || value != std::floor(value))
      fail("'{}' is damaged: its {} is {}, which must be a whole number up to {}; make it again", path_, name,
           value, most);
    return static_cast<std::uint32_t>(value);
  }

  /// Of a chain that has begun.
  [[nodiscard]] std::optional<posterior::ChainState> state() const {
    constexpr std::uint32_t any = std::numeric_limits<std::uint32_t>::max();
    posterior::ChainState state{whole(group, "sample", shape_.samples),
                                whole(group, "burn_in", any),
                                whole(group, "burn_in_scores", any),
                                {}};
    state.hmc.refreshments = whole(group, "refreshments", any);
    const std::uint32_t components = whole(group, "components", shape_.components);
    if (components != 0 && components != shape_.components)
      fail("'{}' is damaged: its state has {} components, not {}; make it again", path_, components,
           shape_.components);
    for (std::uint32_t c = 0; c < components; ++c) {
      add_modes(fmt::format("{}/position_{}", group, c), state.hmc.position);
      add_modes(fmt::format("{}/velocity_{}", group, c), state.hmc.velocity);
    }
    if (components > 0) return state;
    if (state.samples > 0 || state.burn_in > 0)
      fail("'{}' is damaged: a chain has begun and there is no state of it; make it again", path_);
    return {};
  }

  void record(const std::string& place, PosteriorRecord& record) const {
    const std::size_t count = whole(place, "samples", std::numeric_limits<std::uint32_t>::max());
    for (std::size_t s = 0; s < count; ++s)
      record.samples.add(column(place + "/" + sample_name(s), stored_part_));
    record.expected = column(place + "/expected", stored_part_);
    for (std::size_t i = 0; i < record.scales.size(); ++i) {
      posterior::ScaleSums& sums = record.scales[i];
      sums.samples = static_cast<double>(count);
      sums.value = column(place + "/" + sums_name(i, "value"), box_part_);
      sums.square = column(place + "/" + sums_name(i, "square"), box_part_);
      sums.above = column(place + "/" + sums_name(i, "above"), box_part_);
    }
    const std::vector<double> flat = io::read_numbers(file_.get(), path_, place + "/series", {});
    const auto columns = static_cast<std::ptrdiff_t>(shape_.columns);
    for (auto row = flat.begin(); flat.end() - row >= columns; row += columns)
      record.series.emplace_back(row, row + columns);
    if (flat.size() != count * shape_.columns)
      fail("'{}' is damaged: it has {} samples and {} rows of figures", path_, count, record.series.size());
  }

 private:
  /// Of a column, what this rank holds: `count` values after `first`, of `total`.
  struct Part {
    std::uint64_t first, count, total;
  };

  [[nodiscard]] std::vector<double> column(const std::string& name, const Part& part) const {
    const io::DatasetHandle dataset(H5Dopen(file_.get(), name.c_str(), H5P_DEFAULT));
    if (!dataset) fail("'{}' is damaged: it has no {}; make it again", path_, name);
    const std::vector<hsize_t> shape = io::dataset_shape(dataset);
    if (shape.size() != 1 || shape[0] != part.total)
      fail(
          "'{}' is of a run on another grid: {} does not have {} values; give --overwrite instead of "
          "--resume",
          path_, name, part.total);
    std::vector<double> values =
        io::read_block(dataset, fmt::format("'{}' of '{}'", name, path_), {part.first}, {part.count});
    if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
      fail("'{}' is damaged: {} is not finite; make it again", path_, name);
    return values;
  }

  void add_modes(const std::string& name, std::vector<Complex>& all) const {
    const std::vector<double> part = column(name, mode_part_);
    for (std::size_t k = 0; k < modes_; ++k) all.emplace_back(part[2 * k], part[2 * k + 1]);
  }

  std::string path_;
  PosteriorShape shape_;
  io::FileHandle file_;
  std::size_t modes_;
  Part mode_part_{}, stored_part_{}, box_part_{};
};

/// Numbers and datasets of a record, for the space they need.
double columns_of(const PosteriorRecord& record) {
  return 1.0 + static_cast<double>(record.samples.count()) + 3.0 * static_cast<double>(record.scales.size());
}

}  // namespace

io::CheckpointHead posterior_head(const PosteriorIdentity& identity) {
  return {group, "posterior samples", identity.text};
}

void write_posterior_checkpoint(const harmonic::HarmonicBasis& basis, io::AtomicFile& file,
                                const PosteriorIdentity& identity, const PosteriorProgress& progress) {
  constexpr double state_columns = 8.0;
  const double columns = state_columns + columns_of(progress.finished) + columns_of(progress.current);
  io::MapWriter writer(basis.comm(), file, static_cast<double>(basis.total_pixels()) * columns,
                       static_cast<std::uint64_t>(columns) + 2);
  CheckpointWriter checkpoint(basis, writer);
  io::begin_checkpoint(writer, file, posterior_head(identity));
  writer.attribute(group, "configuration", identity.configuration);
  checkpoint.number(group, "chain", progress.chain);
  checkpoint.number(group, "step", progress.step);
  checkpoint.state(progress.state);
  checkpoint.record(finished_chains, progress.finished);
  checkpoint.record(current_chain, progress.current);
  writer.commit();
}

double posterior_checkpoint_bytes(const harmonic::HarmonicBasis& basis, double stored, double samples,
                                  std::size_t scales) {
  const auto modes = static_cast<double>(basis.comm().sum(static_cast<std::uint64_t>(basis.mode_count())));
  // Two records: what is expected, and three sums a scale; position and velocity of two components.
  constexpr double records = 2.0, sums = 3.0, state = 4.0 * 2.0;
  return sizeof(double) *
         ((samples + records) * stored +
          records * sums * static_cast<double>(scales) * static_cast<double>(basis.total_pixels()) +
          state * modes);
}

void read_posterior_checkpoint(const harmonic::HarmonicBasis& basis, const std::string& path,
                               const PosteriorShape& shape, PosteriorProgress& progress) {
  CheckpointReader checkpoint(basis, path, shape, progress.finished.samples.pixels());
  mpi::collectively(basis.comm(), [&] {
    checkpoint.open();
    progress.chain = checkpoint.whole(group, "chain", shape.chains);
    progress.step = checkpoint.number(group, "step");
    progress.state = checkpoint.state();
    checkpoint.record(finished_chains, progress.finished);
    checkpoint.record(current_chain, progress.current);
    const std::size_t finished = progress.finished.samples.count(),
                      current = progress.current.samples.count();
    const std::uint32_t next = progress.state ? progress.state->samples : 0;
    if (finished % shape.samples != 0 || current != next)
      fail(
          "'{}' is damaged: it holds {} and {} samples where sample {} of chain {} is the next; make it "
          "again",
          path, finished, current, next, progress.chain);
  });
}

std::string chain_file(const std::string& out, std::uint32_t chain) {
  return fmt::format("{}.chain_{}", out, chain);
}

std::string posterior_configuration(const std::string& path) {
  const io::FileHandle file = io::open_for_reading(path);
  if (!io::link_exists(file.get(), group))
    fail("'{}' is no chain of posterior samples: it has no group {}", path, group);
  return io::read_text_attribute(file.get(), path, group, "configuration");
}

}  // namespace tessera::apps
