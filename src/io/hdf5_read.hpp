#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/hdf5_handle.hpp"

namespace tessera::io {

// Reading parts of an open HDF5 file by one process; `path` names the file in errors.

/// Whether an object of that absolute name exists.
[[nodiscard]] bool link_exists(hid_t file, const std::string& name);

[[nodiscard]] double read_number_attribute(hid_t file, const std::string& path, const std::string& object,
                                           const std::string& name);
[[nodiscard]] std::string read_text_attribute(hid_t file, const std::string& path, const std::string& object,
                                              const std::string& name);

[[nodiscard]] std::vector<hsize_t> dataset_shape(const DatasetHandle& dataset);

/// Error if values of a dataset are missing, which HDF5 fills with zeros: those in other files that are not
/// there (virtual and external storage), and those that were never written, unless the writer said what
/// stands for them (a fill value). `what` names the dataset in errors.
void require_written(hid_t dataset, const std::string& what);

/// All values of a dataset as doubles. Error if `count` is given and differs from their number.
[[nodiscard]] std::vector<double> read_numbers(hid_t file, const std::string& path, const std::string& name,
                                               std::optional<std::uint64_t> count);

/// A block of a dataset as doubles; `what` names the dataset in errors.
[[nodiscard]] std::vector<double> read_block(const DatasetHandle& dataset, const std::string& what,
                                             const std::vector<hsize_t>& start,
                                             const std::vector<hsize_t>& count);

}  // namespace tessera::io
