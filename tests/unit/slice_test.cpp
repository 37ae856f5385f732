#include "waybill/slice.hpp"

#include <gtest/gtest.h>

#include <string>

namespace waybill {
namespace {

TEST(Slice, CopiesShareOneBlock) {
  const Slice first = Slice::copy("payload");
  const Slice second = first;  // NOLINT: the copy is the point
  EXPECT_EQ(first.data(), second.data());
  EXPECT_EQ(second.view(), "payload");
  EXPECT_EQ(second.own().data(), first.data()) << "owned bytes are not copied again";
}

TEST(Slice, APartKeepsTheWholeAlive) {
  Slice part;
  {
    const Slice whole = Slice::copy("head|tail");
    part = whole.part(whole.view().substr(5));
  }
  EXPECT_EQ(part.view(), "tail");
}

TEST(Slice, WhatIsKnownOfTheWholeIsKnownOfItsPartsAndCopies) {
  const Slice padded = Slice::copy("head|tail");
  EXPECT_FALSE(padded.is_known_utf8()) << "nobody has looked";
  Slice text = Slice::borrow_utf8(padded.view());
  EXPECT_TRUE(text.part(text.view().substr(5)).own().is_known_utf8());
  text = padded;
  EXPECT_FALSE(text.is_known_utf8());
}

TEST(Slice, PaddingIsReadable) {
  const Slice slice = Slice::copy("x");
  unsigned sum = 0;
  for (std::size_t i = 0; i < k_padding; ++i) sum += static_cast<unsigned char>(slice.data()[slice.size() + i]);
  EXPECT_EQ(sum, 0u);
  const Slice nothing;
  for (std::size_t i = 0; i < k_padding; ++i) sum += static_cast<unsigned char>(nothing.data()[i]);
  EXPECT_EQ(sum, 0u);
}

TEST(Buffer, GrowsAndGivesItsContentAway) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    buffer.append("0123456789");
    expected += "0123456789";
  }
  buffer.push_back('!');
  EXPECT_EQ(buffer.view(), expected + "!");
  const Slice taken = buffer.take();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(taken.view(), expected + "!");
  EXPECT_TRUE(taken.is_owned());
}

TEST(Buffer, EraseClosesTheGap) {
  Buffer buffer;
  buffer.append("0000000012#{}");
  buffer.erase(0, 8);
  EXPECT_EQ(buffer.view(), "12#{}");
}

TEST(Buffer, ShrinkFreesLargeRooms) {
  Buffer buffer;
  buffer.reserve(1 << 20);
  buffer.shrink(64 * 1024);
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.append("again");
  EXPECT_EQ(buffer.view(), "again");
}

}  // namespace
}  // namespace waybill
