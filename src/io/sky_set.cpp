#include "io/sky_set.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/error.hpp"
#include "io/hdf5_read.hpp"

namespace tessera::io {
namespace {

constexpr const char* format_name = "tessera skies 1";
constexpr std::uint64_t datasets = 6;
constexpr double largest_number = 9007199254740992.0;  // tables hold doubles: whole numbers to 2^53

PlaneGrid grid_of(const SkySetHeader& header) {
  return {{0.0, 0.0}, header.nx, header.ny, header.pixel_arcmin};
}

double stored_values(const SkySetHeader& header) {
  const auto skies = static_cast<double>(header.count);
  const auto pixels = static_cast<double>(header.nx * header.ny);
  const auto columns = static_cast<double>(2 + header.parameter_names.size() + header.ell.size());
  return skies * (0.5 * pixels + columns) + static_cast<double>(header.ell.size());
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

void require_increasing(const std::vector<double>& ell, const std::string& path) {
  for (std::size_t i = 0; i < ell.size(); ++i)
    if (!std::isfinite(ell[i]) || ell[i] <= (i == 0 ? 0.0 : ell[i - 1]))
      fail("/skies/ell of '{}' does not increase from above 0; the file is damaged", path);
  if (ell.empty()) fail("/skies/ell of '{}' is empty; the file is damaged", path);
}

}  // namespace

SkySetWriter::SkySetWriter(const mpi::Communicator& comm, AtomicFile& file, const SkySetHeader& header)
    : header_(header), writer_(comm, file, stored_values(header), datasets), grid_(grid_of(header)) {
  TESSERA_REQUIRE(header.count > 0 && !header.ell.empty());
  for (const std::string& name : header.parameter_names) TESSERA_REQUIRE(words(name).size() == 1);
  writer_.create_group("/skies");
  writer_.attribute("/skies", "format", std::string(format_name));
  writer_.attribute("/skies", "pixel_arcmin", header.pixel_arcmin);
  writer_.attribute("/skies", "periodic", std::int64_t{header.periodic ? 1 : 0});
  writer_.attribute("/skies", "pixel_averaged", std::int64_t{header.pixel_averaged ? 1 : 0});
  writer_.attribute("/skies", "source", header.source);
  writer_.attribute("/skies", "spectrum_source", header.spectrum_source);
  writer_.create_stack("/skies/kappa", header.count, grid_, {"1", "convergence"}, Precision::float32);
}

void SkySetWriter::write(std::uint64_t index, const BoxRows& rows) {
  TESSERA_REQUIRE(index < header_.count);
  writer_.write_slice("/skies/kappa", index, grid_, rows);
}

void SkySetWriter::write_tables(const SkySetTables& tables) {
  const std::uint64_t parameters = header_.parameter_names.size();
  TESSERA_REQUIRE(tables.split.size() == header_.count && tables.realisation.size() == header_.count);
  TESSERA_REQUIRE(tables.parameters.size() == header_.count * parameters);
  TESSERA_REQUIRE(tables.c_ell.size() == header_.count * header_.ell.size());
  std::vector<double> split, realisation(tables.realisation.begin(), tables.realisation.end());
  for (const std::uint64_t number : tables.realisation)
    TESSERA_REQUIRE(static_cast<double>(number) < largest_number);
  for (const Split mark : tables.split) split.push_back(static_cast<double>(mark));
  writer_.write_table("/skies/split", split, 0, {"1", "0 train, 1 validation, 2 test"});
  writer_.write_table("/skies/realisation", realisation, 0, {"1", "number of the sky under the set's seed"});
  writer_.write_table("/skies/ell", header_.ell, 0, {"radian^-1", "multipoles of c_ell"});
  writer_.write_table("/skies/c_ell", tables.c_ell, header_.ell.size(),
                      {"steradian", "kappa-kappa spectrum of each sky, without the pixel's window"});
  if (parameters == 0) return;
  writer_.write_table("/skies/parameters", tables.parameters, parameters,
                      {"1", "what each sky was made with; columns: names"});
  writer_.attribute("/skies/parameters", "names", fmt::format("{}", fmt::join(header_.parameter_names, " ")));
}

bool SkySetReader::is_sky_set(const std::string& path) {
  return link_exists(open_for_reading(path).get(), "/skies/kappa");
}

SkySetReader::SkySetReader(const std::string& path) : path_(path), file_(open_for_reading(path)) {
  if (!link_exists(file_.get(), "/skies/kappa"))
    fail(
        "'{}' has no /skies/kappa: it is not a set of skies; make one by 'tessera simulate skies' or "
        "'tessera "
        "import'",
        path);
  kappa_ = DatasetHandle(H5Dopen2(file_.get(), "/skies/kappa", H5P_DEFAULT));
  if (!kappa_) fail("'{}' has an unreadable /skies/kappa; the file is damaged", path);
  read_header();
  read_tables();
}

void SkySetReader::read_header() {
  const std::string format = read_text_attribute(file_.get(), path_, "/skies", "format");
  if (format != format_name)
    fail("'{}' is a set of format '{}' and this program reads '{}'", path_, format, format_name);
  const auto number = [&](const char* name) {
    return read_number_attribute(file_.get(), path_, "/skies", name);
  };
  header_.pixel_arcmin = number("pixel_arcmin");
  header_.periodic = number("periodic") != 0.0;
  header_.pixel_averaged = number("pixel_averaged") != 0.0;
  header_.source = read_text_attribute(file_.get(), path_, "/skies", "source");
  header_.spectrum_source = read_text_attribute(file_.get(), path_, "/skies", "spectrum_source");
  const auto shape = dataset_shape(kappa_);
  if (shape.size() != 3 || std::find(shape.begin(), shape.end(), 0U) != shape.end())
    fail("/skies/kappa of '{}' is no stack [sky][ny][nx]; the file is damaged", path_);
  header_.count = shape[0];
  header_.ny = shape[1];
  header_.nx = shape[2];
  if (!(header_.pixel_arcmin > 0.0) || !std::isfinite(header_.pixel_arcmin))
    fail("the skies of '{}' have pixels of {} arcmin; the file is damaged", path_, header_.pixel_arcmin);
}

void SkySetReader::read_tables() {
  const auto table = [&](const std::string& name, std::uint64_t columns) {
    return read_numbers(file_.get(), path_, name, header_.count * columns);
  };
  header_.ell = read_numbers(file_.get(), path_, "/skies/ell", {});
  require_increasing(header_.ell, path_);
  for (const double mark : table("/skies/split", 1)) {
    if (mark != 0.0 && mark != 1.0 && mark != 2.0)
      fail("/skies/split of '{}' holds {} and may hold 0, 1, 2 (train, validation, test)", path_, mark);
    tables_.split.push_back(static_cast<Split>(static_cast<int>(mark)));
  }
  for (const double number : table("/skies/realisation", 1)) {
    if (!(number >= 0.0 && number < largest_number))
      fail("/skies/realisation of '{}' holds {} and may hold whole numbers only; the file is damaged", path_,
           number);
    tables_.realisation.push_back(static_cast<std::uint64_t>(number));
  }
  tables_.c_ell = table("/skies/c_ell", header_.ell.size());
  for (const double power : tables_.c_ell)
    if (!(power >= 0.0) || !std::isfinite(power))
      fail("/skies/c_ell of '{}' holds {}, which is no power; the file is damaged", path_, power);
  if (!link_exists(file_.get(), "/skies/parameters")) return;
  header_.parameter_names = words(read_text_attribute(file_.get(), path_, "/skies/parameters", "names"));
  tables_.parameters = table("/skies/parameters", header_.parameter_names.size());
}

std::vector<double> SkySetReader::read_rows(std::uint64_t index, std::uint64_t first,
                                            std::uint64_t count) const {
  TESSERA_REQUIRE(index < header_.count && first + count <= header_.ny);
  return read_block(kappa_, fmt::format("/skies/kappa of '{}'", path_), {index, first, 0},
                    {1, count, header_.nx});
}

std::vector<double> SkySetReader::c_ell(std::uint64_t index) const {
  TESSERA_REQUIRE(index < header_.count);
  const auto begin = tables_.c_ell.begin() + static_cast<std::ptrdiff_t>(index * header_.ell.size());
  return {begin, begin + static_cast<std::ptrdiff_t>(header_.ell.size())};
}

}  // namespace tessera::io
