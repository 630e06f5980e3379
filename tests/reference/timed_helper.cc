// SPDX-License-Identifier: MIT
// What timed_reference.py asks of TimedRotatingFileHandler: one JSON request a line, one answer a line.
#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <logbus/timed_rotating_file_handler.h>

#include "helper_loop.h"

namespace {

using Json = nlohmann::json;

std::int64_t virtual_time = 0;

logbus::TimedRotatingOptions to_options(const Json& request) {
  logbus::TimedRotatingOptions options;
  options.when = request.at("when").get<std::string>();
  options.interval = request.value("interval", 1);
  options.backup_count = request.value("backupCount", 0U);
  options.utc = request.value("utc", false);
  if (request.contains("atTime")) options.at_time = std::chrono::seconds(request.at("atTime").get<int>());
  options.compatibility = {request.value("strict", false), request.value("minor", 14)};
  options.now = [] { return virtual_time; };
  return options;
}

// "app.log.DATE" -> "app.DATE.log": the extension stays the last part.
std::string date_before_extension(const std::string& name) {
  const std::size_t date = name.rfind('.');
  const std::size_t extension = name.rfind('.', date - 1);
  return name.substr(0, extension) + name.substr(date) + name.substr(extension, date - extension);
}

// "app.log.DATE" -> "app9DATE.log" and "app.DATE9.log": dates between digits, which are none.
std::string digit_before_date(const std::string& name) {
  const std::string ordered = date_before_extension(name);
  const std::size_t extension = ordered.rfind('.');
  const std::size_t date = ordered.rfind('.', extension - 1);
  return ordered.substr(0, date) + '9' + ordered.substr(date + 1);
}
std::string digit_behind_date(const std::string& name) {
  std::string ordered = date_before_extension(name);
  return ordered.insert(ordered.rfind('.'), 1, '9');
}

std::unique_ptr<logbus::TimedRotatingFileHandler> make_handler(const Json& request) {
  logbus::FileOptions file;
  file.filename = request.at("filename").get<std::string>();
  file.delay = request.value("delay", false);
  auto handler = std::make_unique<logbus::TimedRotatingFileHandler>(file, to_options(request));
  const std::string namer = request.value("namer", "");
  if (namer == "extension") handler->set_namer(date_before_extension);
  if (namer == "before") handler->set_namer(digit_before_date);
  if (namer == "behind") handler->set_namer(digit_behind_date);
  if (namer == "suffix") handler->set_namer([](const std::string& name) { return name + ".gz"; });
  handler->defer_flush(request.value("defer", false));
  return handler;
}

Json table(const Json& request) {
  const auto handler = make_handler(request);
  Json rollovers = Json::array();
  for (const Json& time : request.at("times"))
    rollovers.push_back(handler->compute_rollover(time.get<std::int64_t>()));
  return Json{{"rollovers", rollovers}};
}

void set_modified(const std::string& path, std::int64_t time) {
  const timespec times[2] = {{time, 0}, {time, 0}};
  (void)::utimensat(AT_FDCWD, path.c_str(), times, 0);
}

// Steps: {"clock": seconds}, {"write": message}, {"flush": true}, {"unlink": path}, {"put": path},
// {"restart": true}: the file's time of change is then the clock's, as it would be had the clock been real.
Json run(const Json& request) {
  virtual_time = request.at("start").get<std::int64_t>();
  auto handler = make_handler(request);
  std::uint64_t errors = 0;
  Json rollovers = Json::array();
  for (const Json& step : request.at("steps")) {
    if (step.contains("clock")) {
      virtual_time = step.at("clock").get<std::int64_t>();
    } else if (step.contains("unlink")) {
      std::filesystem::remove(step.at("unlink").get<std::string>());
    } else if (step.contains("put")) {
      std::ofstream(step.at("put").get<std::string>()) << "there before\n";
    } else if (step.contains("restart")) {
      handler->close();
      errors += handler->counters().errors.load();
      set_modified(handler->base_filename(), virtual_time);
      handler = make_handler(request);
    } else if (step.contains("flush")) {
      handler->flush();
    } else {
      logbus::LogRecord record;
      record.msg = step.at("write").get<std::string>();
      if (step.contains("args")) record.args = logbus::Tuple{{step.at("args").get<std::string>()}};
      handler->handle(record);
    }
    rollovers.push_back(handler->rollover_at());
  }
  handler->close();
  return Json{{"errors", errors + handler->counters().errors.load()}, {"rollovers", rollovers}};
}

Json answer_to(const Json& request) {
  ::setenv("TZ", request.at("zone").get<std::string>().c_str(), 1);
  ::tzset();
  return request.at("op") == "table" ? table(request) : run(request);
}

}  // namespace

int main() {
  answer_requests(answer_to);
}
