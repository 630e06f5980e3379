// SPDX-License-Identifier: MIT
// Headers and bodies of mails, beside those that Python's email package makes.
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "handlers/mail_body.h"
#include "handlers/mail_header.h"
#include "handlers/url_text.h"
#include "support/rounds.h"

namespace logbus::handlers {
namespace {

// Reads lines of base64: kind, text, our bytes. Exactly Python's, but for the places where a header is
// folded: those differ from version to version of Python, so there it has to mean the same, within 78
// characters.
constexpr const char* kOracle = R"py(
import base64, email.generator, io, quopri, re, sys
from email.message import EmailMessage

def sent(message):
    out = io.BytesIO()
    email.generator.BytesGenerator(out).flatten(message, linesep="\r\n")
    return out.getvalue()

def header(name, text):
    message = EmailMessage()
    message[name] = text
    return sent(message)[:-2]

def body(text):
    message = EmailMessage()
    message.set_content(text)
    return message["Content-Transfer-Encoding"].encode() + b"\r\n" + sent(message).split(b"\r\n\r\n", 1)[1]

def decoded(header):
    word = r"=\?utf-8\?([qb])\?([^?]*)\?="
    text = header.decode().replace("\r\n", "")
    text = re.sub(f"({word})[ \t]+(?={word})", r"\1", text)
    decode = lambda kind, data: base64.b64decode(data) if kind == "b" else quopri.decodestring(data, header=True)
    return re.sub(word, lambda found: decode(found[1], found[2]).decode(), text)

wrong = exact = others = 0
for line in sys.stdin:
    kind, text, ours = (base64.b64decode(part) for part in line.split(" "))
    kind, text = kind.decode(), text.decode()
    theirs = body(text) if kind == "body" else header(kind, text)
    if ours == theirs:
        exact += 1
        continue
    if kind == "Subject" and (b"\r\n " in ours or b"\r\n " in theirs):
        if decoded(ours) == f"{kind}: {text}" and max(len(part) for part in ours.split(b"\r\n")) <= 78:
            others += 1
            continue
    wrong += 1
    print(f"{kind} {text!r}:\n  {ours!r}, Python:\n  {theirs!r}")
if others > exact / 4:
    print(f"{others} differ from Python's")
sys.exit(1 if wrong or others > exact / 4 else 0)
)py";

class PythonTest : public testing::Test {
 protected:
  void add(const std::string& kind, const std::string& text, const std::string& ours) {
    lines_ << base64(kind) << ' ' << base64(text) << ' ' << base64(ours) << '\n';
  }
  void add_body(const std::string& text) {
    const MailBody body = mail_body(text);
    add("body", text, std::string(body.encoding) + "\r\n" + body.bytes);
  }
  void add_subject(const std::string& text) { add("Subject", text, text_header("Subject", text)); }
  void compare() {
    const std::string base = testing::TempDir() + "mail-" + std::to_string(::getpid());
    std::ofstream(base + ".py") << kOracle;
    std::ofstream(base + ".in") << lines_.str();
    const std::string command = "/usr/bin/python3 " + base + ".py < " + base + ".in";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::remove((base + ".py").c_str());
    std::remove((base + ".in").c_str());
  }
  /// One of the texts over and over, `length` pieces.
  std::string text(const std::vector<std::string>& pieces, std::size_t length) {
    std::string made;
    for (std::size_t count = 0; count < length; ++count) made += pieces[random_() % pieces.size()];
    return made;
  }

  const unsigned seed_ = std::random_device()();
  std::mt19937 random_{seed_};

 private:
  std::ostringstream lines_;
};

TEST_F(PythonTest, HasTheSameBodies) {
  SCOPED_TRACE(seed_);
  for (const char* fixed :
       {"", "\n", "\n\n", ".", "a", "a\n", "a\r\n\rb", "From me\n From you\nFrom", " ", "\xc3\xa4"})
    add_body(fixed);
  const std::vector<std::vector<std::string>> alphabets{{"a", "b", " ", "."},
                                                        {"a", "\n", "\r", "From "},
                                                        {"\xc3\xa4", "b", " "},
                                                        {"\xe6\xbc\xa2"},
                                                        {"=", "a"},
                                                        {" ", "\t", "a"},
                                                        {"\xf0\x9f\x98\x80", "abcdefg ", "\n"},
                                                        {"\x01", "\x0c", "x"},
                                                        {"word ", "\n"}};
  for (const auto& alphabet : alphabets) {
    for (std::size_t length = 70; length < 85; ++length) add_body(text(alphabet, length));
    for (int count = 0; count < 40; ++count) add_body(text(alphabet, random_() % 400));
    for (int count = 0; count < 5; ++count) add_body(text(alphabet, 3000));
  }
  compare();
}

TEST_F(PythonTest, HasTheSameSubjects) {
  SCOPED_TRACE(seed_);
  for (const char* fixed :
       {"", "plain", " leading", "trailing ", "two  blanks", "\xc3\xa4", "a \xc3\xa4 b \xc3\xb6 c"})
    add_subject(fixed);
  const std::vector<std::vector<std::string>> alphabets{{"a", "b", " "},
                                                        {"word ", "longer "},
                                                        {"x"},
                                                        {"\xc3\xa4", "a", " "},
                                                        {"\xe6\xbc\xa2"},
                                                        {"\xc3\xbc", "words and more "},
                                                        {"_", "?", "=", "(", "\"", "a"},
                                                        {"a", "\t"}};
  for (const auto& alphabet : alphabets) {
    for (std::size_t length = 1; length < 90; length += 90 / rounds(90)) add_subject(text(alphabet, length));
    for (int count = 0; count < rounds(20); ++count) add_subject(text(alphabet, random_() % 300));
  }
  compare();
}

TEST_F(PythonTest, HasTheSameAddresses) {
  const std::vector<std::vector<std::string>> all{
      {"a@b.c"},
      {"a@b.c", "d@e.f"},
      {"Ops Team <ops@x.org>", "b@x.org"},
      {"\"Doe, John\" <j@x.org>"},
      {"W\xc3\xa4"
       "chter <a@b.c>",
       "b@c.d"},
      {"W\xc3\xa4"
       "chter vom Dienst <a@b.c>"},
      {"Der W\xc3\xa4"
       "chter <a@b.c>"},
      {"root"},
  };
  for (const auto& addresses : all) {
    std::string joined;
    for (const std::string& address : addresses) joined += (joined.empty() ? "" : ",") + address;
    add("To", joined, address_header("To", addresses));
  }
  compare();
}

TEST(MailHeaderTest, FoldsLongListsOfAddresses) {
  std::vector<std::string> addresses;
  for (int count = 0; count < 100; ++count)
    addresses.push_back("recipient" + std::to_string(count) + "@example.org");
  std::istringstream lines(address_header("To", addresses));
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_LE(line.size(), 999U);  // with its CR
    EXPECT_TRUE(count == 0 || line[0] == ' ') << line;
  }
  EXPECT_GT(count, 2U);
}

TEST(MailHeaderTest, SplitsAddresses) {
  EXPECT_EQ(split_addresses("a@b.c"), std::vector<std::string>{"a@b.c"});
  EXPECT_EQ(split_addresses(" a@b.c , \"x, \\\"y\" <d@e.f>,,<g@h.i,>"),
            (std::vector<std::string>{"a@b.c", "\"x, \\\"y\" <d@e.f>", "<g@h.i,>"}));
  EXPECT_EQ(bare_address("Name <a@b.c>"), "a@b.c");
  EXPECT_EQ(bare_address("a@b.c"), "a@b.c");
  for (const char* wrong : {"", "Name", "a b@c", "Name <>", "<a@b", "a@b>", "a,b@c", "-f@x", "\xc3\xa4@b.c"})
    EXPECT_EQ(is_address(wrong), std::string_view(wrong) == "Name") << wrong;
}

TEST(MailHeaderTest, KnowsWhatBreaksALine) {
  for (const char* good : {"", "plain", "a\tb", "\xc3\xa4", "\xf0\x9f\x98\x80"})
    EXPECT_FALSE(breaks_line(good)) << good;
  for (const char* bad : {"\n", "a\rb", "\x0b", "\x0c", "\x1c", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9",
                          "\x7f", "\xff", "\xc3"})
    EXPECT_TRUE(breaks_line(bad)) << bad;
  EXPECT_TRUE(breaks_line(std::string_view("a\0b", 3)));
}

TEST(MailHeaderTest, WritesDatesInLocalTime) {
  ::setenv("TZ", "IST-5:30", 1);
  ::tzset();
  EXPECT_EQ(mail_date(1'700'000'000), "Wed, 15 Nov 2023 03:43:20 +0530");
  ::setenv("TZ", "NST3:30", 1);
  ::tzset();
  EXPECT_EQ(mail_date(1'700'000'000), "Tue, 14 Nov 2023 18:43:20 -0330");
  ::unsetenv("TZ");
  ::tzset();
}

}  // namespace
}  // namespace logbus::handlers
