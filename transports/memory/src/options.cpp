// Options: what a URL says, checked, every mistake told.
#include "options.hpp"

namespace waybill::memory {

Result<Options> Options::from_url(const Url& url) {
  Options options;
  OptionReader reader(url);
  options.wire = reader.flag("wire", false);
  if (url.hosts.size() != 1 || url.hosts.front().name.empty()) {
    reader.mistake("a memory URL names one broker: memory://NAME");
  } else {
    options.name = url.hosts.front().name;
    if (url.hosts.front().port) reader.mistake("a memory URL has no port");
  }
  if (!url.path.empty()) reader.mistake("a memory URL has no path");
  if (auto read = reader.finish(); !read) return read.error();
  return options;
}

}  // namespace waybill::memory
