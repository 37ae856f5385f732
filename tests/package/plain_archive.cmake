# Builds and runs tests/package/plain_archive; its library holds no intermediate code, and the copy beside it does.
file(REMOVE_RECURSE "${WORK}")
execute_process(
  COMMAND "${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${WORK}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DWAYBILL_SOURCE=${WAYBILL}"
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${WORK}/program" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND objdump -h "${WORK}/libnumbers.a" OUTPUT_VARIABLE plain COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND objdump -h "${WORK}/lto/libnumbers.a" OUTPUT_VARIABLE intermediate COMMAND_ERROR_IS_FATAL ANY)
if(plain MATCHES "gnu\\.lto" OR NOT intermediate MATCHES "gnu\\.lto")
  message(FATAL_ERROR "the library holds intermediate code, or its copy in lto/ has none")
endif()
