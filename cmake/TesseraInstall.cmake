# What is installed beside the programs (apps/) and the layers (TesseraTargets.cmake). share/tessera is laid out as the
# repository, so that what the documentation and jobs/ call data/ and tools/ is found in both.
install(DIRECTORY data DESTINATION share/tessera PATTERN pictures EXCLUDE)
install(DIRECTORY jobs DESTINATION share/tessera USE_SOURCE_PERMISSIONS)
install(DIRECTORY tools DESTINATION share/tessera USE_SOURCE_PERMISSIONS FILES_MATCHING PATTERN "*.py")
install(FILES README.md CHANGELOG.md CITATION.cff LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The CMake package. Network targets are a file of their own, for users without LibTorch.
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tessera)
install(EXPORT tesseraTargets NAMESPACE tessera:: DESTINATION ${package_folder})
install(EXPORT tesseraNetworkTargets NAMESPACE tessera:: DESTINATION ${package_folder})
include(CMakePackageConfigHelpers)
write_basic_package_version_file(tesseraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake cmake/tesseraConfig.cmake cmake/TesseraDependencies.cmake
              cmake/TesseraTorch.cmake DESTINATION ${package_folder})
