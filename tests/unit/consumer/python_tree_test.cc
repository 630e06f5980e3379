// SPDX-License-Identifier: MIT
// The logger tree against CPython's logging: random trees, the same records, the same handlers called.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dispatcher.h"

namespace logbus::consumer {
namespace {

constexpr const char* kScript = R"(
import logging, sys
class H(logging.Handler):
    def __init__(self, name, level):
        super().__init__(level)
        self.set_name(name)
    def emit(self, record): out.append(self.name)
lines = iter(open(sys.argv[1]).read().split('\n'))
for line in lines:
    words = line.split(' ')
    if words[0] == 'tree':
        logging.Logger.manager.loggerDict.clear()
        handlers, root = {}, logging.getLogger()
        root.handlers[:], root.filters[:], root.level = [], [], logging.WARNING
        logging.lastResort = H('last', logging.WARNING)
    elif words[0] == 'handler': handlers[words[1]] = H(words[1], int(words[2]))
    elif words[0] == 'logger':
        logger = logging.getLogger('' if words[1] == '-' else words[1])
        logger.setLevel(int(words[2])); logger.propagate = words[3] == '1'
        for name in words[4].split(','):
            if name: logger.addHandler(handlers[name])
        if words[5] != '-': logger.addFilter(logging.Filter(words[5]))
    elif words[0] == 'record':
        out = []
        record = logging.makeLogRecord({'name': words[1], 'levelno': int(words[2])})
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno): logger.handle(record)
        print(','.join(out))
)";

class NamedHandler : public Handler {
 public:
  NamedHandler(std::string name, int level, std::string& out) : out_(out) {
    set_name(name);
    set_level(Level{level});
  }

 protected:
  void emit(const LogRecord&) override { out_ += (out_.empty() ? "" : ",") + name(); }

 private:
  std::string& out_;
};

TEST(PythonTreeTest, RandomTreesCallTheSameHandlers) {
  if (std::system("/usr/bin/python3 -c 'import logging'") != 0) GTEST_SKIP() << "no python3";
  std::uint64_t state = 7;  // fixed seed
  const auto below = [&state](std::uint64_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<int>((state >> 33) % bound);
  };
  // Python's fixups depend on which loggers exist when one is made: parents come before children here.
  const std::vector<std::string> names{"a", "a.b", "a.b.c", "a.bc", "b", "b.a.c"};
  std::string script;
  std::vector<std::string> ours;
  for (int tree = 0; tree < 60; ++tree) {
    std::string out;
    script += "tree\n";
    std::vector<std::shared_ptr<Handler>> handlers;
    for (int i = 0; i < 4; ++i) {
      const int level = below(6) * 10;
      handlers.push_back(std::make_shared<NamedHandler>("h" + std::to_string(i), level, out));
      script += "handler h" + std::to_string(i) + " " + std::to_string(level) + "\n";
    }
    std::vector<LoggerNode> nodes;
    const auto add = [&](const std::string& name, int level) {
      LoggerNode node{name, Level{level}, below(4) != 0, {}, {}};
      std::string list;
      for (int i = 0; i < 4; ++i) {
        if (below(3) != 0) continue;
        node.handlers.push_back(handlers[static_cast<std::size_t>(i)]);
        list += (list.empty() ? "h" : ",h") + std::to_string(i);
      }
      std::string filter = "-";
      if (below(4) == 0) {
        filter = names[static_cast<std::size_t>(below(names.size()))];
        node.filters.push_back(std::make_shared<const Filter>(filter));
      }
      script += "logger " + (name.empty() ? "-" : name) + " " + std::to_string(level) +
                (node.propagate ? " 1 " : " 0 ") + list + " " + filter + "\n";
      nodes.push_back(std::move(node));
    };
    add("", below(5) * 10);
    for (const std::string& name : names) {
      if (below(2) == 0) add(name, below(6) * 10);
    }
    Dispatcher dispatcher(std::move(nodes), std::make_shared<NamedHandler>("last", 30, out));
    for (const char* name :
         {"a", "a.b", "a.b.c", "a.b.c.d", "a.bc", "a.x", "b", "b.a", "b.a.c", "c", "root", "ab"}) {
      for (int level = 5; level <= 55; level += 10) {
        out.clear();
        LogRecord record;
        record.name = name;
        record.levelno = level;
        dispatcher.handle(record);
        ours.push_back(out);
        script += "record " + std::string(name) + " " + std::to_string(level) + "\n";
      }
    }
  }
  char directory[] = "/tmp/logbus-tree-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const std::string base = directory;
  std::ofstream(base + "/oracle.py") << kScript;
  std::ofstream(base + "/script") << script;
  ASSERT_EQ(
      std::system(("/usr/bin/python3 " + base + "/oracle.py " + base + "/script > " + base + "/out").c_str()),
      0);
  std::ifstream result(base + "/out");
  std::string line;
  std::size_t called = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ASSERT_TRUE(std::getline(result, line));
    ASSERT_EQ(ours[i], line) << "record " << i;
    called += line.empty() ? 0 : 1;
  }
  EXPECT_GT(called, ours.size() / 5);  // the trees are not all silent
  EXPECT_EQ(std::system(("rm -r " + base).c_str()), 0);
}

}  // namespace
}  // namespace logbus::consumer
