// SPDX-License-Identifier: MIT
// What requests over HTTP are spelled with: base64, and form data as Python writes it.
#include "handlers/url_text.h"

#include <gtest/gtest.h>

namespace logbus::handlers {
namespace {

TEST(UrlTextTest, WritesBase64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("\xff\xfe\xfd\xfc"), "//79/A==");
}

TEST(UrlTextTest, QuotesAsPython) {
  EXPECT_EQ(
      url_encoded({{"a b", Value("x/y?&=+~._-%\xc3\xa4\xff")}, {"n", Value(None{})}, {"f", Value(1.0)}}),
      "a+b=x%2Fy%3F%26%3D%2B~._-%25%C3%A4%FF&n=None&f=1.0");
}

}  // namespace
}  // namespace logbus::handlers
