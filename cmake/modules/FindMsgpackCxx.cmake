# msgpack-c for C++, header-only and without Boost. Its package config differs between Debian (msgpackc-cxx) and upstream
# (msgpack-cxx), and both ask for Boost, which the headers do not need under MSGPACK_NO_BOOST.
#   MsgpackCxx_FOUND, MsgpackCxx::MsgpackCxx
include(FindPackageHandleStandardArgs)

find_path(MsgpackCxx_INCLUDE_DIR NAMES msgpack.hpp)
mark_as_advanced(MsgpackCxx_INCLUDE_DIR)
find_package_handle_standard_args(MsgpackCxx REQUIRED_VARS MsgpackCxx_INCLUDE_DIR)

if(MsgpackCxx_FOUND AND NOT TARGET MsgpackCxx::MsgpackCxx)
  add_library(MsgpackCxx::MsgpackCxx INTERFACE IMPORTED)
  set_target_properties(MsgpackCxx::MsgpackCxx PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${MsgpackCxx_INCLUDE_DIR}"
    INTERFACE_COMPILE_DEFINITIONS MSGPACK_NO_BOOST)
endif()
