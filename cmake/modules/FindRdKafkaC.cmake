# librdkafka's C library under one name, which no package config of others has: upstream, Conan and vcpkg install a CMake
# package RdKafka, Debian only a pkg-config file.
#   RdKafkaC_FOUND, RdKafkaC_VERSION, RdKafkaC::RdKafkaC
include(FindPackageHandleStandardArgs)

find_path(RdKafkaC_INCLUDE_DIR librdkafka/rdkafka.h)
find_library(RdKafkaC_LIBRARY rdkafka)
mark_as_advanced(RdKafkaC_INCLUDE_DIR RdKafkaC_LIBRARY)

if(RdKafkaC_INCLUDE_DIR)
  # 0xMMmmrrxx, the last byte being ff for releases
  file(STRINGS "${RdKafkaC_INCLUDE_DIR}/librdkafka/rdkafka.h" _rdkafka_line REGEX "#define RD_KAFKA_VERSION +0x")
  string(REGEX REPLACE ".*0x(..)(..)(..)(..).*" "\\1;\\2;\\3" _rdkafka_parts "${_rdkafka_line}")
  set(RdKafkaC_VERSION)
  foreach(_rdkafka_part IN LISTS _rdkafka_parts)
    math(EXPR _rdkafka_part "0x${_rdkafka_part}")
    list(APPEND RdKafkaC_VERSION ${_rdkafka_part})
  endforeach()
  list(JOIN RdKafkaC_VERSION "." RdKafkaC_VERSION)
endif()
find_package_handle_standard_args(RdKafkaC REQUIRED_VARS RdKafkaC_LIBRARY RdKafkaC_INCLUDE_DIR VERSION_VAR RdKafkaC_VERSION)

if(RdKafkaC_FOUND AND NOT TARGET RdKafkaC::RdKafkaC)
  # A static library needs what the package knows of it: compression, TLS, SASL.
  if(RdKafkaC_LIBRARY MATCHES "\\.a$")
    find_package(RdKafka CONFIG QUIET)
    if(NOT TARGET RdKafka::rdkafka)
      message(FATAL_ERROR "${RdKafkaC_LIBRARY} is a static library, and no RdKafkaConfig.cmake says what it needs")
    endif()
    add_library(RdKafkaC::RdKafkaC INTERFACE IMPORTED)
    set_target_properties(RdKafkaC::RdKafkaC PROPERTIES INTERFACE_LINK_LIBRARIES RdKafka::rdkafka)
  else()
    add_library(RdKafkaC::RdKafkaC UNKNOWN IMPORTED)
    set_target_properties(RdKafkaC::RdKafkaC PROPERTIES
      IMPORTED_LOCATION "${RdKafkaC_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${RdKafkaC_INCLUDE_DIR}")
  endif()
endif()
