// SPDX-License-Identifier: MIT
// logbusd as a program: arguments, exit codes, what it says, what it leaves alone.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

struct Result {
  int code = -1;
  std::string output;  // both streams
};

class LogbusdTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/logbus-sidecar-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    ::unsetenv("LOGBUS_BUS");
    ::unsetenv("LOGBUS_DIR");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
    return directory_ + "/" + name;
  }
  /// One that writes a file; the bus is in the test's own directory.
  std::string config() {
    return write("ok.yaml",
                 "version: 1\nhandlers: {f: {class: logging.FileHandler, filename: " + directory_ +
                     "/out.log, mode: w}}\nroot: {level: INFO, handlers: [f]}\nlogbus: {directory: " +
                     directory_ + ", lanes: 8, lane_size: 64 KiB, sites: 64}\n");
  }
  Result run(const std::string& arguments) {
    Result result;
    FILE* pipe = ::popen((std::string(LOGBUSD) + " " + arguments + " 2>&1").c_str(), "r");
    char buffer[4096];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe))
      result.output.append(buffer, count);
    const int status = ::pclose(pipe);
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    return result;
  }
  /// Runs until it holds the bus; its lines go to err.txt.
  pid_t start(const std::string& path) {
    const std::string errors = directory_ + "/err.txt";
    std::filesystem::remove(errors);
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (std::freopen(errors.c_str(), "w", stderr) == nullptr) ::_exit(126);
      ::execl(LOGBUSD, LOGBUSD, "--config", path.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (read(errors).find("draining") == std::string::npos &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(1ms);  // polling a file with a deadline: there is nothing to wait on
    }
    return pid;
  }
  static std::string read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static int wait(pid_t pid) {
    int status = 0;
    return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                  : 1000 + WTERMSIG(status);
  }
  std::string directory_;
};

TEST_F(LogbusdTest, UsageErrorsExitWith2) {
  for (const char* arguments :
       {"", "--nonsense", "--config", "--config x --timeout '1 s'", "--config x --drain --timeout 5",
        "--config x --bus a/b", "--config x surplus"}) {
    EXPECT_EQ(run(arguments).code, 2) << arguments;
  }
  EXPECT_EQ(run("--help").code, 0);
  const Result version = run("--version");
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.output.substr(0, 8), "logbusd ");
}

TEST_F(LogbusdTest, ConfigurationErrorsExitWith78AndTouchNothing) {
  const std::string path = write(
      "bad.yaml", "version: 1\nhandlers:\n  a: {class: logging.FileHandler, filename: " + directory_ +
                      "/out.log}\n  b: {class: logging.Nonsense}\nlogbus: {directory: " + directory_ + "}\n");
  for (const char* mode : {"", " --check", " --drain"}) {
    const Result result = run("--config " + path + mode);
    EXPECT_EQ(result.code, 78);
    EXPECT_NE(result.output.find(path + ":4:14: handlers.b.class: unknown class \"logging.Nonsense\""),
              std::string::npos)
        << result.output;
    EXPECT_NE(result.output.find(": 1 error; nothing was started\n"), std::string::npos) << result.output;
  }
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/out.log"));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/default.logbus"));
  EXPECT_EQ(run("--config " + directory_ + "/none.yaml").code, 78);
}

TEST_F(LogbusdTest, CheckTouchesNothing) {
  const Result result = run("--check --config " + config());
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/out.log"));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/default.logbus"));
}

TEST_F(LogbusdTest, FlagBeatsFileBeatsEnvironmentBeatsDefault) {
  const std::string path = config();
  EXPECT_EQ(run("--drain --config " + path).code, 0);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/default.logbus"));
  ::setenv("LOGBUS_BUS", "from-environment", 1);
  EXPECT_EQ(run("--drain --config " + path).code, 0);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/from-environment.logbus"));
  const std::string named =
      write("named.yaml", "version: 1\nlogbus: {bus: from-file, directory: " + directory_ + "}\n");
  EXPECT_EQ(run("--drain --config " + named).code, 0);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/from-file.logbus"));
  std::filesystem::create_directory(directory_ + "/other");
  EXPECT_EQ(run("--drain --bus from-flag --directory " + directory_ + "/other --config " + named).code, 0);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/other/from-flag.logbus"));
  ::setenv("LOGBUS_BUS", "no/name", 1);
  EXPECT_EQ(run("--check --config " + path).code, 78);
}

TEST_F(LogbusdTest, ASecondSidecarNamesTheFirstAndTouchesNoFile) {
  const std::string path = config();
  const pid_t pid = start(path);
  write("out.log", "kept");
  const Result second = run("--config " + path);
  EXPECT_EQ(second.code, 75) << second.output;
  EXPECT_NE(second.output.find("pid " + std::to_string(pid)), std::string::npos) << second.output;
  EXPECT_EQ(read(directory_ + "/out.log"), "kept");
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait(pid), 0);
}

TEST_F(LogbusdTest, StopsInGoodOrderOnEachSignal) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const pid_t pid = start(config());
    ::kill(pid, signal);
    EXPECT_EQ(wait(pid), 0) << signal;
    EXPECT_NE(read(directory_ + "/err.txt").find(": stopped\n"), std::string::npos);
  }
}

TEST_F(LogbusdTest, ABusThatCannotBeMadeIsAFailure) {
  const Result result = run("--config " + config() + " --directory " + directory_ + "/missing");
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.output.find(directory_ + "/missing/default.logbus"), std::string::npos) << result.output;
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/out.log"));
}

TEST_F(LogbusdTest, TheExamplesAreGood) {
  for (const char* name : {"demo.yaml", "loggers.yaml"}) {
    const Result result = run("--check --config " EXAMPLES "/" + std::string(name));
    EXPECT_EQ(result.code, 0) << result.output;
    EXPECT_EQ(result.output.find("warning"), std::string::npos) << result.output;
  }
}

}  // namespace
