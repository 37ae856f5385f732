#include <string>

int sum(const std::string& digits);

int main() { return sum("123") == 6 ? 0 : 1; }
