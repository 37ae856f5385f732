# waybill_add_program(<name> SOURCES <file>... [LIBS <target>...]): a program of this tree, linked with waybill::all.
function(waybill_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 PROGRAM "" "" "SOURCES;LIBS")
  add_executable(${name} ${PROGRAM_SOURCES})
  waybill_own_code(${name})
  set(intermediate)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    # Inlines across the whole program. g++ 12 numbers the temporaries in frames of coroutines that headers define, and
    # takes the numbers for differences.
    target_link_options(${name} PRIVATE -flto-partition=one -Wno-odr)
    # The libraries' intermediate code first (waybill_make_plain); the plain ones behind it have nothing left to add.
    get_property(components GLOBAL PROPERTY WAYBILL_COMPONENTS)
    foreach(component IN LISTS components)
      get_target_property(copy waybill_${component} WAYBILL_INTERMEDIATE)
      if(copy)
        list(APPEND intermediate "${copy}")
      endif()
    endforeach()
  endif()
  if(intermediate)
    target_link_libraries(${name} PRIVATE -Wl,--start-group ${intermediate} -Wl,--end-group)
  endif()
  target_link_libraries(${name} PRIVATE waybill::all ${PROGRAM_LIBS})
endfunction()
