# Functions for tests/: a GoogleTest program per subject, its cases registered one by one with label and time limit.
include(GoogleTest)

# waybill_is_built(<variable> <subject of a test>): false for tests of a component that was not switched on.
function(waybill_is_built variable subject)
  set(${variable} TRUE PARENT_SCOPE)
  if(subject MATCHES "^(redis|amqp|kafka)(_|$)")
    string(TOUPPER "${CMAKE_MATCH_1}" name)
    if(NOT WAYBILL_WITH_${name})
      set(${variable} FALSE PARENT_SCOPE)
    endif()
  endif()
  if(subject MATCHES "^(http|application|gateway)(_|$)" AND NOT WAYBILL_WITH_GATEWAY)
    set(${variable} FALSE PARENT_SCOPE)
  endif()
endfunction()

# waybill_add_gtest(<name> LABEL <label> SOURCES <file>... [LIBS <target>...] [TIMEOUT <seconds of one case>])
function(waybill_add_gtest name)
  cmake_parse_arguments(PARSE_ARGV 1 TEST "" "LABEL;TIMEOUT" "SOURCES;LIBS")
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 60)
  endif()
  add_executable(${name} ${TEST_SOURCES})
  waybill_own_code(${name})
  target_link_libraries(${name} PRIVATE ${TEST_LIBS} GTest::gtest GTest::gtest_main)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    target_link_options(${name} PRIVATE -Wno-odr -Wno-stringop-overflow)  # g++ 12: coroutines, std::string
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${TEST_LABEL}" TIMEOUT ${TEST_TIMEOUT})
endfunction()
