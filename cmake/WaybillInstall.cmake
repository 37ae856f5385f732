# Install rules: one export set per component, so that finding one asks for nothing that another needs.
include(CMakePackageConfigHelpers)

set(waybill_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/waybill")
get_property(waybill_components GLOBAL PROPERTY WAYBILL_COMPONENTS)

set(waybill_component_table "")
foreach(name IN LISTS waybill_components)
  foreach(fact TARGETS NEEDS PACKAGES HEADERS HEADERS_TO)
    get_property(component_${fact} GLOBAL PROPERTY WAYBILL_${name}_${fact})
  endforeach()
  install(TARGETS ${component_TARGETS} EXPORT waybill-${name}
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    OBJECTS DESTINATION "${CMAKE_INSTALL_LIBDIR}/waybill"
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(EXPORT waybill-${name} NAMESPACE waybill:: FILE waybill-${name}-targets.cmake
    DESTINATION "${waybill_cmake_dir}")
  if(component_HEADERS)
    install(DIRECTORY ${component_HEADERS} DESTINATION ${component_HEADERS_TO} FILES_MATCHING PATTERN "*.hpp")
  endif()
  string(APPEND waybill_component_table
    "set(waybill_needs_${name} ${component_NEEDS})\nset(waybill_packages_${name} ${component_PACKAGES})\n")
endforeach()

configure_package_config_file(cmake/waybillConfig.cmake.in "${PROJECT_BINARY_DIR}/waybillConfig.cmake"
  INSTALL_DESTINATION "${waybill_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/waybillConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/waybillConfig.cmake" "${PROJECT_BINARY_DIR}/waybillConfigVersion.cmake"
  DESTINATION "${waybill_cmake_dir}")
install(DIRECTORY cmake/modules DESTINATION "${waybill_cmake_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
