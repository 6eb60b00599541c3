// Maps as raw numbers behind a short header: NPY, and kappaTNG's older binary files.
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <regex>
#include <unistd.h>

#include "core/error.hpp"
#include "io/foreign_formats.hpp"

namespace tessera::io {
namespace {

static_assert(std::endian::native == std::endian::little, "the numbers of these files are read as they lie");

/// A file that is read at given places.
class RawFile {
 public:
  explicit RawFile(const std::string& path)
      : path_(path), descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) fail("cannot read '{}' ({})", path, std::strerror(errno));
    size_ = std::filesystem::file_size(path);
  }
  ~RawFile() { close(descriptor_); }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;
  RawFile(RawFile&&) = delete;
  RawFile& operator=(RawFile&&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  void read(std::uint64_t place, void* values, std::size_t bytes) const {
    auto* out = static_cast<std::byte*>(values);
    while (bytes > 0) {
      const ssize_t got = pread(descriptor_, out, bytes, static_cast<off_t>(place));
      if (got <= 0)
        fail("cannot read '{}' at byte {}; the file is truncated or the disk fails", path_, place);
      out += got;
      place += static_cast<std::uint64_t>(got);
      bytes -= static_cast<std::size_t>(got);
    }
  }

  template <class T>
  [[nodiscard]] std::vector<double> numbers(std::uint64_t place, std::uint64_t count) const {
    std::vector<T> values(count);
    read(place, values.data(), count * sizeof(T));
    return {values.begin(), values.end()};
  }

 private:
  std::string path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1 to 3. Own code since
/// the libraries that read NPY read whole files, and trust their headers.
class NpyMaps final : public ForeignMaps {
 public:
  explicit NpyMaps(const std::string& path) : file_(path) {
    read_header();
    const double values =
        static_cast<double>(facts_.count) * static_cast<double>(facts_.ny) * static_cast<double>(facts_.nx);
    const double promised = static_cast<double>(begin_) + values * item_;
    if (promised != static_cast<double>(file_.size()))
      fail("'{}' is {}: its header promises {:.0f} bytes, there are {}; write it again with numpy.save", path,
           promised > static_cast<double>(file_.size()) ? "truncated" : "damaged", promised, file_.size());
  }

  [[nodiscard]] const MapFacts& facts() const override { return facts_; }

  [[nodiscard]] std::vector<double> read(std::uint64_t index) const override {
    TESSERA_REQUIRE(index < facts_.count);
    if (fortran_) return read_fortran(index);
    const std::uint64_t pixels = facts_.ny * facts_.nx;
    return numbers(index * pixels, pixels);
  }

 private:
  [[nodiscard]] std::vector<double> numbers(std::uint64_t first, std::uint64_t count) const {
    const std::uint64_t place = begin_ + first * static_cast<std::uint64_t>(item_);
    return item_ == sizeof(float) ? file_.numbers<float>(place, count) : file_.numbers<double>(place, count);
  }

  /// Element (m, y, x) lies at m + count (y + ny x): the rows of the file are columns, for all maps at once.
  [[nodiscard]] std::vector<double> read_fortran(std::uint64_t index) const {
    std::vector<double> map(facts_.ny * facts_.nx);
    for (std::uint64_t x = 0; x < facts_.nx; ++x) {
      const auto column = numbers(facts_.count * facts_.ny * x, facts_.count * facts_.ny);
      for (std::uint64_t y = 0; y < facts_.ny; ++y) map[y * facts_.nx + x] = column[index + facts_.count * y];
    }
    return map;
  }

  void read_header() {
    constexpr std::size_t magic = 8, longest = 4096;
    std::array<unsigned char, 12> start{};
    file_.read(0, start.data(), start.size());
    const unsigned version = start[6];
    if (version < 1 || version > 3)
      fail("'{}' is NPY of version {}, and 1 to 3 are read", file_.path(), version);
    const std::size_t digits = version == 1 ? 2 : 4;
    std::size_t length = 0;
    for (std::size_t i = digits; i-- > 0;) length = 256 * length + start.at(magic + i);
    begin_ = magic + digits + length;
    if (length > longest || begin_ > file_.size())
      fail("'{}' is truncated or has no NPY header", file_.path());
    std::string header(length, ' ');
    file_.read(magic + digits, header.data(), length);
    parse(header);
  }

  void parse(const std::string& header) {
    std::smatch type, order, shape;
    if (!std::regex_search(header, type, std::regex("'descr': *'([^']*)'")))
      fail("'{}' holds records and not numbers; save a plain array of float32 or float64", file_.path());
    if (!std::regex_search(header, order, std::regex("'fortran_order': *(True|False)")) ||
        !std::regex_search(header, shape, std::regex("'shape': *\\(([0-9, ]*)\\)")))
      fail("the NPY header of '{}' says no order or no shape; write it again with numpy.save", file_.path());
    if (type[1] != "<f4" && type[1] != "<f8")
      fail(
          "'{}' holds numbers of type '{}' and maps are float32 or float64, little-endian ('<f4', '<f8'); "
          "convert them with numpy.astype",
          file_.path(), type[1].str());
    item_ = type[1] == "<f4" ? sizeof(float) : sizeof(double);
    fortran_ = order[1] == "True";
    set_shape(shape[1]);
  }

  void set_shape(const std::string& text) {
    constexpr std::size_t digits = 10;  // of the largest axis, so that no product overflows
    std::vector<std::uint64_t> axes;
    const std::regex number("[0-9]+");
    for (std::sregex_iterator it(text.begin(), text.end(), number), end; it != end; ++it)
      axes.push_back(it->length() > static_cast<std::ptrdiff_t>(digits) ? 0 : std::stoull(it->str()));
    if (axes.size() == 2) axes.insert(axes.begin(), 1);
    if (axes.size() != 3 || axes[0] * axes[1] * axes[2] == 0)
      fail("'{}' has the shape ({}) and maps are [ny][nx] or [maps][ny][nx]", file_.path(), text);
    facts_.count = axes[0];
    facts_.ny = axes[1];
    facts_.nx = axes[2];
  }

  RawFile file_;
  MapFacts facts_;
  std::uint64_t begin_ = 0;
  int item_ = 0;
  bool fortran_ = false;
};

/// int32 n, double kappa[n][n], int32 n (binary/load_map.c of https://github.com/0satoken/kappaTNG).
class KappaTngBinary final : public ForeignMaps {
 public:
  explicit KappaTngBinary(const std::string& path, std::uint64_t n) : file_(path) {
    facts_ = {1, n, n, kappa_tng_pixel(n, n), false, false};
  }
  [[nodiscard]] const MapFacts& facts() const override { return facts_; }
  [[nodiscard]] std::vector<double> read(std::uint64_t /*index*/) const override {
    return file_.numbers<double>(sizeof(std::int32_t), facts_.ny * facts_.nx);
  }

 private:
  RawFile file_;
  MapFacts facts_;
};

}  // namespace

std::unique_ptr<ForeignMaps> open_npy_maps(const std::string& path) {
  return std::make_unique<NpyMaps>(path);
}

std::optional<double> kappa_tng_pixel(std::uint64_t ny, std::uint64_t nx) {
  constexpr std::uint64_t pixels = 1024;
  constexpr double side = 300.0;  // arcmin
  if (ny != pixels || nx != pixels) return std::nullopt;
  return side / static_cast<double>(pixels);
}

std::unique_ptr<ForeignMaps> open_kappa_tng_binary(const std::string& path) {
  const RawFile file(path);
  if (file.size() < 2 * sizeof(std::int32_t)) return nullptr;
  std::int32_t before = 0, after = 0;
  file.read(0, &before, sizeof(before));
  file.read(file.size() - sizeof(after), &after, sizeof(after));
  if (before <= 0 || before != after) return nullptr;
  const auto n = static_cast<std::uint64_t>(before);
  if (file.size() != 2 * sizeof(std::int32_t) + n * n * sizeof(double)) return nullptr;
  return std::make_unique<KappaTngBinary>(path, n);
}

}  // namespace tessera::io
