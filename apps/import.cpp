// tessera import: convergence maps of others as a set of skies.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>

#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/input_files.hpp"
#include "apps/provenance.hpp"
#include "apps/sky_options.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "harmonic/plane_basis.hpp"
#include "io/foreign_maps.hpp"
#include "io/sky_set.hpp"
#include "mpi/agreement.hpp"
#include "mpi/memory.hpp"
#include "sky/angles.hpp"
#include "statistics/map_spectrum.hpp"

namespace tessera::apps {
namespace {

constexpr std::uint64_t spectrum_bands = 30;
constexpr double smallest_pixel = 1e-3, largest_pixel = 600.0;  // arcmin, as --pixel-arcmin
constexpr const char* description =
    "Collects convergence maps into a set of skies, the file that networks are trained from. Maps are read "
    "from\n"
    "FITS images, NPY arrays ([ny][nx] or [maps][ny][nx]), HDF5 datasets, files of tessera, and kappaTNG's "
    "files\n"
    "(Osato, Liu & Haiman 2021). All must have one size; what cannot be a convergence map is refused.\n\n"
    "example: tessera import --maps LP001_run001_maps.hdf5,LP001_run002_maps.hdf5 --source-plane 23 --out "
    "set.h5\n";

config::Command import_command() {
  return {
      "import",
      "convergence maps from elsewhere as a set of skies to learn from",
      description,
      {{"Input",
        {{"maps", "FILE[,FILE...]", "files of maps; @LIST is a text file with their names, one a line"},
         {"dataset", "PATH", "HDF5: dataset with the maps [the only one with 2 or 3 axes]"},
         {"source-plane", "K", "kappaTNG: source plane, 1 to 40 (redshifts 0.034 to 2.57)"},
         {"nz", "FILE", "kappaTNG: weight the source planes by lines 'z n(z)'"},
         {"nz-column", "NAME", "column of n(z), its name or its number, z being column 1 [the only one]"},
         {"first", "N", "leave out this many maps at the beginning", "0"},
         {"count", "N", "take so many maps [all]"}}},
       {"Maps",
        {{"pixel-arcmin", "P", "side of a pixel, arcmin [from the files, if they say it]"},
         {"crop", "N[,M]",
          "middle pixels to keep from East to West and, if not as many, from South to North [all]"},
         {"scale", "F", "multiply the maps by F", "1"},
         {"pixel-averaged", "yes|no",
          "the maps are means over pixels, not values at their centres [as the file says, or yes]"},
         {"periodic", "yes|no", "opposite borders meet [as the file says, or no]"},
         {"spectrum", "FILE", "the maps' theory spectrum, lines 'ell C_ell' [measured, or the set's own]"},
         {"spectrum-column", "K", "column of C_ell in the file, ell being column 1 [2 if there are two]"},
         {"validation", "F",
          "fraction of the maps for validation, before the test maps [0.1, a set's marks]"},
         {"test", "F", "fraction of the maps for tests, the last ones [0.1, a set's marks]"}}},
       {"Output",
        {{"out", "FILE", "set of skies to write, HDF5"},
         {"overwrite", "", "replace the output file if it exists"}}}}};
}

std::optional<bool> yes_or_no(const config::Values& values, const std::string& name) {
  if (!values.has(name)) return std::nullopt;
  return values.choice(name, {"yes", "no"}) == "yes";
}

std::optional<double> number_if_given(const config::Values& values, const std::string& name, double min,
                                      double max) {
  if (!values.has(name)) return std::nullopt;
  return values.number(name, min, max);
}

GridSize crop_size(const config::Values& values) {
  const auto numbers = values.numbers("crop");
  const auto valid = [](double n) { return n >= 2.0 && n <= 1e6 && n == std::floor(n); };
  if (numbers.empty() || numbers.size() > 2 || !valid(numbers.front()) || !valid(numbers.back()))
    fail("--crop is '{}' and must be N or N,M with whole numbers from 2 to 1000000", values.text("crop"));
  return {static_cast<std::uint64_t>(numbers.front()), static_cast<std::uint64_t>(numbers.back())};
}

struct Settings {
  std::vector<std::string> words;  // of --maps
  io::MapChoice choice;
  std::uint64_t first;
  std::optional<std::uint64_t> count;
  std::optional<double> pixel_arcmin;
  std::optional<GridSize> crop;
  double scale;
  std::optional<bool> pixel_averaged, periodic;
  std::optional<double> validation, test;

  explicit Settings(const config::Values& values)
      : words(values.words("maps")),
        choice{values.text_or("dataset", ""), {}, {}},
        first(values.count("first", 0, UINT64_MAX)),
        pixel_arcmin(number_if_given(values, "pixel-arcmin", smallest_pixel, largest_pixel)),
        scale(values.number("scale", -1e9, 1e9)),
        pixel_averaged(yes_or_no(values, "pixel-averaged")),
        periodic(yes_or_no(values, "periodic")),
        validation(number_if_given(values, "validation", 0.0, 1.0)),
        test(number_if_given(values, "test", 0.0, 1.0)) {
    constexpr std::uint64_t planes = 40;
    if (values.has("source-plane")) choice.source_plane = values.count("source-plane", 1, planes);
    if (values.has("count")) count = values.count("count", 1, UINT64_MAX);
    if (values.has("crop")) crop = crop_size(values);
    if (scale == 0.0) fail("--scale is 0 and would leave nothing of the maps; give another factor");
    if (choice.source_plane && values.has("nz"))
      fail("--source-plane and --nz exclude each other; give one of them");
    if (crop && periodic.value_or(false)) fail("a map that is cropped is not periodic; leave --periodic out");
    if (validation.value_or(0.0) + test.value_or(0.0) >= 1.0)
      fail("--validation and --test leave no map to train with; their sum must be below 1");
  }
};

/// A name that stands in a list of maps.
std::string file_in_list(const std::string& name, const std::string& list) {
  std::error_code ignored;
  if (!std::filesystem::exists(name, ignored))
    fail("the list of maps '{}' names '{}', which is not there; give a text file with a name a line", list,
         one_line(name));
  return name;
}

/// --maps with each @LIST replaced by the names that the file holds.
std::vector<std::string> file_names(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const std::string& word : words) {
    if (!word.starts_with('@')) {
      names.push_back(word);
      continue;
    }
    for (const std::string& line : lines_of_list(word.substr(1)))
      names.push_back(file_in_list(line, word.substr(1)));
  }
  if (names.empty()) fail("--maps is '{}' and names no file; give at least one", fmt::join(words, ","));
  return names;
}

struct InputFile {
  std::string name;
  io::MapFacts facts;
  double bytes = 0.0;
};

/// What all files say. Each is opened by one rank. Collective.
std::vector<InputFile> look_at(const mpi::Communicator& comm, const std::vector<std::string>& names,
                               const io::MapChoice& choice) {
  constexpr std::size_t columns = 8;
  const auto stored = [](std::optional<bool> flag) { return flag ? 1.0 + static_cast<double>(*flag) : 0.0; };
  const auto flag = [](double value) { return value == 0.0 ? std::optional<bool>() : value == 2.0; };
  std::vector<double> table(columns * names.size());
  mpi::collectively(comm, [&] {
    for (auto i = static_cast<std::size_t>(comm.rank()); i < names.size();
         i += static_cast<std::size_t>(comm.size())) {
      const io::MapFacts facts = io::open_foreign_maps(names[i], choice)->facts();
      const std::array<double, columns> row{static_cast<double>(facts.count),
                                            static_cast<double>(facts.ny),
                                            static_cast<double>(facts.nx),
                                            facts.pixel_arcmin.value_or(0.0),
                                            stored(facts.periodic),
                                            stored(facts.pixel_averaged),
                                            static_cast<double>(facts.sky_set),
                                            static_cast<double>(std::filesystem::file_size(names[i]))};
      std::copy(row.begin(), row.end(), table.begin() + static_cast<std::ptrdiff_t>(columns * i));
    }
  });
  comm.sum(std::span<double>(table));
  std::vector<InputFile> files;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double* row = table.data() + columns * i;
    io::MapFacts facts{static_cast<std::uint64_t>(row[0]),
                       static_cast<std::uint64_t>(row[1]),
                       static_cast<std::uint64_t>(row[2]),
                       std::nullopt,
                       flag(row[4]),
                       flag(row[5]),
                       row[6] != 0.0};
    if (row[3] != 0.0) facts.pixel_arcmin = row[3];
    files.push_back({names[i], facts, row[7]});
  }
  return files;
}

/// The size of a pixel, which all that say one must agree on.
double common_pixel(const std::vector<InputFile>& files, std::optional<double> given) {
  constexpr double same = 1e-3;
  std::optional<double> pixel = given;
  std::string who = "--pixel-arcmin";
  for (const InputFile& file : files) {
    if (!file.facts.pixel_arcmin) continue;
    const double own = *file.facts.pixel_arcmin;
    if (!pixel) who = "'" + file.name + "'";
    if (!pixel) pixel = own;
    if (std::abs(own - *pixel) > same * own)
      fail("the pixels of '{}' are {:.6g} arcmin wide and {} says {:.6g}; {}", file.name, own, who, *pixel,
           given ? "leave --pixel-arcmin out" : "import maps of one kind");
  }
  if (!pixel) fail("'{}' does not say how large its pixels are; give --pixel-arcmin", files.front().name);
  if (!(*pixel >= smallest_pixel && *pixel <= largest_pixel))
    fail("the pixels of {} are {:.6g} arcmin wide and must be of {} to {}; is its WCS in degrees?", who,
         *pixel, smallest_pixel, largest_pixel);
  return given && files.front().facts.pixel_arcmin ? *files.front().facts.pixel_arcmin : *pixel;
}

/// What the files and the options agree on; `otherwise` if none says.
bool common_flag(const std::vector<InputFile>& files, std::optional<bool> io::MapFacts::*member,
                 std::optional<bool> given, bool otherwise, const char* option) {
  if (given) return *given;
  const bool first = (files.front().facts.*member).value_or(otherwise);
  for (const InputFile& file : files)
    if ((file.facts.*member).value_or(otherwise) != first)
      fail("'{}' and '{}' are of different kinds; say which with {}", files.front().name, file.name, option);
  return first;
}

/// All maps of all files in their order, cut to what is wanted.
class Collection {
 public:
  Collection(std::vector<InputFile> files, const Settings& settings)
      : files_(std::move(files)), choice_(settings.choice), scale_(settings.scale), first_(settings.first) {
    const io::MapFacts& shape = files_.front().facts;
    std::uint64_t all = 0;
    for (const InputFile& file : files_) {
      if (file.facts.ny != shape.ny || file.facts.nx != shape.nx)
        fail("the maps of '{}' have {} x {} pixels and those of '{}' {} x {}; a set holds maps of one size",
             file.name, file.facts.nx, file.facts.ny, files_.front().name, shape.nx, shape.ny);
      begin_.push_back(all);
      all += file.facts.count;
    }
    if (first_ >= all || settings.count.value_or(1) > all - first_)
      fail("--first {} and --count ask for more than the {} maps there are", first_, all);
    count_ = settings.count.value_or(all - first_);
    size_ = settings.crop.value_or(GridSize{shape.nx, shape.ny});
    if (size_.nx > shape.nx || size_.ny > shape.ny)
      fail("--crop wants {} x {} pixels and the maps have {} x {}; crop to less", size_.nx, size_.ny,
           shape.nx, shape.ny);
    if (size_.nx < 2 || size_.ny < 2)
      fail("the maps of '{}' have {} x {} pixels and must have at least 2 x 2", files_.front().name, size_.nx,
           size_.ny);
  }

  [[nodiscard]] const std::vector<InputFile>& files() const { return files_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] GridSize size() const { return size_; }

  struct Place {
    std::size_t file;
    std::uint64_t map;
  };
  [[nodiscard]] Place place(std::uint64_t index) const {
    const auto after = std::upper_bound(begin_.begin(), begin_.end(), first_ + index);
    const auto file = static_cast<std::size_t>(after - begin_.begin()) - 1;
    return {file, first_ + index - begin_[file]};
  }
  [[nodiscard]] std::string name(std::uint64_t index) const {
    const Place where = place(index);
    return fmt::format("map {} of '{}'", where.map, files_[where.file].name);
  }

  /// Map `index`, cropped and scaled. The file it is from stays open for the next.
  [[nodiscard]] std::vector<double> read(std::uint64_t index) {
    const Place where = place(index);
    if (!open_ || open_file_ != where.file) {
      open_.reset();
      open_ = io::open_foreign_maps(files_[where.file].name, choice_);
      open_file_ = where.file;
    }
    const auto whole = open_->read(where.map);
    const io::MapFacts& shape = files_.front().facts;
    if (whole.size() != shape.nx * shape.ny)
      fail("'{}' has changed meanwhile; run again", files_[where.file].name);
    const std::uint64_t x = (shape.nx - size_.nx) / 2, y = (shape.ny - size_.ny) / 2;
    std::vector<double> map;
    for (std::uint64_t row = y; row < y + size_.ny; ++row)
      for (std::uint64_t column = x; column < x + size_.nx; ++column)
        map.push_back(scale_ * whole[row * shape.nx + column]);
    return map;
  }

 private:
  std::vector<InputFile> files_;
  io::MapChoice choice_;
  double scale_;
  std::uint64_t first_;
  std::vector<std::uint64_t> begin_;
  std::uint64_t count_ = 0;
  GridSize size_{};
  std::unique_ptr<io::ForeignMaps> open_;
  std::size_t open_file_ = 0;
};

struct Moments {
  double mean;
  double deviation;
};

/// Error if the map holds what a set cannot, or nothing.
Moments checked_moments(const std::vector<double>& map, const std::string& name, std::uint64_t nx) {
  const auto storable = [](double value) { return std::isfinite(static_cast<float>(value)); };
  const auto bad = std::find_if_not(map.begin(), map.end(), storable);
  if (bad != map.end()) {
    const auto count = map.end() - bad - std::count_if(bad, map.end(), storable);
    const auto first = static_cast<std::uint64_t>(bad - map.begin());
    fail("{} has {} values that are not finite (the first in row {}, column {}); fill or --crop them", name,
         count, first / nx, first % nx);
  }
  const auto [least, most] = std::minmax_element(map.begin(), map.end());
  if (*least == *most) fail("{} is {} everywhere, no convergence map; leave it out", name, *least);
  const auto pixels = static_cast<double>(map.size());
  const double mean = std::accumulate(map.begin(), map.end(), 0.0) / pixels;
  double squares = 0.0;
  for (const double value : map) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / pixels)};
}

/// moments: [map][mean, deviation].
void warn_of_strange_maps(const Collection& maps, const std::vector<double>& moments) {
  constexpr double least = 1e-4, most = 1.0;
  std::vector<std::uint64_t> offset, strange;
  for (std::uint64_t i = 0; i < maps.count(); ++i) {
    const double mean = moments[2 * i], deviation = moments[2 * i + 1];
    if (std::abs(mean) > deviation) offset.push_back(i);
    if (deviation < least || deviation > most) strange.push_back(i);
  }
  if (!offset.empty())
    log::warn("{} of {} maps have a mean above their rms, first {} ({:.3g}, {:.3g}): are they convergence?",
              offset.size(), maps.count(), maps.name(offset.front()), moments[2 * offset.front()],
              moments[2 * offset.front() + 1]);
  if (!strange.empty())
    log::warn("{} of {} maps have an rms outside {} to {}, first {} ({:.3g}): are the units right (--scale)?",
              strange.size(), maps.count(), least, most, maps.name(strange.front()),
              moments[2 * strange.front() + 1]);
}

/// The last fractions of the set.
std::vector<io::Split> split_marks(std::uint64_t count, const Settings& settings) {
  constexpr double usual = 0.1;
  const auto share = [&](std::optional<double> fraction) {
    return static_cast<std::uint64_t>(std::llround(fraction.value_or(usual) * static_cast<double>(count)));
  };
  const std::uint64_t test = share(settings.test), validation = share(settings.validation);
  if (test + validation >= count)
    fail("--validation and --test take all {} maps and leave none to train with; give smaller fractions",
         count);
  std::vector<io::Split> marks(count, io::Split::train);
  for (std::uint64_t i = count - test - validation; i < count; ++i)
    marks[i] = i < count - test ? io::Split::validation : io::Split::test;
  return marks;
}

/// The sets that the maps come from: if all files are sets of one kind, what is known of each sky is kept.
class OldSets {
 public:
  explicit OldSets(const Collection& maps) {
    for (const InputFile& file : maps.files()) {
      if (!file.facts.sky_set) return;
    }
    for (const InputFile& file : maps.files()) sets_.emplace_back(file.name);
    const auto& first = sets_.front().header();
    for (const auto& set : sets_)
      alike_ =
          alike_ && set.header().ell == first.ell && set.header().parameter_names == first.parameter_names;
  }
  [[nodiscard]] bool known() const { return !sets_.empty(); }
  [[nodiscard]] bool alike() const { return known() && alike_; }
  [[nodiscard]] const io::SkySetReader& operator[](std::size_t file) const { return sets_[file]; }

  /// Columns of the sets' parameters but those that import adds itself.
  [[nodiscard]] std::vector<std::size_t> parameters() const {
    std::vector<std::size_t> columns;
    if (!alike()) return columns;
    const auto& names = sets_.front().header().parameter_names;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] != "file" && names[i] != "map") columns.push_back(i);
    return columns;
  }

 private:
  std::vector<io::SkySetReader> sets_;
  bool alike_ = true;
};

io::SkySetTables origin_tables(const Collection& maps, const OldSets& old, const Settings& settings) {
  io::SkySetTables tables;
  const bool new_marks = !old.known() || settings.validation || settings.test;
  if (new_marks) tables.split = split_marks(maps.count(), settings);
  for (std::uint64_t i = 0; i < maps.count(); ++i) {
    const auto [file, map] = maps.place(i);
    tables.realisation.push_back(old.known() ? old[file].tables().realisation[map] : i);
    tables.parameters.push_back(static_cast<double>(file));
    tables.parameters.push_back(static_cast<double>(map));
    for (const std::size_t column : old.parameters())
      tables.parameters.push_back(
          old[file].tables().parameters[map * old[file].header().parameter_names.size() + column]);
    if (!new_marks) tables.split.push_back(old[file].tables().split[map]);
  }
  return tables;
}

struct Measured {
  std::vector<double> moments;  // [map][mean, deviation]
  std::vector<double> power;    // [map][ell of the spectrum]
};

/// Reads, checks, measures and writes all maps, each by one rank. The result is on every rank. Collective.
Measured copy_maps(const mpi::Communicator& comm, Collection& maps, io::SkySetWriter& writer,
                   const statistics::MapSpectrum& spectrum) {
  const auto ranks = static_cast<std::uint64_t>(comm.size());
  const std::size_t ells = spectrum.ell().size();
  Measured measured{std::vector<double>(2 * maps.count()), std::vector<double>(ells * maps.count())};
  log::Progress progress("import", (maps.count() + ranks - 1) / ranks);
  for (std::uint64_t begin = 0; begin < maps.count(); begin += ranks) {
    const std::uint64_t index = begin + static_cast<std::uint64_t>(comm.rank());
    std::vector<double> map;
    mpi::collectively(comm, [&] {
      if (index >= maps.count()) return;
      map = maps.read(index);
      const Moments moments = checked_moments(map, maps.name(index), maps.size().nx);
      measured.moments[2 * index] = moments.mean;
      measured.moments[2 * index + 1] = moments.deviation;
      const auto power = spectrum(map);
      std::copy(power.begin(), power.end(),
                measured.power.begin() + static_cast<std::ptrdiff_t>(ells * index));
    });
    writer.write(std::min(index, maps.count() - 1), {map, 0, maps.size().nx});
    progress.step();
  }
  // Every number is one rank's and zero elsewhere: the sums are exact.
  comm.sum(std::span<double>(measured.moments));
  comm.sum(std::span<double>(measured.power));
  return measured;
}

std::vector<double> repeated(const std::vector<double>& row, std::uint64_t times) {
  std::vector<double> table;
  for (std::uint64_t i = 0; i < times; ++i) table.insert(table.end(), row.begin(), row.end());
  return table;
}

std::vector<double> mean_row(const std::vector<double>& table, std::uint64_t rows) {
  std::vector<double> mean(table.size() / rows);
  for (std::size_t i = 0; i < table.size(); ++i)
    mean[i % mean.size()] += table[i] / static_cast<double>(rows);
  return mean;
}

void write_origins(io::MapWriter& writer, const Collection& maps) {
  std::vector<std::string> names;
  std::vector<double> bytes;
  for (const InputFile& file : maps.files()) {
    names.push_back(file.name);
    bytes.push_back(file.bytes);
  }
  writer.attribute("/provenance", "names", fmt::format("{}", fmt::join(names, "\n")));
  writer.write_table("/provenance/input_bytes", bytes, 0,
                     {"byte", "size of each file of the attribute names"});
}

/// Pixels and kind of the maps.
struct Sky {
  double pixel;  // arcmin
  bool periodic, averaged;

  Sky(const Collection& maps, const Settings& settings)
      : pixel(common_pixel(maps.files(), settings.pixel_arcmin)),
        periodic(!settings.crop &&
                 common_flag(maps.files(), &io::MapFacts::periodic, settings.periodic, false, "--periodic")),
        averaged(common_flag(maps.files(), &io::MapFacts::pixel_averaged, settings.pixel_averaged, true,
                             "--pixel-averaged")) {}
};

/// The ell of the spectra, and where these come from: the user, the old sets, or the maps themselves.
void choose_spectrum(io::SkySetHeader& header, const std::optional<theory::PowerSpectrum>& given,
                     const OldSets& old, const statistics::MapSpectrum& measured) {
  header.ell = given ? given->ell() : old.alike() ? old[0].header().ell : measured.ell();
  header.spectrum_source = given ? "given" : old.alike() ? old[0].header().spectrum_source : "measured";
}

std::vector<double> spectra(const Collection& maps, const std::optional<theory::PowerSpectrum>& given,
                            const OldSets& old, const std::vector<double>& power, double scale) {
  if (given) return repeated(given->c_ell(), maps.count());
  if (!old.alike()) return repeated(mean_row(power, maps.count()), maps.count());
  std::vector<double> kept;
  for (std::uint64_t i = 0; i < maps.count(); ++i)
    for (const double c : old[maps.place(i).file].c_ell(maps.place(i).map)) kept.push_back(scale * scale * c);
  return kept;
}

void require_map_memory(const mpi::Communicator& comm, const InputFile& file) {
  const io::MapFacts& facts = file.facts;
  constexpr double doubles_per_pixel = 16.0;
  const double pixels = static_cast<double>(facts.nx) * static_cast<double>(facts.ny);
  mpi::require_memory(comm, doubles_per_pixel * sizeof(double) * pixels,
                      fmt::format("a map of '{}', {} x {} pixels,", file.name, facts.nx, facts.ny));
}

void run_import(const mpi::Communicator& comm, const config::Values& values) {
  Settings settings(values);
  io::AtomicFile file(comm, values.text("out"), values.flag("overwrite"));
  std::vector<std::string> names;
  mpi::collectively(comm, [&] {
    names = file_names(settings.words);
    if (const auto redshifts = sources(values))
      settings.choice.source_redshift = io::RedshiftTable{redshifts->z(), redshifts->n()};
  });
  Collection maps(look_at(comm, names, settings.choice), settings);
  const PaddedBox box{maps.size().nx, maps.size().ny};
  const Sky sky(maps, settings);
  require_map_memory(comm, maps.files().front());
  std::optional<theory::PowerSpectrum> given;
  std::optional<OldSets> old;
  io::SkySetTables tables;
  mpi::collectively(comm, [&] {
    if (values.has("spectrum")) given = spectrum_for(values, box, sky.pixel * radians_per_arcmin);
    old.emplace(maps);
    tables = origin_tables(maps, *old, settings);
  });

  const mpi::Communicator alone(MPI_COMM_SELF);
  const harmonic::PlaneBasis basis(alone, box, sky.pixel * radians_per_arcmin);
  const statistics::MapSpectrum spectrum(basis, sky.periodic, sky.averaged, spectrum_bands);
  const std::string source = fmt::format("imported from {} files, first {}", names.size(), names.front());
  io::SkySetHeader header{maps.count(), box.ny, box.nx,          sky.pixel, sky.periodic,
                          sky.averaged, source, {"file", "map"}, {},        {}};
  choose_spectrum(header, given, *old, spectrum);
  for (const std::size_t column : old->parameters())
    header.parameter_names.push_back((*old)[0].header().parameter_names[column]);

  io::SkySetWriter writer(comm, file, header);
  const Measured measured = copy_maps(comm, maps, writer, spectrum);
  tables.c_ell = spectra(maps, given, *old, measured.power, settings.scale);
  writer.write_tables(tables);
  write_provenance(writer.file(), comm, "import", values, given ? &*given : nullptr);
  write_origins(writer.file(), maps);
  writer.commit();
  warn_of_strange_maps(maps, measured.moments);
  log::info("wrote {} ({} maps of {} x {} pixels of {:.5g} arcmin)", file.path(), maps.count(), box.nx,
            box.ny, sky.pixel);
}

}  // namespace

Application import_application() { return {import_command(), run_import}; }

}  // namespace tessera::apps
