# Options that every target of ours shares.
add_library(tessera_options INTERFACE)
target_compile_features(tessera_options INTERFACE cxx_std_20)
target_compile_options(tessera_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
# Contraction would let the compiler round the same formula differently in two places.
target_compile_options(tessera_options INTERFACE -ffp-contract=off)
if(TESSERA_SANITIZE)
  target_compile_options(tessera_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer)
  target_link_options(tessera_options INTERFACE -fsanitize=address,undefined)
endif()
if(TESSERA_FUZZ)
  target_compile_options(tessera_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# tessera_layer(NAME [DEPENDS layer...] [LIBRARIES target...]): the library tessera_NAME of the folder src/NAME. Layers that
# a header of NAME shows are DEPENDS; only those may be included.
function(tessera_layer NAME)
  cmake_parse_arguments(LAYER "" "" "DEPENDS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${NAME}/*.cpp)
  add_library(tessera_${NAME} STATIC ${sources})
  target_include_directories(tessera_${NAME} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  list(TRANSFORM LAYER_DEPENDS PREPEND tessera_)
  target_link_libraries(tessera_${NAME} PUBLIC ${LAYER_DEPENDS} ${LAYER_LIBRARIES} PRIVATE tessera_options)
endfunction()
