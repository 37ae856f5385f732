// A scenario that has nothing to say about what is tested: it says so and passes. It is not a skip: nothing is missing
// on this machine, and another scenario checks that what is not declared is refused.
#pragma once

#include <iostream>

#define WAYBILL_NOT_APPLICABLE(reason)                         \
  do {                                                         \
    std::cout << "[not applicable] " << (reason) << std::endl; \
    return;                                                    \
  } while (false)
