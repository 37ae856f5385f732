// What the tests of configuration share: variables and files of one test, and mistakes as text.
#pragma once

#include "config/config_tree.hpp"
#include "tests/support/not_applicable.hpp"
#include "waybill/config.hpp"
#include "waybill/error.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace waybill {

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// Sets a variable for one test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

/// A folder of its own, removed with what is in it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "waybill-config-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string write(const char* name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

template <class Action>
std::string mistakes_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), errc::invalid_config);
    return std::string(error.message());
  }
  return "none";
}

inline std::string mistakes_in(std::string_view yaml) {
  return mistakes_of([yaml] { Config::parse(yaml, "orders.yaml"); });
}

inline bool yaml_is_built_in() { return detail::read_yaml("", "").has_value(); }

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    if (!yaml_is_built_in()) WAYBILL_NOT_APPLICABLE("built without WAYBILL_WITH_YAML");
  }
};

}  // namespace waybill
