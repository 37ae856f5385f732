#include "support/source_tree.hpp"

namespace waybill::test {

std::filesystem::path source_tree() { return WAYBILL_SOURCE_DIR; }

}  // namespace waybill::test
