# waybill_add_component: one library, its alias, its warnings and its export set.

# Warnings and language level of everything that is ours; nothing of it reaches users.
function(waybill_own_code target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
    # g++ 12 and 13 take the own operator new and delete of Asio's coroutine frames for a mismatch.
    target_compile_options(${target} PRIVATE -Wno-mismatched-new-delete)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    # g++ zeroes a Packet with rep stos, which takes 40 cycles to begin: stores of words take 10.
    target_compile_options(${target} PRIVATE
      "$<$<CONFIG:Release,RelWithDebInfo>:-mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign>")
  endif()
  if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It takes the files that a unity build includes for headers.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  if(WAYBILL_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

# waybill_make_plain(<target>): a static library that is built with g++'s link-time optimization keeps its intermediate
# code in lto/ beside it, for the programs of this tree (waybill_add_program). The library itself is plain code: any
# program links it, with any flags, debug information and another compiler.
function(waybill_make_plain target)
  if(NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR BUILD_SHARED_LIBS)
    return()
  endif()
  target_compile_options(${target} PRIVATE -ffat-lto-objects)
  set(copy "${CMAKE_CURRENT_BINARY_DIR}/lto/${CMAKE_STATIC_LIBRARY_PREFIX}${target}${CMAKE_STATIC_LIBRARY_SUFFIX}")
  set_target_properties(${target} PROPERTIES WAYBILL_INTERMEDIATE "${copy}")
  add_custom_command(TARGET ${target} POST_BUILD BYPRODUCTS "${copy}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_CURRENT_BINARY_DIR}/lto"
    COMMAND "${CMAKE_COMMAND}" -E copy "$<TARGET_FILE:${target}>" "${copy}"
    COMMAND "${CMAKE_OBJCOPY}" --remove-section=.gnu.lto_* --remove-section=.gnu.debuglto_* "$<TARGET_FILE:${target}>"
    VERBATIM)
endfunction()

# waybill_add_component(<name> [INTERNAL] SOURCES <file>... [PUBLIC <target>...] [PRIVATE <target>...]
#                       [PACKAGES <find_package name>...])
#
# Makes waybill_<name> with the alias waybill::<name>, from include/ (public) and src/ (private).
# PACKAGES are found again by a project that finds the installed component. INTERNAL: headers are not installed.
function(waybill_add_component name)
  cmake_parse_arguments(PARSE_ARGV 1 COMPONENT "INTERNAL" "" "SOURCES;PUBLIC;PRIVATE;PACKAGES")
  set(target waybill_${name})
  add_library(${target} ${COMPONENT_SOURCES})
  add_library(waybill::${name} ALIAS ${target})
  waybill_own_code(${target})
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name} VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    INSTALL_RPATH "$ORIGIN")  # a shared library finds those that it needs beside itself
  waybill_make_plain(${target})
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/src")
  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/include")
    target_include_directories(${target} PUBLIC
      "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>"
      "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  endif()
  target_link_libraries(${target} PUBLIC ${COMPONENT_PUBLIC} PRIVATE ${COMPONENT_PRIVATE})

  set(needs ${COMPONENT_PUBLIC} ${COMPONENT_PRIVATE})
  list(FILTER needs INCLUDE REGEX "^waybill::")
  list(TRANSFORM needs REPLACE "^waybill::" "")
  set(headers)
  if(NOT COMPONENT_INTERNAL AND EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/include")
    set(headers "${CMAKE_CURRENT_SOURCE_DIR}/include/")
  endif()
  waybill_describe_component(${name} TARGETS ${target} NEEDS ${needs} PACKAGES ${COMPONENT_PACKAGES}
    HEADERS ${headers} HEADERS_TO "${CMAKE_INSTALL_INCLUDEDIR}")
endfunction()

# waybill_describe_component(<name> TARGETS <target>... [NEEDS <component>...] [PACKAGES <find_package name>...]
#                            [HEADERS <folder>... HEADERS_TO <folder below the prefix>])
# Says what WaybillInstall.cmake installs for a component.
function(waybill_describe_component name)
  cmake_parse_arguments(PARSE_ARGV 1 COMPONENT "" "HEADERS_TO" "TARGETS;NEEDS;PACKAGES;HEADERS")
  set_property(GLOBAL APPEND PROPERTY WAYBILL_COMPONENTS ${name})
  foreach(fact TARGETS NEEDS PACKAGES HEADERS HEADERS_TO)
    set_property(GLOBAL PROPERTY WAYBILL_${name}_${fact} ${COMPONENT_${fact}})
  endforeach()
endfunction()
