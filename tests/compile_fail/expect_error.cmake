# Compiles SOURCE twice: with -DFIXED it must compile, without it must not, and then
#   - the compiler's output contains the text of the first line, `// expect-error: text`;
#   - it has no more errors than `// at-most-errors: n` says (default 1).
# A case that compiles either way, or not at all, proves nothing and fails.
#
#   // expect-error: a handler takes (T), (T, Context&), (Context&) or ()
#   #include <waybill/waybill.hpp>
#   int main() {
#   #if defined(FIXED)
#     ...the right way...
#   #else
#     ...the mistake...
#   #endif
#   }
file(READ "${SOURCE}" text)
if(NOT text MATCHES "^// expect-error: ([^\n]+)\n")
  message(FATAL_ERROR "${SOURCE}: the first line must be '// expect-error: text'")
endif()
set(expected "${CMAKE_MATCH_1}")
if(NOT text MATCHES "defined\\(FIXED\\)|ifdef FIXED|ifndef FIXED")
  message(FATAL_ERROR "${SOURCE}: has no variant for FIXED, which must compile")
endif()
set(at_most 1)
if(text MATCHES "// at-most-errors: ([0-9]+)")
  set(at_most ${CMAKE_MATCH_1})
endif()

string(REPLACE "|" ";" INCLUDES "${INCLUDES}")
string(REPLACE "|" ";" DEFINITIONS "${DEFINITIONS}")
list(FILTER INCLUDES EXCLUDE REGEX "^/usr/include$|^$")
list(FILTER DEFINITIONS EXCLUDE REGEX "^$")
list(TRANSFORM INCLUDES PREPEND -I)
list(TRANSFORM DEFINITIONS PREPEND -D)
set(compile env LC_ALL=C.UTF-8 "${COMPILER}" -std=c++20 -fsyntax-only -fdiagnostics-color=never ${INCLUDES} ${DEFINITIONS})

execute_process(COMMAND ${compile} -DFIXED "${SOURCE}" RESULT_VARIABLE result ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${SOURCE}: the FIXED variant must compile, but:\n${output}")
endif()

execute_process(COMMAND ${compile} "${SOURCE}" RESULT_VARIABLE result ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE}: compiles, but must not")
endif()
string(FIND "${output}" "${expected}" at)
# The case itself may be quoted by the compiler; its first line never is.
if(at EQUAL -1)
  message(FATAL_ERROR "${SOURCE}: the output does not say '${expected}':\n${output}")
endif()
string(REGEX MATCHALL "error: " errors "${output}")
list(LENGTH errors count)
if(count GREATER at_most)
  message(FATAL_ERROR "${SOURCE}: ${count} errors, at most ${at_most} expected:\n${output}")
endif()
