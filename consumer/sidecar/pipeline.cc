// SPDX-License-Identifier: MIT
#include "sidecar/pipeline.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include <logbus/error.h>
#include <logbus/filter.h>
#include <logbus/stream_handler.h>

#include "sidecar/bus_handler.h"

namespace logbus::sidecar {
namespace {

class Builder {
 public:
  explicit Builder(const Configuration& configuration) : configuration_(configuration) {
    for (const FormatterSettings& formatter : configuration.formatters) {
      formatters_[formatter.name] = formatter.formatter;
    }
    for (const FilterSettings& filter : configuration.filters) {
      filters_[filter.name] = std::make_shared<const Filter>(filter.logger);
    }
  }

  Pipeline build() {
    Pipeline pipeline;
    for (const HandlerSettings& settings : configuration_.handlers) add(settings, pipeline);
    pipeline.last_resort = std::make_shared<StreamHandler>();
    pipeline.last_resort->set_name("lastResort");
    pipeline.last_resort->set_level(Level::kWarning);
    pipeline.dispatcher = std::make_unique<consumer::Dispatcher>(loggers(), pipeline.last_resort);
    return pipeline;
  }

 private:
  void add(const HandlerSettings& settings, Pipeline& pipeline) {
    std::shared_ptr<Handler> handler = make(settings);
    handler->set_name(settings.name);
    handler->set_level(settings.level);
    if (!settings.formatter.empty()) handler->set_formatter(formatters_.at(settings.formatter));
    for (const std::string& name : settings.filters) handler->add_filter(filters_.at(name));
    handlers_[settings.name] = handler;
    pipeline.handlers.push_back(std::move(handler));
  }

  std::shared_ptr<Handler> make(const HandlerSettings& settings) const {
    if (settings.queue)
      return std::make_shared<BusHandler>(named(settings.targets), settings.queue->respect_handler_level);
    return settings.make({.targets = named(settings.targets)});
  }

  std::vector<std::shared_ptr<Handler>> named(const std::vector<std::string>& names) const {
    std::vector<std::shared_ptr<Handler>> result;
    for (const std::string& name : names) result.push_back(handlers_.at(name));
    return result;
  }

  std::vector<consumer::LoggerNode> loggers() const {
    std::vector<consumer::LoggerNode> nodes;
    for (const LoggerSettings& settings : configuration_.loggers) {
      consumer::LoggerNode& node = nodes.emplace_back();
      node.name = settings.name;
      node.level = settings.level.value_or(settings.name.empty() ? Level::kWarning : Level::kNotSet);
      node.propagate = settings.propagate;
      node.handlers = named(settings.handlers);
      for (const std::string& name : settings.filters) node.filters.push_back(filters_.at(name));
    }
    return nodes;
  }

  const Configuration& configuration_;
  std::map<std::string, std::shared_ptr<const Formatter>> formatters_;
  std::map<std::string, std::shared_ptr<const Filter>> filters_;
  std::map<std::string, std::shared_ptr<Handler>> handlers_;
};

}  // namespace

Pipeline build_pipeline(const Configuration& configuration) {
  return Builder(configuration).build();
}

void close_handlers(Pipeline& pipeline) noexcept {
  for (auto handler = pipeline.handlers.rbegin(); handler != pipeline.handlers.rend(); ++handler) {
    try {
      if ((*handler)->flush_on_close()) (*handler)->flush();
      (*handler)->close();
    } catch (const std::exception& error) {
      (*handler)->handle_error(nullptr, error);
    }
  }
}

}  // namespace logbus::sidecar
