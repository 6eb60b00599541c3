# Finds LibTorch, which the layer `network` alone includes, as tessera::torch. Read like
# TesseraDependencies.cmake, after it.
#
# TESSERA_LIBTORCH is for the folder `torch` of PyTorch's Python package, whose TorchConfig.cmake wants the CUDA toolkit
# that it was built with: its libraries for the CPU are taken by name, without GPUs.
set(TESSERA_LIBTORCH "" CACHE PATH "Folder with include/ and lib/ of LibTorch; empty: find_package(Torch)")
if(TESSERA_LIBTORCH)
  foreach(name torch_cpu c10)
    find_library(TESSERA_LIBTORCH_${name} ${name} PATHS ${TESSERA_LIBTORCH}/lib NO_DEFAULT_PATH REQUIRED)
    list(APPEND TORCH_LIBRARIES ${TESSERA_LIBTORCH_${name}})
  endforeach()
  set(TORCH_INCLUDE_DIRS ${TESSERA_LIBTORCH}/include ${TESSERA_LIBTORCH}/include/torch/csrc/api/include)
else()
  find_package(Torch REQUIRED)
endif()

# Newer ones have the headers of an fmt of their own, without its library: those of ours must come first.
get_target_property(fmt_folder fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/tessera_fmt)
file(CREATE_LINK ${fmt_folder}/fmt ${CMAKE_CURRENT_BINARY_DIR}/tessera_fmt/fmt SYMBOLIC)
list(PREPEND TORCH_INCLUDE_DIRS ${CMAKE_CURRENT_BINARY_DIR}/tessera_fmt)

# Its flags are taken over by hand: the target would force others on its users.
tessera_imported(torch INCLUDES ${TORCH_INCLUDE_DIRS} LIBRARIES ${TORCH_LIBRARIES})
