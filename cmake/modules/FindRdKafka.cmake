# librdkafka's C library under one name: upstream installs a CMake package, Debian only a pkg-config file.
#   RdKafka_FOUND, RdKafka_VERSION, RdKafka::RdKafka
include(FindPackageHandleStandardArgs)

find_path(RdKafka_INCLUDE_DIR librdkafka/rdkafka.h)
find_library(RdKafka_LIBRARY rdkafka)
mark_as_advanced(RdKafka_INCLUDE_DIR RdKafka_LIBRARY)

if(RdKafka_INCLUDE_DIR)
  # 0xMMmmrrxx, the last byte being ff for releases
  file(STRINGS "${RdKafka_INCLUDE_DIR}/librdkafka/rdkafka.h" _rdkafka_line REGEX "#define RD_KAFKA_VERSION +0x")
  string(REGEX REPLACE ".*0x(..)(..)(..)(..).*" "\\1;\\2;\\3" _rdkafka_parts "${_rdkafka_line}")
  set(RdKafka_VERSION)
  foreach(_rdkafka_part IN LISTS _rdkafka_parts)
    math(EXPR _rdkafka_part "0x${_rdkafka_part}")
    list(APPEND RdKafka_VERSION ${_rdkafka_part})
  endforeach()
  list(JOIN RdKafka_VERSION "." RdKafka_VERSION)
endif()
find_package_handle_standard_args(RdKafka REQUIRED_VARS RdKafka_LIBRARY RdKafka_INCLUDE_DIR VERSION_VAR RdKafka_VERSION)

if(RdKafka_FOUND AND NOT TARGET RdKafka::RdKafka)
  add_library(RdKafka::RdKafka UNKNOWN IMPORTED)
  set_target_properties(RdKafka::RdKafka PROPERTIES
    IMPORTED_LOCATION "${RdKafka_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${RdKafka_INCLUDE_DIR}")
endif()
