// W3C Trace Context and Baggage: what is read of them, what is written, and what is left out.
#include "waybill/trace.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace waybill {
namespace {

constexpr const char* k_text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string with(std::size_t at, std::string_view text) {
  std::string whole = k_text;
  return whole.replace(at, text.size(), text);
}

TEST(Traceparent, IsReadAndWrittenBack) {
  const auto read = Traceparent::parse(k_text);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->is_sampled());
  EXPECT_EQ(read->trace_id_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(read->to_text(), k_text);
}

TEST(Traceparent, KeepsItsFlags) {
  for (const std::string_view flags : {"00", "01", "02", "03", "ff"}) {
    const auto read = Traceparent::parse(with(53, flags));
    ASSERT_TRUE(read) << flags;
    EXPECT_EQ(read->to_text().substr(53), flags);
    EXPECT_EQ(read->next().to_text().substr(53), flags);
  }
}

TEST(Traceparent, MalformedIsNone) {
  for (const std::string& text : {std::string(),
                                  std::string("00"),
                                  std::string(k_text).substr(0, 54),
                                  std::string(k_text) + "-",
                                  std::string(k_text) + "-00",
                                  std::string(k_text) + " ",
                                  ' ' + std::string(k_text),
                                  with(0, "ff"),
                                  with(0, "0x"),
                                  with(0, "0A"),
                                  with(2, "_"),
                                  with(35, "_"),
                                  with(52, "_"),
                                  with(3, "00000000000000000000000000000000"),
                                  with(36, "0000000000000000"),
                                  with(3, "4B"),
                                  with(10, "g"),
                                  with(40, " "),
                                  with(53, "0g"),
                                  with(53, "-1"),
                                  with(5, std::string_view("\0", 1)),
                                  with(5, "\xff"),
                                  std::string(1000, '0'),
                                  std::string(55, '-'),
                                  with(3, "+b")}) {
    EXPECT_FALSE(Traceparent::parse(text)) << text;
  }
}

TEST(Traceparent, OfALaterVersionIsReadAsFarAsItIsKnown) {
  EXPECT_TRUE(Traceparent::parse(with(0, "cc")));
  const auto longer = Traceparent::parse(with(0, "cc").replace(53, 2, "fd") + "-what-the-future-will-be-like");
  ASSERT_TRUE(longer);
  EXPECT_EQ(longer->to_text(), k_text) << "goes on as 00, with the flags that 00 knows";
  EXPECT_FALSE(Traceparent::parse(with(0, "cc") + ".what-the-future-will-be-like"));
}

TEST(Traceparent, StepsOfATraceHaveIdsOfTheirOwn) {
  std::set<std::array<std::uint8_t, 16>> traces;
  std::set<std::array<std::uint8_t, 8>> steps;
  for (int i = 0; i < 500; ++i) {
    const Traceparent first = Traceparent::start(i % 2 == 0);
    const Traceparent second = first.next();
    EXPECT_EQ(first.is_sampled(), i % 2 == 0);
    EXPECT_EQ(second.trace_id, first.trace_id);
    EXPECT_EQ(second.flags, first.flags);
    EXPECT_EQ(Traceparent::parse(first.to_text()), first);
    traces.insert(first.trace_id);
    steps.insert(first.parent_id);
    steps.insert(second.parent_id);
  }
  EXPECT_EQ(traces.size(), 500u);
  EXPECT_EQ(steps.size(), 1000u);
}

TEST(TraceContextTest, TravelsInThreeHeaders) {
  Headers headers;
  headers.set("traceparent", k_text);
  headers.set("tracestate", "rojo=00f067aa0ba902b7, congo@x=t61rcWkgMzE,,");
  headers.set("baggage", "user=ada%20l;p=1 , n=");
  headers.set("other", "1");
  const TraceContext read = TraceContext::of(headers);
  ASSERT_TRUE(read.parent);
  EXPECT_EQ(read.state, "rojo=00f067aa0ba902b7,congo@x=t61rcWkgMzE");
  EXPECT_EQ(read.baggage, "user=ada%20l;p=1,n=");
  Headers written;
  written.set("traceparent", "rubbish");
  read.write_to(written);
  EXPECT_EQ(*written.find("traceparent"), k_text);
  EXPECT_EQ(*written.find("tracestate"), read.state);
  EXPECT_EQ(*written.find("baggage"), read.baggage);
  EXPECT_EQ(written.size(), 3u);
  TraceContext().write_to(written);
  EXPECT_TRUE(written.empty());
}

TEST(TraceContextTest, StateGoesWithItsParentAndBaggageAlone) {
  const TraceContext read = TraceContext::of("00-rubbish", "rojo=1", "user=ada");
  EXPECT_FALSE(read.parent);
  EXPECT_EQ(read.state, "");
  EXPECT_EQ(read.baggage, "user=ada");
  EXPECT_FALSE(read.empty());
}

TEST(TraceContextTest, MalformedListsAreLeftOut) {
  for (const char* state : {"a", "=b", "a=", "A=1", "a b=1", "a=1;b,c", "a=\x01", "a=\xc3\xa9", "a=1\n"}) {
    EXPECT_EQ(TraceContext::of(k_text, state, "").state, "") << state;
  }
  for (const char* baggage :
       {"a", "=b", "a b=1", "a\"=1", "a=1,b", "a=\x7f", "a=\r\nX: y", "a=\xc3\xa9", "a=b c", "a=\"b\"", "a=b\\c"}) {
    EXPECT_EQ(TraceContext::of("", "", baggage).baggage, "") << baggage;
  }
}

/// n members of `size` bytes each.
std::string members(std::size_t n, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) {
    const std::string member = 'k' + std::to_string(i) + '=';
    text += (i ? "," : "") + member + std::string(size - member.size(), 'v');
  }
  return text;
}

TEST(TraceContextTest, OfLongListsWholeMembersAreLeftOut) {
  EXPECT_EQ(TraceContext::of(k_text, members(5, 101), "").state, members(5, 101)) << "509 bytes";
  EXPECT_EQ(TraceContext::of(k_text, members(6, 101), "").state, members(5, 101));
  EXPECT_EQ(TraceContext::of(k_text, "large=" + std::string(200, 'x') + ',' + members(4, 101), "").state,
            members(4, 101))
      << "members of more than 128 bytes first";
  EXPECT_EQ(TraceContext::of(k_text, members(33, 10), "").state, members(32, 10));
  EXPECT_EQ(TraceContext::of("", "", members(8, 1023)).baggage, members(8, 1023)) << "8191 bytes";
  EXPECT_EQ(TraceContext::of("", "", members(9, 1023)).baggage, members(8, 1023));
  EXPECT_EQ(TraceContext::of("", "", members(1, 8193)).baggage, "");
  EXPECT_EQ(TraceContext::of("", "", members(2000, 100)).baggage, "") << "so long that it is not looked at";
}

RC_GTEST_PROP(TraceContextTest, WhatWasReadIsReadAgainAsTheSame,
              (const std::string& state, const std::string& baggage)) {
  const TraceContext once = TraceContext::of(k_text, state, baggage);
  const TraceContext twice = TraceContext::of(k_text, once.state, once.baggage);
  RC_ASSERT(twice.state == once.state);
  RC_ASSERT(twice.baggage == once.baggage);
}

}  // namespace
}  // namespace waybill
