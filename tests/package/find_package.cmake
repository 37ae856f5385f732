# Installs the build into an empty prefix, then builds and runs a project that finds it there by components, with the
# dependencies of the other components hidden.
file(REMOVE_RECURSE "${WORK}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/prefix"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(
  COMMAND "${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${WORK}/build" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_CXX_FLAGS=${FLAGS}"
    "-DCMAKE_PREFIX_PATH=${WORK}/prefix" -DCMAKE_BUILD_TYPE=Debug "-DWITH_GATEWAY=${GATEWAY}"
    "-DWITH_PROMETHEUS=${PROMETHEUS}"
    -DCMAKE_DISABLE_FIND_PACKAGE_MsgpackCxx=ON -DCMAKE_DISABLE_FIND_PACKAGE_CLI11=ON
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/build" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${WORK}/build/consumer" COMMAND_ERROR_IS_FATAL ANY)
if(GATEWAY)
  execute_process(COMMAND "${WORK}/build/gateway" COMMAND_ERROR_IS_FATAL ANY)
endif()
if(PROMETHEUS)
  execute_process(COMMAND "${WORK}/build/metrics" COMMAND_ERROR_IS_FATAL ANY)
endif()
