// Where the files of the source tree are that tests read.
#pragma once

#include <filesystem>

namespace waybill::test {

/// The root of the source tree that the tests were built from.
std::filesystem::path source_tree();

}  // namespace waybill::test
