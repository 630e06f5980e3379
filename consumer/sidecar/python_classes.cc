// SPDX-License-Identifier: MIT
#include "sidecar/python_classes.h"

#include <array>

#include <fmt/format.h>

namespace logbus::sidecar {
namespace {

struct PythonClass {
  std::string_view name;
  std::string_view advice;
};

constexpr std::string_view kJson = "use pythonjsonlogger.json.JsonFormatter or logbus.JsonFormatter";
constexpr std::string_view kNoColours = "a file has no colours: use logging.Formatter";
constexpr std::string_view kFile =
    "use logging.FileHandler or one of the rotating ones, with the file's whole name";
constexpr std::string_view kOneWriter =
    "the sidecar is the only writer of its files, so logging.handlers.RotatingFileHandler is safe";
constexpr std::string_view kConsole = "use logging.StreamHandler";
constexpr std::string_view kAddField =
    "use %(NAME)s with the formatter's 'defaults', and let the worker give the field";
constexpr std::string_view kWorkersFilter = "remove it, or filter in the worker";

constexpr std::array kClasses{
    // Django
    PythonClass{"django.utils.log.AdminEmailHandler", "use logging.handlers.SMTPHandler of level ERROR"},
    PythonClass{"django.utils.log.CallbackFilter", kWorkersFilter},
    PythonClass{"django.utils.log.RequireDebugFalse", "remove it, and keep one file for each environment"},
    PythonClass{"django.utils.log.RequireDebugTrue", "remove it, and keep one file for each environment"},
    PythonClass{"django.utils.log.ServerFormatter",
                "use logging.Formatter; %(asctime)s takes the place of %(server_time)s"},
    // uvicorn, gunicorn
    PythonClass{
        "uvicorn.logging.AccessFormatter",
        "use logging.Formatter with '%(levelname)s: %(message)s': the message has address, request and "
        "status"},
    PythonClass{"uvicorn.logging.ColourizedFormatter", kNoColours},
    PythonClass{"uvicorn.logging.DefaultFormatter",
                "use logging.Formatter with '%(levelname)s: %(message)s' (levelprefix is uvicorn's own)"},
    PythonClass{"gunicorn.glogging.SafeAtoms", kWorkersFilter},
    // Celery
    PythonClass{"celery.app.log.TaskFormatter",
                "use logging.Formatter with 'defaults: {task_id: \"???\", task_name: \"???\"}'"},
    PythonClass{"celery.utils.log.ColorFormatter", kNoColours},
    // Airflow
    PythonClass{"airflow.utils.log.colored_log.CustomTTYColoredFormatter", kNoColours},
    PythonClass{"airflow.utils.log.file_processor_handler.FileProcessorHandler", kFile},
    PythonClass{"airflow.utils.log.file_task_handler.FileTaskHandler", kFile},
    PythonClass{"airflow.utils.log.logging_mixin.RedirectStdHandler", kConsole},
    PythonClass{"airflow.utils.log.non_caching_file_handler.NonCachingFileHandler",
                "use logging.FileHandler"},
    PythonClass{"airflow.utils.log.non_caching_file_handler.NonCachingRotatingFileHandler",
                "use logging.handlers.RotatingFileHandler"},
    PythonClass{"airflow.utils.log.secrets_masker.SecretsMasker", kWorkersFilter},
    PythonClass{"airflow.utils.log.timezone_aware.TimezoneAware",
                "use logging.Formatter with 'datefmt: \"%Y-%m-%dT%H:%M:%S%z\"'"},
    // Flask
    PythonClass{"flask.logging.default_handler", kConsole},
    // JSON
    PythonClass{"json_log_formatter.JSONFormatter", kJson},
    PythonClass{"logstash_formatter.LogstashFormatterV1", kJson},
    PythonClass{"pythonjsonlogger.msgspec.MsgspecFormatter", kJson},
    PythonClass{"pythonjsonlogger.orjson.OrjsonFormatter", kJson},
    PythonClass{"structlog.stdlib.ProcessorFormatter", kJson},
    // Colours, consoles
    PythonClass{"colorlog.ColoredFormatter", kNoColours},
    PythonClass{"coloredlogs.ColoredFormatter", kNoColours},
    PythonClass{"colorlog.StreamHandler", kConsole},
    PythonClass{"rich.logging.RichHandler", kConsole},
    // Files of several processes
    PythonClass{"cloghandler.ConcurrentRotatingFileHandler", kOneWriter},
    PythonClass{"concurrent_log_handler.ConcurrentRotatingFileHandler", kOneWriter},
    PythonClass{
        "concurrent_log_handler.ConcurrentTimedRotatingFileHandler",
        "the sidecar is the only writer of its files, so logging.handlers.TimedRotatingFileHandler is safe"},
    // Fields of a request
    PythonClass{"asgi_correlation_id.CorrelationIdFilter", kAddField},
    PythonClass{"django_guid.log_filters.CorrelationId", kAddField},
    PythonClass{"log_request_id.filters.RequestIDFilter", kAddField},
};

}  // namespace

std::string python_class_advice(std::string_view name) {
  for (const PythonClass& known : kClasses) {
    if (known.name == name)
      return fmt::format("{} is a Python class, which a sidecar can't run: {}", name, known.advice);
  }
  return {};
}

}  // namespace logbus::sidecar
