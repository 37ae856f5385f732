# cmake -DPAGE=docs.html -DTO=docs_page.cpp -P embed_page.cmake: the page as a function, and the policy that names the hashes
# of its one style and its one script (CSP Level 3, hash-source).
file(READ "${PAGE}" page)

# base64_of_sha256(<variable> <text>)
function(base64_of_sha256 variable text)
  set(alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  string(SHA256 hex "${text}")
  string(APPEND hex 00)  # 33 bytes are 44 characters
  set(result "")
  foreach(i RANGE 0 60 6)
    string(SUBSTRING "${hex}" ${i} 6 three)
    math(EXPR bits "0x${three}")
    foreach(shift 18 12 6 0)
      math(EXPR digit "(${bits} >> ${shift}) & 63")
      string(SUBSTRING "${alphabet}" ${digit} 1 character)
      string(APPEND result "${character}")
    endforeach()
  endforeach()
  string(SUBSTRING "${result}" 0 43 result)
  set(${variable} "${result}=" PARENT_SCOPE)
endfunction()

# hash_of(<variable> <tag>): of what stands between <tag> and </tag>.
function(hash_of variable tag)
  string(FIND "${page}" "<${tag}>" begin)
  string(FIND "${page}" "</${tag}>" end)
  if(begin EQUAL -1 OR end EQUAL -1)
    message(FATAL_ERROR "${PAGE} has no <${tag}>")
  endif()
  string(LENGTH "<${tag}>" length)
  math(EXPR begin "${begin} + ${length}")
  math(EXPR length "${end} - ${begin}")
  string(SUBSTRING "${page}" ${begin} ${length} text)
  base64_of_sha256(hash "${text}")
  set(${variable} "'sha256-${hash}'" PARENT_SCOPE)
endfunction()

hash_of(style style)
hash_of(script script)
file(WRITE "${TO}" "// Made by embed_page.cmake of docs.html.
#include \"http/docs_page.hpp\"

namespace waybill::http {

Response docs_page() {
  static constexpr std::string_view k_page = R\"waybill(${page})waybill\";
  Response response = Response::text(k_page);
  response.fields.set(\"Content-Type\", \"text/html; charset=utf-8\");
  response.fields.set(\"Content-Security-Policy\",
                      \"default-src 'none'; style-src ${style}; script-src ${script}; connect-src 'self'; base-uri 'none'; \"
                      \"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'\");
  response.fields.set(\"X-Content-Type-Options\", \"nosniff\");
  response.fields.set(\"Referrer-Policy\", \"no-referrer\");
  response.fields.set(\"Cache-Control\", \"no-cache\");
  return response;
}

}  // namespace waybill::http
")
