// Lines on standard error that hold up nobody: who reads them may be slow, or gone.
#pragma once

#include <string_view>

namespace waybill::detail {

/// Writes the line, with its end, at once; one write, if it has no more than 4 KiB. Where there is no room (a pipe whose
/// reader stands still) it is lost, and the next one that finds room is preceded by how many were; where nobody reads any more
/// it is lost, too. Never raises SIGPIPE. Thread-safe.
void write_to_stderr(std::string_view line) noexcept;

}  // namespace waybill::detail
