#include "apps/catalogue_options.hpp"

#include <charconv>
#include <cmath>

namespace tessera::apps {
namespace {

void rename(const config::Values& values, const std::string& option, std::vector<std::string>& names) {
  if (values.has(option)) names = {values.text(option)};
}

catalogue::ColumnOrNumber column_or_number(const config::Values& values, const std::string& option) {
  const std::string text = values.text(option);
  double number = 0.0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem == std::errc() && stop == text.data() + text.size() && std::isfinite(number))
    return {"", number};
  return {text, 0.0};
}

}  // namespace

config::Group catalogue_options() {
  return {"Catalogue",
          {{"catalogue", "FILE",
            "shear catalogue: FITS binary table, HDF5 (columns in a group, or TXPipe's "
            "shear/bin_*) or CSV with a header line"},
           {"section", "NAME",
            "FITS extension, or HDF5 group or pattern such as 'shear/bin_*' [found by itself]"},
           {"ra-column", "NAME", "right ascension, degrees [ra]"},
           {"dec-column", "NAME", "declination, degrees [dec]"},
           {"e1-column", "NAME", "ellipticity, > 0 along East-West [e1 or g1]"},
           {"e2-column", "NAME", "ellipticity, > 0 along x = y with x West, y North [e2 or g2]"},
           {"w-column", "NAME", "weight; 'none' weighs all galaxies alike [w or weight]"},
           {"m", "M", "multiplicative bias, a number or a column: e = (1 + m) shear + c", "0"},
           {"c1", "C", "additive bias of e1, a number or a column", "0"},
           {"c2", "C", "additive bias of e2, a number or a column", "0"},
           {"flip-e1", "", "change the sign of e1"},
           {"flip-e2", "", "change the sign of e2"}}};
}

catalogue::TableLocation table_location(const config::Values& values) {
  return {values.text("catalogue"), values.text_or("section", "")};
}

catalogue::ShearColumns shear_columns(const config::Values& values) {
  catalogue::ShearColumns columns;
  rename(values, "ra-column", columns.ra);
  rename(values, "dec-column", columns.dec);
  rename(values, "e1-column", columns.e1);
  rename(values, "e2-column", columns.e2);
  rename(values, "w-column", columns.weight);
  columns.unit_weights = values.text_or("w-column", "") == "none";
  columns.m = column_or_number(values, "m");
  columns.c1 = column_or_number(values, "c1");
  columns.c2 = column_or_number(values, "c2");
  columns.flip_e1 = values.flag("flip-e1");
  columns.flip_e2 = values.flag("flip-e2");
  return columns;
}

}  // namespace tessera::apps
