# rabbitmq-c under one name: headers lie in the include root (to 0.11) or in rabbitmq-c/ (from 0.12 on, which keeps the old names).
#   RabbitmqC_FOUND, RabbitmqC_VERSION, RabbitmqC::RabbitmqC
include(FindPackageHandleStandardArgs)

find_path(RabbitmqC_INCLUDE_DIR NAMES rabbitmq-c/amqp.h amqp.h)
find_library(RabbitmqC_LIBRARY rabbitmq)
mark_as_advanced(RabbitmqC_INCLUDE_DIR RabbitmqC_LIBRARY)

if(RabbitmqC_INCLUDE_DIR)
  set(RabbitmqC_VERSION)
  set(_header "${RabbitmqC_INCLUDE_DIR}/rabbitmq-c/amqp.h")
  if(NOT EXISTS "${_header}")
    set(_header "${RabbitmqC_INCLUDE_DIR}/amqp.h")
  endif()
  foreach(_part MAJOR MINOR PATCH)
    file(STRINGS "${_header}" _line REGEX "#define AMQP_VERSION_${_part} +[0-9]+")
    string(REGEX REPLACE ".*_${_part} +([0-9]+).*" "\\1" _line "${_line}")
    list(APPEND RabbitmqC_VERSION "${_line}")
  endforeach()
  list(JOIN RabbitmqC_VERSION "." RabbitmqC_VERSION)
endif()
find_package_handle_standard_args(RabbitmqC REQUIRED_VARS RabbitmqC_LIBRARY RabbitmqC_INCLUDE_DIR VERSION_VAR RabbitmqC_VERSION)

if(RabbitmqC_FOUND AND NOT TARGET RabbitmqC::RabbitmqC)
  # A static library needs what its package knows of it: OpenSSL.
  if(RabbitmqC_LIBRARY MATCHES "\\.a$")
    find_package(rabbitmq-c CONFIG QUIET)
    if(NOT TARGET rabbitmq::rabbitmq-static)
      message(FATAL_ERROR "${RabbitmqC_LIBRARY} is a static library, and no rabbitmq-c-config.cmake says what it needs")
    endif()
    add_library(RabbitmqC::RabbitmqC INTERFACE IMPORTED)
    set_target_properties(RabbitmqC::RabbitmqC PROPERTIES INTERFACE_LINK_LIBRARIES rabbitmq::rabbitmq-static)
  else()
    add_library(RabbitmqC::RabbitmqC UNKNOWN IMPORTED)
    set_target_properties(RabbitmqC::RabbitmqC PROPERTIES
      IMPORTED_LOCATION "${RabbitmqC_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${RabbitmqC_INCLUDE_DIR}")
  endif()
endif()
