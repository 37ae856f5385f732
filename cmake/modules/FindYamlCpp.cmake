# yaml-cpp under one name: its target is yaml-cpp up to 0.7 and yaml-cpp::yaml-cpp from 0.8.
#   YamlCpp_FOUND, YamlCpp::YamlCpp
include(FindPackageHandleStandardArgs)

find_package(yaml-cpp CONFIG QUIET)
if(TARGET yaml-cpp::yaml-cpp)
  set(_yaml_cpp_target yaml-cpp::yaml-cpp)
elseif(TARGET yaml-cpp)
  set(_yaml_cpp_target yaml-cpp)
endif()
find_package_handle_standard_args(YamlCpp REQUIRED_VARS _yaml_cpp_target)

if(YamlCpp_FOUND AND NOT TARGET YamlCpp::YamlCpp)
  get_target_property(_yaml_cpp_global ${_yaml_cpp_target} IMPORTED_GLOBAL)
  get_target_property(_yaml_cpp_imported ${_yaml_cpp_target} IMPORTED)
  if(_yaml_cpp_imported AND NOT _yaml_cpp_global)
    set_target_properties(${_yaml_cpp_target} PROPERTIES IMPORTED_GLOBAL TRUE)
  endif()
  add_library(YamlCpp::YamlCpp INTERFACE IMPORTED)
  set_target_properties(YamlCpp::YamlCpp PROPERTIES INTERFACE_LINK_LIBRARIES ${_yaml_cpp_target})
endif()
