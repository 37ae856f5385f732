# msgpack-c for C++, header-only and without Boost. Its package config differs between Debian (msgpackc-cxx) and upstream
# (msgpack-cxx), and asks for Boost, which the headers do not need under MSGPACK_NO_BOOST: so the headers are looked for,
# and upstream's config only where they are in no usual place (vcpkg, Conan).
#   MsgpackCxx_FOUND, MsgpackCxx::MsgpackCxx
include(FindPackageHandleStandardArgs)

find_path(MsgpackCxx_INCLUDE_DIR NAMES msgpack.hpp)
mark_as_advanced(MsgpackCxx_INCLUDE_DIR)
if(NOT MsgpackCxx_INCLUDE_DIR)
  find_package(msgpack-cxx CONFIG QUIET)
  if(TARGET msgpack-cxx)
    get_target_property(MsgpackCxx_INCLUDE_DIR msgpack-cxx INTERFACE_INCLUDE_DIRECTORIES)
  endif()
endif()
find_package_handle_standard_args(MsgpackCxx REQUIRED_VARS MsgpackCxx_INCLUDE_DIR)

if(MsgpackCxx_FOUND AND NOT TARGET MsgpackCxx::MsgpackCxx)
  add_library(MsgpackCxx::MsgpackCxx INTERFACE IMPORTED)
  set_target_properties(MsgpackCxx::MsgpackCxx PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${MsgpackCxx_INCLUDE_DIR}"
    INTERFACE_COMPILE_DEFINITIONS MSGPACK_NO_BOOST)
endif()
