// SPDX-License-Identifier: MIT
// Options of `logbus dump`.
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <logbus/detail/clock.h>
#include <logbus/error.h>
#include "tools/command.h"
#include "tools/dump.h"
#include "tools/time_text.h"

namespace logbus::tools {
namespace {

struct DumpArguments {
  std::string bus = default_bus();
  std::string format = "text";
  std::vector<std::string> only;
  std::string level, pattern, since, until;
  DumpOptions options;
};

std::string check_time(const std::string& text) {
  return parse_time(text, 0, true)
             ? ""
             : "\"" + text + "\" is not a time: 2026-03-01T09:14:02+01:00, 09:14, today, \"10 min ago\", -5m";
}

std::string check_pattern(const std::string& text) {
  try {
    Pattern{text};
    return {};
  } catch (const std::invalid_argument& e) {
    return "\"" + text + "\" is not a regular expression: " + e.what();
  }
}

void add_filters(CLI::App& command, DumpArguments& arguments) {
  RecordFilter& filter = arguments.options.filter;
  const char* const group = "Filters";
  command.add_option("-l,--level", arguments.level, "this level and above")
      ->type_name("LEVEL")
      ->check(check_level)
      ->group(group);
  command.add_option("--logger", filter.logger, "this logger and its children")
      ->type_name("NAME")
      ->group(group);
  command.add_option("-p,--pid", filter.pids, "records of this process; may be given again")
      ->type_name("PID")
      ->expected(1)
      ->take_all()
      ->group(group);
  command
      .add_option("-g,--grep", arguments.pattern,
                  "messages and tracebacks in which this extended regular expression is found")
      ->type_name("RE")
      ->check(check_pattern)
      ->group(group);
  command
      .add_option("-S,--since", arguments.since,
                  "from this time on: RFC 3339, 09:14, today, \"10 min ago\", -5m")
      ->type_name("TIME")
      ->check(check_time)
      ->group(group);
  command.add_option("-U,--until", arguments.until, "before this time")
      ->type_name("TIME")
      ->check(check_time)
      ->group(group);
  command.add_flag("--utc", arguments.options.utc, "times in UTC, also those typed without an offset")
      ->group(group);
}

void apply(DumpArguments& arguments, const CommonOptions& common) {
  DumpOptions& options = arguments.options;
  options.json = arguments.format == "json";
  options.color = common.use_color() && !options.json;
  const auto wanted = [&](const char* what, bool by_default) {
    const auto& only = arguments.only;
    return only.empty() ? by_default : std::find(only.begin(), only.end(), what) != only.end();
  };
  options.bus = wanted("bus", !common.quiet);
  options.process = wanted("process", !common.quiet);
  options.site = wanted("site", false);
  options.lane = wanted("lane", !common.quiet);
  options.record = wanted("record", true);
  const auto now = static_cast<std::int64_t>(detail::clock_ns(CLOCK_REALTIME));
  if (!arguments.level.empty()) options.filter.level = parse_level(arguments.level);
  if (!arguments.pattern.empty()) options.filter.pattern.emplace(arguments.pattern);
  if (!arguments.since.empty()) options.filter.since = parse_time(arguments.since, now, options.utc);
  if (!arguments.until.empty()) options.filter.until = parse_time(arguments.until, now, options.utc);
}

}  // namespace

Command add_dump(CLI::App& program, const CommonOptions& common) {
  CLI::App& command = *program.add_subcommand(
      "dump", "Shows what is in a bus: live, left by the dead, or a copied file. Never writes to it.");
  auto arguments = std::make_shared<DumpArguments>();
  DumpOptions& options = arguments->options;
  command.add_option("bus,--bus", arguments->bus, "the bus, or a file")->type_name("BUS|FILE");
  command.add_option("--format", arguments->format, "text or json (an object a line)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}));
  command.add_option("--only", arguments->only, "of bus, process, site, lane, record: these [all but site]")
      ->type_name("WHAT,...")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember({"bus", "process", "site", "lane", "record"}));
  command.add_option("--lane", options.lane_number, "this lane alone")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--worker", options.worker, "processes of this name alone")->type_name("NAME");
  command.add_option("-n,--tail", options.tail, "the last N records")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  add_filters(command, *arguments);
  const auto run = [arguments, &common] {
    apply(*arguments, common);
    shm::Snapshot snapshot = open_bus_or_file(arguments->bus, common);
    if (const auto lane = arguments->options.lane_number; lane && *lane >= snapshot.lanes())
      throw Error(snapshot.path() + " has lanes 0 to " + std::to_string(snapshot.lanes() - 1) + ", no lane " +
                  std::to_string(*lane));
    dump(snapshot, arguments->options, stdout);
    return 0;
  };
  return {&command, run};
}

}  // namespace logbus::tools
