# Standalone Asio, header-only. Debian ships no package config; vcpkg and Conan do, with the same target.
#   Asio_FOUND, Asio_VERSION, asio::asio
include(FindPackageHandleStandardArgs)

if(NOT TARGET asio::asio)
  find_package(asio CONFIG QUIET)
endif()
find_path(Asio_INCLUDE_DIR NAMES asio/any_io_executor.hpp)
mark_as_advanced(Asio_INCLUDE_DIR)
if(Asio_INCLUDE_DIR)
  file(STRINGS "${Asio_INCLUDE_DIR}/asio/version.hpp" _asio_version REGEX "define ASIO_VERSION [0-9]+")
  string(REGEX MATCH "[0-9]+" _asio_version "${_asio_version}")
  math(EXPR _asio_major "${_asio_version} / 100000")
  math(EXPR _asio_minor "${_asio_version} / 100 % 1000")
  math(EXPR _asio_patch "${_asio_version} % 100")
  set(Asio_VERSION "${_asio_major}.${_asio_minor}.${_asio_patch}")
endif()

if(TARGET asio::asio)
  set(_asio_where "asio::asio")
else()
  set(_asio_where "${Asio_INCLUDE_DIR}")
endif()
find_package_handle_standard_args(Asio REQUIRED_VARS _asio_where VERSION_VAR Asio_VERSION)

if(Asio_FOUND AND NOT TARGET asio::asio)
  find_package(Threads REQUIRED)
  add_library(asio::asio INTERFACE IMPORTED)
  set_target_properties(asio::asio PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${Asio_INCLUDE_DIR}"
    # The second: all files of a program agree on where Asio's memory comes from, whatever they include before it.
    INTERFACE_COMPILE_DEFINITIONS "ASIO_STANDALONE;ASIO_DISABLE_STD_ALIGNED_ALLOC"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
  # Before 1.24 Asio does not see that clang has C++20 coroutines.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND Asio_VERSION VERSION_LESS 1.24)
    set_property(TARGET asio::asio APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS
                 ASIO_HAS_CO_AWAIT=1 ASIO_HAS_STD_COROUTINE=1)
  endif()
endif()
