# Compiles one public header alone, and looks at everything it reaches.
string(REPLACE "|" ";" INCLUDES "${INCLUDES}")
string(REPLACE "|" ";" DEFINITIONS "${DEFINITIONS}")
list(FILTER INCLUDES EXCLUDE REGEX "^/usr/include$|^$")
list(FILTER DEFINITIONS EXCLUDE REGEX "^$")
list(TRANSFORM INCLUDES PREPEND -I)
list(TRANSFORM DEFINITIONS PREPEND -D)

string(MAKE_C_IDENTIFIER "${NAME}" id)
set(source "${WORK}/${id}.cpp")
# Twice, so that a missing guard shows.
file(WRITE "${source}" "#include <${NAME}>\n#include <${NAME}>\n")
string(LENGTH "${HEADER}" whole)
string(LENGTH "/${NAME}" tail)
math(EXPR length "${whole} - ${tail}")
string(SUBSTRING "${HEADER}" 0 ${length} own_include)
execute_process(
  COMMAND "${COMPILER}" -std=c++20 -Wall -Wextra -Wshadow -Wconversion -Werror -fsyntax-only
          "-I${own_include}" ${INCLUDES} ${DEFINITIONS} "${source}"
  RESULT_VARIABLE result ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${NAME} does not compile alone:\n${output}")
endif()
execute_process(
  COMMAND "${COMPILER}" -std=c++20 -M "-I${own_include}" ${INCLUDES} ${DEFINITIONS} "${source}"
  OUTPUT_VARIABLE reached COMMAND_ERROR_IS_FATAL ANY)
# nlohmann and msgpack types are payloads as they are: only their own opt-in headers may reach them.
set(forbidden simdjson yaml-cpp spdlog fmt openssl hiredis amqp rabbitmq-c librdkafka http_parser prometheus CLI boost nlohmann msgpack)
string(REPLACE "\\\n" " " reached "${reached}")
separate_arguments(reached UNIX_COMMAND "${reached}")
foreach(file IN LISTS reached)
  if(file MATCHES "/include/waybill/")
    continue()
  endif()
  foreach(library IN LISTS forbidden)
    if(file MATCHES "/${library}(/|\\.h$|\\.hpp$)" AND NOT NAME MATCHES "/adapt/${library}")
      message(FATAL_ERROR "${NAME} reaches ${file}: public headers include the standard library, Asio and waybill")
    endif()
  endforeach()
endforeach()
