# A project that has waybill as a subdirectory, built with shared libraries and with nothing but Asio and simdjson: what
# the other options need is hidden.
file(REMOVE_RECURSE "${WORK}")
set(hidden)
foreach(package HiredisC RabbitmqC RdKafkaC MsgpackCxx msgpack OpenSSL YamlCpp yaml-cpp HttpParser CLI11 GTest benchmark nlohmann_json)
  list(APPEND hidden "-DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON")
endforeach()
execute_process(
  COMMAND "${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${WORK}" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
    "-DWAYBILL_SOURCE=${WAYBILL}" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DBUILD_SHARED_LIBS=ON
    -DWAYBILL_WITH_REDIS=OFF -DWAYBILL_WITH_AMQP=OFF -DWAYBILL_WITH_KAFKA=OFF -DWAYBILL_WITH_MSGPACK=OFF
    -DWAYBILL_WITH_TLS=OFF -DWAYBILL_WITH_YAML=OFF -DWAYBILL_WITH_GATEWAY=OFF -DWAYBILL_WITH_PROMETHEUS=OFF -DWAYBILL_INSTALL=ON
    ${hidden}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}" --parallel 2 COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${WORK}/consumer" COMMAND_ERROR_IS_FATAL ANY)

# Installed, the shared libraries find one another from any prefix: the program knows the way to those that it links
# itself, and each of them to its own.
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${WORK}" --prefix "${WORK}/prefix"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(
  COMMAND "${CMAKE_COMMAND}" -S "${CONSUMER}/../other_flags" -B "${WORK}/installed" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_PREFIX_PATH=${WORK}/prefix"
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/installed" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" -E env --unset=LD_LIBRARY_PATH "${WORK}/installed/call"
  COMMAND_ERROR_IS_FATAL ANY)

# A service answers over TCP, and no file of what is hidden had a part in it: this machine may well have them.
execute_process(COMMAND "${WORK}/hello" tcp://127.0.0.1:0 OUTPUT_VARIABLE answer COMMAND_ERROR_IS_FATAL ANY)
if(NOT answer MATCHES "tcp://127.0.0.1:[0-9]+ answers: hello World")
  message(FATAL_ERROR "hello over TCP said: ${answer}")
endif()
set(strangers "/(lib)?(ssl|crypto|openssl|yaml-cpp|hiredis|rabbitmq|amqp|librdkafka|rdkafka|msgpack|nlohmann)[^\n]*")
execute_process(COMMAND ldd "${WORK}/hello" OUTPUT_VARIABLE linked COMMAND_ERROR_IS_FATAL ANY)
if(NOT linked MATCHES "libsimdjson" OR linked MATCHES "${strangers}")
  message(FATAL_ERROR "hello is linked with ${CMAKE_MATCH_0}:\n${linked}")
endif()
if(GENERATOR STREQUAL "Ninja")
  execute_process(COMMAND ninja -C "${WORK}" -t deps OUTPUT_VARIABLE reached COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "${WAYBILL}" "" reached "${reached}")
  if(NOT reached MATCHES "/asio/|/asio.hpp" OR reached MATCHES "${strangers}")
    message(FATAL_ERROR "something includes ${CMAKE_MATCH_0}")
  endif()
endif()

if(EXISTS "${WORK}/waybill/serializers/msgpack")
  message(FATAL_ERROR "msgpack was built although it is off")
endif()
if(EXISTS "${WORK}/waybill/tests" OR EXISTS "${WORK}/waybill/examples")
  message(FATAL_ERROR "tests or examples are on by default in a subdirectory")
endif()
