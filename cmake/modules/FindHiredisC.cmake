# hiredis under one name: its own CMake package spells its target differently from release to release.
#   HiredisC_FOUND, HiredisC_VERSION, HiredisC::HiredisC
include(FindPackageHandleStandardArgs)

find_path(HiredisC_INCLUDE_DIR hiredis/hiredis.h)
find_library(HiredisC_LIBRARY hiredis)
mark_as_advanced(HiredisC_INCLUDE_DIR HiredisC_LIBRARY)

if(HiredisC_INCLUDE_DIR)
  set(HiredisC_VERSION)
  foreach(_part MAJOR MINOR PATCH)
    file(STRINGS "${HiredisC_INCLUDE_DIR}/hiredis/hiredis.h" _line REGEX "#define HIREDIS_${_part} +[0-9]+")
    string(REGEX REPLACE ".*_${_part} +([0-9]+).*" "\\1" _line "${_line}")
    list(APPEND HiredisC_VERSION "${_line}")
  endforeach()
  list(JOIN HiredisC_VERSION "." HiredisC_VERSION)
endif()
find_package_handle_standard_args(HiredisC REQUIRED_VARS HiredisC_LIBRARY HiredisC_INCLUDE_DIR VERSION_VAR HiredisC_VERSION)

if(HiredisC_FOUND AND NOT TARGET HiredisC::HiredisC)
  add_library(HiredisC::HiredisC UNKNOWN IMPORTED)
  set_target_properties(HiredisC::HiredisC PROPERTIES
    IMPORTED_LOCATION "${HiredisC_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${HiredisC_INCLUDE_DIR}")
endif()
