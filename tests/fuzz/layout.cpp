#include "fuzz/layout.hpp"

#include <array>
#include <cmath>
#include <vector>

namespace tessera::fuzz {
namespace {

constexpr std::array groups{"/",      "/maps",  "/data",        "/healpix",     "/wcs",        "/skies",
                            "/shear", "/model", "/shear/bin_0", "/shear/bin_1", "/maps/kappa", "/data/mask"};
constexpr std::array names{"ra",    "dec",         "e1",    "g1",      "e2",         "w",
                           "kappa", "mask",        "pixel", "value",   "ell",        "c_ell",
                           "split", "realisation", "table", "weights", "parameters", "z01"};
constexpr std::array attributes{
    "nside", "NAXIS1", "NAXIS2",       "CDELT2",         "CRVAL1",          "CRVAL2",   "format", "source",
    "units", "names",  "pixel_arcmin", "pixel_averaged", "spectrum_source", "periodic", "card",   "checksum"};
constexpr std::array texts{"tessera skies 1", "", "1", "a b", "kind = score\n", "\xff\x1b[2J"};
constexpr std::array<double, 12> numbers{0.0, 1.0,   2.0,    3.0, 4.0,      -1.0,
                                         0.5, 1e300, 1e-300, NAN, INFINITY, 150.0};
constexpr std::array<hsize_t, 6> lengths{0, 1, 2, 3, 12, 48};

io::GroupHandle group_at(hid_t file, const char* path) {
  const io::PropertyHandle properties(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(properties.get(), 1);
  io::GroupHandle group(H5Gopen2(file, path, H5P_DEFAULT));
  if (!group) group = io::GroupHandle(H5Gcreate2(file, path, properties.get(), H5P_DEFAULT, H5P_DEFAULT));
  return group;
}

io::TypeHandle text_type(bool variable) {
  io::TypeHandle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), variable ? H5T_VARIABLE : 5);
  return type;
}

/// Records with two numbers and a text.
io::TypeHandle record_type() {
  io::TypeHandle type(H5Tcreate(H5T_COMPOUND, 24));
  H5Tinsert(type.get(), "ra", 0, H5T_NATIVE_DOUBLE);
  H5Tinsert(type.get(), "dec", 8, H5T_NATIVE_INT32);
  H5Tinsert(type.get(), "name", 16, text_type(false).get());
  return type;
}

io::TypeHandle any_type(Choices& choices) {
  switch (choices.below(9)) {
    case 0:
      return io::TypeHandle(H5Tcopy(H5T_IEEE_F32BE));
    case 1:
      return io::TypeHandle(H5Tcopy(H5T_STD_I64LE));
    case 2:
      return io::TypeHandle(H5Tcopy(H5T_STD_U8LE));
    case 3:
      return text_type(false);
    case 4:
      return record_type();
    case 5:
      return io::TypeHandle(H5Tcreate(H5T_OPAQUE, 7));
    case 6:
      return io::TypeHandle(H5Tvlen_create(H5T_NATIVE_DOUBLE));
    default:
      return io::TypeHandle(H5Tcopy(H5T_NATIVE_DOUBLE));
  }
}

io::SpaceHandle any_space(Choices& choices) {
  const std::size_t axes = choices.below(6);
  if (axes == 5) return io::SpaceHandle(H5Screate(H5S_NULL));
  if (axes == 0) return io::SpaceHandle(H5Screate(H5S_SCALAR));
  std::vector<hsize_t> shape;
  for (std::size_t a = 0; a < axes; ++a) shape.push_back(choices.of(lengths));
  return io::SpaceHandle(H5Screate_simple(static_cast<int>(axes), shape.data(), nullptr));
}

void add_attribute(hid_t object, Choices& choices) {
  const char* const name = choices.of(attributes);
  if (H5Aexists(object, name) > 0) H5Adelete(object, name);
  const bool many = choices.below(8) == 7, is_text = choices.below(2) == 1, variable = choices.below(4) != 3;
  const hsize_t count = many ? 300 : 1;
  const io::SpaceHandle space(many ? H5Screate_simple(1, &count, nullptr) : H5Screate(H5S_SCALAR));
  const io::TypeHandle type = is_text ? text_type(variable) : io::TypeHandle(H5Tcopy(H5T_NATIVE_DOUBLE));
  const io::AttributeHandle attribute(
      H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute) return;
  if (!is_text) {
    const std::vector<double> values(count, choices.of(numbers));
    H5Awrite(attribute.get(), type.get(), values.data());
  } else if (variable) {
    const std::vector<const char*> values(count, choices.of(texts));
    H5Awrite(attribute.get(), type.get(), static_cast<const void*>(values.data()));
  } else {
    const std::vector<char> values(5 * count, 'x');
    H5Awrite(attribute.get(), type.get(), values.data());
  }
}

void add_dataset(hid_t parent, Choices& choices) {
  const char* const name = choices.of(names);
  const io::TypeHandle type = any_type(choices);
  const io::SpaceHandle space = any_space(choices);
  const io::DatasetHandle dataset(
      H5Dcreate2(parent, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  if (!dataset) return;
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  const H5T_class_t kind = H5Tget_class(type.get());
  if (count > 0 && (kind == H5T_FLOAT || kind == H5T_INTEGER)) {
    std::vector<double> values(static_cast<std::size_t>(count));
    const double first = choices.of(numbers), step = choices.of(numbers);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = first + step * static_cast<double>(i);
    H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  }
  if (choices.below(2) == 1) add_attribute(dataset.get(), choices);
}

void add_link(hid_t parent, Choices& choices) {
  const char* const name = choices.of(names);
  const char* const target = choices.of(groups);
  if (choices.below(2) == 1)
    H5Lcreate_soft(target, parent, name, H5P_DEFAULT, H5P_DEFAULT);
  else
    H5Lcreate_hard(parent, target, parent, name, H5P_DEFAULT, H5P_DEFAULT);  // may make a ring
}

/// The file's bytes.
std::string make_layout(Choices& choices) {
  io::silence_hdf5();
  constexpr std::size_t increment = 1 << 16;
  const io::PropertyHandle in_memory(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_fapl_core(in_memory.get(), increment, 0);
  const io::FileHandle file(H5Fcreate("layout", H5F_ACC_TRUNC, H5P_DEFAULT, in_memory.get()));
  require(static_cast<bool>(file), "no file to write a layout to");
  constexpr int most = 60;
  for (int step = 0; step < most && !choices.empty(); ++step) {
    const std::size_t what = choices.below(4);
    const io::GroupHandle group = group_at(file.get(), choices.of(groups));
    if (!group) continue;
    if (what < 2) add_dataset(group.get(), choices);
    if (what == 2) add_attribute(group.get(), choices);
    if (what == 3) add_link(group.get(), choices);
  }
  H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
  std::string image(static_cast<std::size_t>(H5Fget_file_image(file.get(), nullptr, 0)), '\0');
  H5Fget_file_image(file.get(), image.data(), image.size());
  return image;
}

}  // namespace

LayoutFile::LayoutFile(Choices& choices) : file_(make_layout(choices)) {}

}  // namespace tessera::fuzz
