// The page of metrics of an installed waybill, of a program without HTTP.
#include <waybill/prometheus.hpp>

#include <cstdio>

int main() {
  const waybill::Prometheus metrics;
  const std::string page = metrics.text();
  std::fputs(page.c_str(), stdout);
  return page.find("waybill_held_bytes 0") == std::string::npos ? 1 : 0;
}
