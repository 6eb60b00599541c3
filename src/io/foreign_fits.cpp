// Images of FITS files as maps.
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "io/fits_file.hpp"
#include "io/foreign_formats.hpp"

namespace tessera::io {
namespace {

constexpr double arcmin_per_degree = 60.0;
constexpr double same = 1e-3;  // relative, between two sides of a pixel

double number_key(fitsfile* file, const char* name, double otherwise) {
  int status = 0;
  double value = 0.0;
  fits_read_key_dbl(file, name, &value, nullptr, &status);
  if (status != 0) fits_clear_errmsg();
  return status == 0 ? value : otherwise;
}

/// Degrees (x to the East, y to the North) per pixel; as in Greisen & Calabretta (2002), section 2.1.
struct PixelMatrix {
  double xx, xy, yx, yy;
};

std::optional<PixelMatrix> celestial_pixel(fitsfile* file) {
  const std::string x = fits_text_key(file, "CTYPE1"), y = fits_text_key(file, "CTYPE2");
  const bool celestial = (x.starts_with("RA") && y.starts_with("DEC")) ||
                         (x.find("LON") != std::string::npos && y.find("LAT") != std::string::npos);
  if (!celestial) return std::nullopt;
  const auto number = [&](const char* name, double otherwise) { return number_key(file, name, otherwise); };
  if (fits_text_key(file, "CD1_1").empty() && fits_text_key(file, "CD1_2").empty()) {
    const double dx = number("CDELT1", 1.0), dy = number("CDELT2", 1.0);
    return PixelMatrix{dx * number("PC1_1", 1.0), dx * number("PC1_2", 0.0), dy * number("PC2_1", 0.0),
                       dy * number("PC2_2", 1.0)};
  }
  return PixelMatrix{number("CD1_1", 0.0), number("CD1_2", 0.0), number("CD2_1", 0.0), number("CD2_2", 0.0)};
}

class FitsMaps final : public ForeignMaps {
 public:
  explicit FitsMaps(const std::string& path) : path_(path), file_(open_fits(path)) {
    move_to_image();
    if (const auto pixel = celestial_pixel(file_.get())) orient(*pixel);
  }

  [[nodiscard]] const MapFacts& facts() const override { return facts_; }

  [[nodiscard]] std::vector<double> read(std::uint64_t index) const override {
    TESSERA_REQUIRE(index < facts_.count);
    std::vector<double> stored(facts_.ny * facts_.nx), map(stored.size());
    int status = 0, any_null = 0;
    double null = std::numeric_limits<double>::quiet_NaN();
    fits_read_img(file_.get(), TDOUBLE, static_cast<LONGLONG>(index * stored.size()) + 1,
                  static_cast<LONGLONG>(stored.size()), &null, stored.data(), &any_null, &status);
    check_fits(status, path_, "read the image of");
    for (std::uint64_t y = 0; y < facts_.ny; ++y)
      for (std::uint64_t x = 0; x < facts_.nx; ++x) {
        const std::uint64_t from_y = flip_y_ ? facts_.ny - 1 - y : y;
        const std::uint64_t from_x = flip_x_ ? facts_.nx - 1 - x : x;
        map[y * facts_.nx + x] = stored[from_y * facts_.nx + from_x];
      }
    return map;
  }

 private:
  /// The first image that is not empty.
  void move_to_image() {
    const std::uintmax_t size = fits_size_on_disk(file_.get(), path_);
    for (int hdu = 1;; ++hdu) {
      int status = 0, type = 0, dimensions = 0;
      fits_movabs_hdu(file_.get(), hdu, &type, &status);
      if (status == END_OF_FILE) break;
      check_fits(status, path_, "read the headers of");
      require_complete_fits(file_.get(), path_, size);
      if (type == IMAGE_HDU) fits_get_img_dim(file_.get(), &dimensions, &status);
      check_fits(status, path_, "read the headers of");
      if (dimensions == 0) continue;
      set_shape(dimensions);
      return;
    }
    fits_clear_errmsg();
    fail("FITS file '{}' has no image; give a file with maps as images", path_);
  }

  void set_shape(int dimensions) {
    constexpr int most = 9;
    std::vector<LONGLONG> axes(most);
    int status = 0;
    if (dimensions <= most) fits_get_img_sizell(file_.get(), most, axes.data(), &status);
    check_fits(status, path_, "read the headers of");
    axes.resize(static_cast<std::size_t>(std::min(dimensions, most)));
    while (axes.size() > 2 && axes.back() == 1) axes.pop_back();  // a frequency, a Stokes parameter
    if (axes.size() == 2) axes.push_back(1);
    if (axes.size() != 3)
      fail("the image of '{}' has {} axes and maps have 2, or 3 for a stack", path_, dimensions);
    facts_.nx = static_cast<std::uint64_t>(axes[0]);
    facts_.ny = static_cast<std::uint64_t>(axes[1]);
    facts_.count = static_cast<std::uint64_t>(axes[2]);
  }

  void orient(const PixelMatrix& m) {
    const double x = std::hypot(m.xx, m.yx), y = std::hypot(m.xy, m.yy);
    if (!(x > 0.0 && y > 0.0) || !std::isfinite(x + y))
      fail("the WCS of '{}' gives no size of a pixel (CDELT or CD); mend it or remove CTYPE1 and CTYPE2",
           path_);
    if (std::abs(x - y) > same * y)
      fail("the pixels of '{}' are {:.6g} x {:.6g} arcmin and must be squares; resample the map", path_,
           arcmin_per_degree * x, arcmin_per_degree * y);
    if (std::abs(m.xx) < std::abs(m.xy) || std::abs(m.yy) < std::abs(m.yx))
      fail("the map of '{}' is turned by more than 45 degrees; turn it so that y grows to the North", path_);
    facts_.pixel_arcmin = arcmin_per_degree * y;
    flip_x_ = m.xx > 0.0;  // right ascension grows with x
    flip_y_ = m.yy < 0.0;
  }

  std::string path_;
  FitsFile file_;
  MapFacts facts_;
  bool flip_x_ = false, flip_y_ = false;
};

}  // namespace

std::unique_ptr<ForeignMaps> open_fits_maps(const std::string& path) {
  return std::make_unique<FitsMaps>(path);
}

}  // namespace tessera::io
