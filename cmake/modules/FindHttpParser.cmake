# http_parser, which has no CMake package of its own on Debian.
#   HttpParser_FOUND, HttpParser_VERSION, HttpParser::HttpParser
include(FindPackageHandleStandardArgs)

find_path(HttpParser_INCLUDE_DIR http_parser.h)
find_library(HttpParser_LIBRARY NAMES http_parser http_parser_strict)
mark_as_advanced(HttpParser_INCLUDE_DIR HttpParser_LIBRARY)

if(HttpParser_INCLUDE_DIR)
  set(HttpParser_VERSION)
  foreach(_part MAJOR MINOR PATCH)
    file(STRINGS "${HttpParser_INCLUDE_DIR}/http_parser.h" _line REGEX "#define HTTP_PARSER_VERSION_${_part} +[0-9]+")
    string(REGEX REPLACE ".*_${_part} +([0-9]+).*" "\\1" _line "${_line}")
    list(APPEND HttpParser_VERSION "${_line}")
  endforeach()
  list(JOIN HttpParser_VERSION "." HttpParser_VERSION)
endif()
find_package_handle_standard_args(HttpParser
  REQUIRED_VARS HttpParser_LIBRARY HttpParser_INCLUDE_DIR VERSION_VAR HttpParser_VERSION)

if(HttpParser_FOUND AND NOT TARGET HttpParser::HttpParser)
  add_library(HttpParser::HttpParser UNKNOWN IMPORTED)
  set_target_properties(HttpParser::HttpParser PROPERTIES
    IMPORTED_LOCATION "${HttpParser_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${HttpParser_INCLUDE_DIR}")
endif()
