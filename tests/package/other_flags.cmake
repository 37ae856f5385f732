# Programs that find the installed waybill and are built with what their own projects use: the address sanitizer, and
# clang where it is there, with it and with thin link-time optimization. (The library was built by this compiler, without.)
function(build_and_run name compiler flags)
  file(REMOVE_RECURSE "${WORK}/${name}")
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${WORK}/${name}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${compiler}"
      "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_CXX_FLAGS=${flags}" "-DCMAKE_PREFIX_PATH=${PREFIX}"
      -DCMAKE_BUILD_TYPE=Debug
    COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/${name}" COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${WORK}/${name}/call" TIMEOUT 60 COMMAND_ERROR_IS_FATAL ANY)
endfunction()

build_and_run(asan "${COMPILER}" "${FLAGS} -fsanitize=address -fno-omit-frame-pointer")
find_program(clang NAMES clang++-14 clang++)
if(clang)
  build_and_run(clang "${clang}" "")
  build_and_run(clang_asan "${clang}" "-fsanitize=address -fno-omit-frame-pointer")
  build_and_run(clang_lto "${clang}" "-O1 -flto=thin")
elseif("$ENV{WAYBILL_TEST_REQUIRE}" STREQUAL "all")
  message(FATAL_ERROR "clang++ is missing, and WAYBILL_TEST_REQUIRE=all")
else()
  message("clang++ is missing: not tried with it")
endif()
