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

# tessera_layer(NAME [DEPENDS layer...] [LIBRARIES target...] [EXPORT set]): the library tessera_NAME of the folder
# src/NAME, installed as tessera::NAME. Layers that a header of NAME shows are DEPENDS; only those may be included.
function(tessera_layer NAME)
  cmake_parse_arguments(LAYER "" "EXPORT" "DEPENDS;LIBRARIES" ${ARGN})
  if(NOT LAYER_EXPORT)
    set(LAYER_EXPORT tesseraTargets)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${NAME}/*.cpp)
  add_library(tessera_${NAME} STATIC ${sources})
  target_compile_features(tessera_${NAME} PUBLIC cxx_std_20)
  target_include_directories(tessera_${NAME} PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}>
                                                    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/tessera>)
  list(TRANSFORM LAYER_DEPENDS PREPEND tessera_)
  target_link_libraries(tessera_${NAME} PUBLIC ${LAYER_DEPENDS} ${LAYER_LIBRARIES}
                                        PRIVATE $<BUILD_INTERFACE:tessera_options>)
  set_target_properties(tessera_${NAME} PROPERTIES EXPORT_NAME ${NAME})
  install(TARGETS tessera_${NAME} EXPORT ${LAYER_EXPORT})
  install(DIRECTORY ${NAME} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tessera
          FILES_MATCHING PATTERN "*.hpp" PATTERN "*.inl")
endfunction()
