"""Dependencies of waybill for Conan 2: conan install . --build=missing, then configure with the toolchain it makes."""

import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class WaybillConan(ConanFile):
    name = "waybill"
    version = "0.1.0"
    license = "Apache-2.0"
    description = "C++20 messaging whose handlers and clients never know the carrier"
    settings = "os", "compiler", "build_type", "arch"
    package_type = "library"
    exports_sources = (
        "CMakeLists.txt", "LICENSE", "cmake/*", "core/*", "serializers/*", "transports/*", "components/*",
        "gateway/*", "telemetry/*", "testing/*",
        "tools/*", "examples/*", "tests/*", "docs/*",
    )

    # One option per CMake option WAYBILL_WITH_<NAME>, with what it needs.
    requirements_of = {
        "amqp": ("rabbitmq-c/0.14.0",),
        "gateway": ("http_parser/2.9.4",),
        "json": ("simdjson/3.10.1",),
        "kafka": ("librdkafka/2.5.0",),
        "msgpack": ("msgpack-cxx/7.0.0",),
        "opentelemetry": ("opentelemetry-cpp/1.19.0",),
        "prometheus": ("prometheus-cpp/1.1.0",),
        "redis": ("hiredis/1.2.0",),
        "tls": ("openssl/[>=3 <4]",),
        "yaml": ("yaml-cpp/0.8.0",),
    }
    options = {"shared": [True, False], "fPIC": [True, False], "tools": [True, False], "tests": [True, False],
               **{name: [True, False] for name in requirements_of}}
    default_options = {"shared": False, "fPIC": True, "tools": False, "tests": False,
                       **{name: name != "opentelemetry" for name in requirements_of}, "msgpack-cxx/*:use_boost": False,
                       "librdkafka/*:ssl": True}

    def validate(self):
        check_min_cppstd(self, 20)

    def configure(self):
        if self.options.shared:
            self.options.rm_safe("fPIC")

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("asio/1.30.2", transitive_headers=True)
        for name, packages in self.requirements_of.items():
            if self.options.get_safe(name):
                for package in packages:
                    self.requires(package)
        if self.options.tools:
            self.requires("cli11/2.4.2")
        if self.options.tests:
            for package in ("gtest/1.15.0", "benchmark/1.9.0", "nlohmann_json/3.11.3", "rapidcheck/cci.20230815"):
                self.requires(package)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for name in self.requirements_of:
            toolchain.cache_variables[f"WAYBILL_WITH_{name.upper()}"] = bool(self.options.get_safe(name))
        toolchain.cache_variables["WAYBILL_BUILD_TOOLS"] = bool(self.options.tools)
        toolchain.cache_variables["WAYBILL_BUILD_TESTS"] = bool(self.options.tests)
        toolchain.cache_variables["WAYBILL_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["WAYBILL_BUILD_BENCH"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")  # our own package config is installed
        self.cpp_info.builddirs.append("lib/cmake/waybill")
