# waybill_add_program(<name> SOURCES <file>... [LIBS <target>...]): a program of this tree, linked with waybill::all.
function(waybill_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 PROGRAM "" "" "SOURCES;LIBS")
  add_executable(${name} ${PROGRAM_SOURCES})
  waybill_own_code(${name})
  target_link_libraries(${name} PRIVATE waybill::all ${PROGRAM_LIBS})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    # Inlines across the whole program. g++ 12 numbers the temporaries in frames of coroutines that headers define, and
    # takes the numbers for differences.
    target_link_options(${name} PRIVATE -flto-partition=one -Wno-odr)
  endif()
endfunction()
