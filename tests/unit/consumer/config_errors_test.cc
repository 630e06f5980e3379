// SPDX-License-Identifier: MIT
// The exact words about a configuration that is wrong.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "config_text.h"
#include "sidecar/handler_kind.h"

namespace logbus::sidecar {
namespace {

std::string all_classes() {
  std::vector<std::string_view> names;
  for (const HandlerKind& kind : handler_kinds()) names.push_back(kind.name);
  return enumerate(names);
}

TEST(ConfigTest, SaysWhatIsWrongAndWhere) {
  struct Case {
    const char* text;
    Lines lines;
  };
  const Case table[] = {
      // The document.
      {"", {"f.yaml: the file is empty"}},
      {"- a", {"f.yaml:1:1: expected a mapping with the key 'version', got a list"}},
      {"{version: 1",
       {"f.yaml:2:1: not valid YAML: did not find expected ',' or '}' while parsing a flow mapping that "
        "begins in line 1"}},
      {"version: 1\na: %(message)s",
       {"f.yaml:2:4: not valid YAML: found character that cannot start any token while scanning for the next "
        "token (a value that begins with % must be quoted)"}},
      {"version: 1\n---\nversion: 1", {"f.yaml:2:1: a second document begins here; there may be only one"}},
      {"version: 1\nx: !!python/name:os.system 1",
       {"f.yaml:2:4: the tag \"tag:yaml.org,2002:python/name:os.system\" has no meaning here"}},
      {"version: 1\n? [a]\n: b", {"f.yaml:2:3: a list or a mapping can't be a key"}},
      {"version: 1\nx: {<<: 5}",
       {"f.yaml:2:9: '<<' expects a mapping or a list of mappings, got an integer 5"}},
      {"version: 1\nx: 99999999999999999999",
       {"f.yaml:2:4: \"99999999999999999999\" is not a value that YAML 1.1 can read; quote it if it is "
        "text"}},
      // The top.
      {"root: {level: INFO}", {"f.yaml:1:1: the key 'version' is missing; write 'version: 1'"}},
      {"version: '1'\nroot: {level: INFO}", {"f.yaml:1:10: version: expected 1, got a string \"1\""}},
      {"version: 2", {"f.yaml:1:10: version: expected 1, got an integer 2"}},
      {"version: 1\nincremental: true", {}},
      {"version: 1\nhanders: {}\nx-mine: 1",
       {"f.yaml:2:1: warning: handers: unknown key, ignored; did you mean 'handlers'?"}},
      {"version: 1\nhandlers:", {"f.yaml:2:10: handlers: expected a mapping, got null"}},
      {"version: 1\nhandlers: {on: {}}",
       {"f.yaml:2:12: handlers.on: a name must be a string (in quotes), got a boolean (true)"}},
      {"version: 1\nhandlers: {a: 5}", {"f.yaml:2:15: handlers.a: expected a mapping, got an integer 5"}},
      // Formatters and filters.
      {"version: 1\nformatters:\n  a: {format: '%(message)q'}",
       {"f.yaml:3:15: formatters.a.format: Invalid format '%(message)q' for '%' style"}},
      {"version: 1\nformatters:\n  a: {style: '&'}",
       {"f.yaml:3:14: formatters.a.style: expected one of \"%\", \"{\" and \"$\", got a string \"&\""}},
      {"version: 1\nformatters:\n  a: {format: {message}}",
       {"f.yaml:3:15: formatters.a.format: expected a string, got a mapping"}},
      {"version: 1\nformatters:\n  a: {datefmt: 2024-01-01}",
       {"f.yaml:3:16: formatters.a.datefmt: expected a string (in quotes), got a date 2024-01-01"}},
      {"version: 1\nformatters:\n  a: {formt: x, colour: red}",
       {"f.yaml:3:7: formatters.a.formt: unknown key; did you mean 'format'?",
        "f.yaml:3:17: warning: formatters.a.colour: unknown key, ignored"}},
      {"version: 1\nformatters:\n  a: {class: my.Formatter}",
       {"f.yaml:3:14: formatters.a.class: unknown formatter \"my.Formatter\"; there are logging.Formatter, "
        "logbus.JsonFormatter, pythonjsonlogger.json.JsonFormatter and "
        "pythonjsonlogger.jsonlogger.JsonFormatter"}},
      {"version: 1\nfilters:\n  a: {(): my.Filter}",
       {"f.yaml:3:11: filters.a.(): unknown filter \"my.Filter\"; there are logging.Filter and "
        "logbus.IdentityFilter"}},
      // Handlers.
      {"version: 1\nhandlers:\n  a: {level: INFO}", {"f.yaml:3:3: handlers.a: the key 'class' is missing"}},
      {"version: 1\nhandlers:\n  a: {class: StreamHandler}",
       {"f.yaml:3:14: handlers.a.class: unknown class \"StreamHandler\"; did you mean "
        "'logging.StreamHandler'?"}},
      {"version: 1\nhandlers:\n  a: {class: my.Own}",
       {"f.yaml:3:14: handlers.a.class: unknown class \"my.Own\"; there are " + all_classes()}},
      {"version: 1\nhandlers:\n  a: {class: logging.handlers.SMTPHandler, mailhost: x}",
       {"f.yaml:3:3: handlers.a: the key 'fromaddr' is missing",
        "f.yaml:3:3: handlers.a: the key 'toaddrs' is missing",
        "f.yaml:3:3: handlers.a: the key 'subject' is missing"}},
      {"version: 1\nhandlers:\n  a: {class: logging.handlers.HTTPHandler, host: h, url: /, batch: 5}",
       {"f.yaml:3:68: handlers.a.batch: batch needs 'body: json'"}},
      {"version: 1\nhandlers:\n"
       "  a: {class: logging.handlers.SysLogHandler, address: [localhost, 0], facility: local8,\n"
       "    socktype: 3, timeout: -1, framing: crlf, header: bsd, backlog: big, '.': {priority_map: {X: "
       "loud}}}\n"
       "  b: {class: logging.handlers.SysLogHandler, address: /dev/log, framing: lf, hostname: h,\n"
       "    '.': {append_nul: true}}",
       {"f.yaml:3:67: handlers.a.address[1]: expected a port from 1 to 65535, got an integer 0",
        "f.yaml:3:81: handlers.a.facility: expected one of auth, authpriv, console, cron, daemon, ftp, kern, "
        "local0, "
        "local1, local2, local3, local4, local5, local6, local7, lpr, mail, news, ntp, security, syslog, "
        "user, "
        "solaris-cron, uucp, got a string \"local8\"",
        "f.yaml:4:15: handlers.a.socktype: expected ext://socket.SOCK_DGRAM or ext://socket.SOCK_STREAM, got "
        "an "
        "integer 3",
        "f.yaml:4:27: handlers.a.timeout: expected a number of at least 0, got an integer "
        "-1",
        "f.yaml:4:40: handlers.a.framing: expected one of nul, lf and octet-counting, got a string \"crlf\"",
        "f.yaml:4:54: handlers.a.header: expected none or rfc5424, got a string \"bsd\"",
        "f.yaml:4:68: handlers.a.backlog: expected a size such as \"64 MiB\" or an integer of bytes, got a "
        "string "
        "\"big\"",
        "f.yaml:4:97: handlers.a...priority_map.X: expected a priority: debug, info, notice, warning, error, "
        "critical, alert or emerg, got a string \"loud\"",
        "f.yaml:5:74: handlers.b.framing: a datagram needs none: it is for socktype: "
        "ext://socket.SOCK_STREAM, and "
        "tls",
        "f.yaml:5:88: handlers.b.hostname: it is for header: rfc5424",
        "f.yaml:6:23: handlers.b...append_nul: it is for framing: nul"}},
      {"version: 1\nhandlers:\n"
       "  c: {class: logging.handlers.SysLogHandler, facility: 128, socktype: ext://socket.SOCK_DGRAM,\n"
       "    tls: {ca_certs: /no/such.pem, trust: 1}}\n"
       "  d: {class: logging.handlers.SysLogHandler, address: /dev/log, tls: {keyfile: k}}",
       {"f.yaml:3:56: handlers.c.facility: expected a facility's name, or its number, from 0 to 23, got an "
        "integer "
        "128",
        "f.yaml:3:71: handlers.c.socktype: TLS is over a stream",
        "f.yaml:4:21: handlers.c.tls.ca_certs: cannot use /no/such.pem as trusted certificates: No such file "
        "or directory",
        "f.yaml:4:35: handlers.c.tls.trust: unknown key; there are ca_certs, certfile, keyfile, "
        "server_hostname and "
        "verify",
        "f.yaml:5:70: handlers.d.tls: not over a Unix socket: it needs [HOST, PORT]",
        "f.yaml:5:80: handlers.d.tls.keyfile: the key 'certfile' is missing: whose key is it?"}},
      {"version: 1\nhandlers:\n  a: {class: logging.NullHandler, level: debug, formatter: x, filters: [y]}",
       {"f.yaml:3:42: handlers.a.level: unknown level \"debug\"; did you mean 'DEBUG'?",
        "f.yaml:3:60: handlers.a.formatter: there is no formatter named \"x\"",
        "f.yaml:3:73: handlers.a.filters[0]: there is no filter named \"y\""}},
      {"version: 1\nhandlers:\n  a: {class: logging.NullHandler, level: 1.5, filters: x}",
       {"f.yaml:3:42: handlers.a.level: expected a level (a name such as INFO, or an integer), got a number "
        "1.5",
        "f.yaml:3:56: handlers.a.filters: expected a list of filter names, got a string \"x\""}},
      {"version: 1\nhandlers:\n  a: {class: logging.FileHandler}",
       {"f.yaml:3:3: handlers.a: the key 'filename' is missing"}},
      {"version: 1\nhandlers:\n  a: {class: logging.FileHandler, filename: /no/such/x.log}",
       {"f.yaml:3:45: handlers.a.filename: cannot write \"/no/such/x.log\": the directory \"/no/such\" does "
        "not exist"}},
      {"version: 1\nhandlers:\n  a: {class: logging.FileHandler, filename: /tmp}",
       {"f.yaml:3:45: handlers.a.filename: cannot write \"/tmp\": is a directory"}},
      {"version: 1\nhandlers:\n  a: {class: logging.FileHandler, filename: /dev/null, mode: r, encoding: "
       "utf-17, errors: loud, "
       "delay: maybe}",
       {"f.yaml:3:62: handlers.a.mode: expected \"a\", \"w\" or \"x\", got a string \"r\"",
        "f.yaml:3:75: handlers.a.encoding: unknown encoding: utf-17",
        "f.yaml:3:91: handlers.a.errors: expected one of strict, ignore, replace, backslashreplace, "
        "xmlcharrefreplace, "
        "surrogateescape and namereplace, got a string \"loud\"",
        "f.yaml:3:104: warning: handlers.a.delay: the text \"maybe\" counts as true, as in Python; write "
        "true or false"}},
      {"version: 1\nhandlers:\n  a: {class: logging.handlers.RotatingFileHandler, filename: /dev/null, "
       "maxBytes: 10MB, "
       "backupCount: 2147483647}",
       {"f.yaml:3:83: handlers.a.maxBytes: expected an integer, got a string \"10MB\"",
        "f.yaml:3:102: handlers.a.backupCount: expected an integer of at most 2147483646, got an integer "
        "2147483647"}},
      {"version: 1\nhandlers:\n  a: {class: logging.handlers.WatchedFileHandler, filename: /dev/null, "
       "encoding: "
       "koi8-r, errors: namereplace}",
       {"f.yaml:3:98: handlers.a.errors: errors 'namereplace' needs the names of all characters, which are "
        "not in "
        "this version; there is 'backslashreplace'"}},
      {"version: 1\nhandlers:\n  a: {class: logging.handlers.RotatingFileHandler, filename: /dev/null, "
       ".: {namer: .gz, rotator: bzip2}}",
       {"f.yaml:3:84: handlers.a...namer: expected \"suffix:\" and what is to be appended, such as "
        "\"suffix:.gz\", got a string \".gz\"",
        "f.yaml:3:98: handlers.a...rotator: expected \"gzip\", got a string \"bzip2\""}},
      {"version: 1\nhandlers:\n  a: {class: logging.handlers.RotatingFileHandler, filename: /dev/null, "
       "maxBytes: 1e6, "
       "backupcount: 1}",
       {"f.yaml:3:83: handlers.a.maxBytes: expected an integer, got a string \"1e6\"",
        "f.yaml:3:88: handlers.a.backupcount: unknown key; did you mean 'backupCount'?"}},
      {"version: 1\nhandlers:\n  a: {class: logging.NullHandler, color: 1}",
       {"f.yaml:3:35: handlers.a.color: unknown key; there are (), ., class, filters, formatter and level"}},
      {"version: 1\nhandlers:\n  a: {class: logging.StreamHandler, stream: sys.stdout, .: {terminator: 5, "
       "namer: x}}",
       {"f.yaml:3:45: handlers.a.stream: expected ext://sys.stdout or ext://sys.stderr, got a string "
        "\"sys.stdout\"",
        "f.yaml:3:73: handlers.a...terminator: expected a string (in quotes), got an integer 5",
        "f.yaml:3:76: handlers.a...namer: unknown key; there are terminator"}},
      {"version: 1\nhandlers:\n  a: {class: logging.FileHandler, filename: /dev/../tmp/logbus-x, delay: "
       "yes}\n"
       "  b: {class: logging.FileHandler, filename: /tmp/logbus-x, delay: yes}",
       {"f.yaml:4:45: warning: handlers.b.filename: the handler \"a\" writes the same file"}},
      // References.
      {"version: 1\nhandlers:\n  a: {class: logging.StreamHandler, stream: cfg://nowhere.x}",
       {"f.yaml:3:45: handlers.a.stream: cannot resolve \"cfg://nowhere.x\": there is no 'nowhere'"}},
      {"version: 1\nhandlers:\n  a: {class: logging.StreamHandler, stream: cfg://handlers.a.stream}",
       {"f.yaml:3:45: handlers.a.stream: \"cfg://handlers.a.stream\" leads in a circle"}},
      {"version: 1\nhandlers:\n  a: {class: logging.StreamHandler, stream: ext://my.stream}",
       {"f.yaml:3:45: handlers.a.stream: cannot resolve \"ext://my.stream\": there are ext://sys.stdout, "
        "ext://sys.stderr, "
        "ext://time.gmtime, ext://time.localtime, ext://os.devnull, and the constants of logging, "
        "SysLogHandler and socket"}},
      // Loggers.
      {"version: 1\nloggers:\n  a: {level: INFO, handlers: [f], propagate: 2, levle: x}",
       {"f.yaml:3:31: loggers.a.handlers[0]: there is no handler named \"f\"",
        "f.yaml:3:49: loggers.a.levle: unknown key; did you mean 'level'?"}},
      {"version: 1\nhandlers: {file: {class: logging.NullHandler}}\nroot: {handlers: [fil]}",
       {"f.yaml:3:19: root.handlers[0]: there is no handler named \"fil\"; did you mean 'file'?"}},
      {"version: 1\nroot: INFO", {"f.yaml:2:7: root: expected a mapping, got a string \"INFO\""}},
      // QueueHandlers that are not the bus.
      {"version: 1\nhandlers:\n  q: {class: logging.handlers.QueueHandler}\nroot: {handlers: [q]}",
       {"f.yaml:3:3: warning: handlers.q: has no handlers behind it: its records are discarded"}},
      {"version: 1\nhandlers:\n  n: {class: logging.NullHandler}\n  q: {class: "
       "logging.handlers.QueueHandler, handlers: [n], "
       "queue: queue.Queue}\nroot: {handlers: [q, n]}",
       {"f.yaml:4:67: warning: handlers.q.queue: ignored: the sidecar has a queue of its own"}},
      {"version: 1\nhandlers:\n  a: {class: logging.handlers.QueueHandler, handlers: [b]}\n  b: {class: "
       "logging.handlers.QueueHandler, handlers: [a]}\n  c: {class: logging.handlers.QueueHandler, handlers: "
       "[a]}",
       {"f.yaml:3:3: handlers.a: its records would come back to itself: a -> b",
        "f.yaml:4:3: handlers.b: its records would come back to itself: b -> a"}},
      // The bus.
      {"version: 1\nlogbus: {bus: a b, directory: x, lane_sze: 1}",
       {"f.yaml:2:15: logbus.bus: expected a bus's name (1 to 64 of A-Z a-z 0-9 _ . -), got a string \"a b\"",
        "f.yaml:2:31: logbus.directory: expected an absolute path, got a string \"x\"",
        "f.yaml:2:34: logbus.lane_sze: unknown key; did you mean 'lane_size'?"}},
      {"version: 1\nlogbus: {permissions: 0600, group: no-such-group-here}",
       {"f.yaml:2:23: logbus.permissions: expected octal digits in quotes, such as \"0660\", got an integer "
        "384",
        "f.yaml:2:36: logbus.group: there is no group \"no-such-group-here\""}},
      {"version: 1\nlogbus: {permissions: \"0066\"}",
       {"f.yaml:2:23: logbus.permissions: expected permissions that let the owner read and write, got a "
        "string \"0066\""}},
      {"version: 1\nlogbus: {lanes: 0, lane_size: 100 kB, sites: 1000, memory: 64}",
       {"f.yaml:2:17: logbus.lanes: expected an integer from 1 to 65536, got an integer 0",
        "f.yaml:2:31: logbus.lane_size: expected a power of two, got a string \"100 kB\"",
        "f.yaml:2:46: logbus.sites: expected a power of two, got an integer 1000",
        "f.yaml:2:60: logbus.memory: expected a size of at least 65536 bytes, got an integer 64"}},
      {"version: 1\nlogbus: {max_hold: 50, drain_timeout: 5 parsecs, memory: 64 Mi, overflow: overwritten}",
       {"f.yaml:2:20: logbus.max_hold: expected a duration with its unit, such as \"50 ms\" or \"10 s\", got "
        "an integer 50",
        "f.yaml:2:39: logbus.drain_timeout: expected a duration with its unit, such as \"50 ms\" or \"10 "
        "s\", got a string "
        "\"5 parsecs\"",
        "f.yaml:2:58: logbus.memory: expected a size such as \"64 MiB\" or an integer of bytes, got a string "
        "\"64 Mi\"",
        "f.yaml:2:75: logbus.overflow: expected drop, block or overwrite, got a string \"overwritten\""}},
      {"version: 1\nlogbus: {metrics: off, dispatch: tree, overflow: explode}",
       {"f.yaml:2:19: logbus.metrics: not in this version",
        "f.yaml:2:50: logbus.overflow: expected drop, block or overwrite, got a string \"explode\""}},
  };
  for (const Case& wrong : table) EXPECT_EQ(wrong_with(wrong.text), wrong.lines) << wrong.text;
}

}  // namespace
}  // namespace logbus::sidecar
