// The page at /docs: docs.html, which the build makes a source file of (embed_page.cmake).
#pragma once

#include "waybill/http/message.hpp"

namespace waybill::http {

/// With a Content-Security-Policy that runs the script and the style of the page and no others, and calls this server alone.
Response docs_page();

}  // namespace waybill::http
