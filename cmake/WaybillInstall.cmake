# Install rules: one export set per component, so that finding one asks for nothing that another needs.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(waybill_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/waybill")
get_property(waybill_components GLOBAL PROPERTY WAYBILL_COMPONENTS)

set(waybill_component_table "")
foreach(name IN LISTS waybill_components)
  set(target waybill_${name})
  install(TARGETS ${target} EXPORT waybill-${name}
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT waybill-${name} NAMESPACE waybill:: FILE waybill-${name}-targets.cmake
    DESTINATION "${waybill_cmake_dir}")

  get_target_property(is_internal ${target} WAYBILL_INTERNAL)
  get_target_property(include_dir ${target} WAYBILL_INCLUDE_DIR)
  if(NOT is_internal AND EXISTS "${include_dir}")
    install(DIRECTORY "${include_dir}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
  endif()

  get_target_property(needs ${target} WAYBILL_NEEDS)
  get_target_property(packages ${target} WAYBILL_PACKAGES)
  string(APPEND waybill_component_table
    "set(waybill_needs_${name} ${needs})\nset(waybill_packages_${name} ${packages})\n")
endforeach()

configure_package_config_file(cmake/waybillConfig.cmake.in "${PROJECT_BINARY_DIR}/waybillConfig.cmake"
  INSTALL_DESTINATION "${waybill_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/waybillConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/waybillConfig.cmake" "${PROJECT_BINARY_DIR}/waybillConfigVersion.cmake"
  DESTINATION "${waybill_cmake_dir}")
install(DIRECTORY cmake/modules DESTINATION "${waybill_cmake_dir}")
