// SPDX-License-Identifier: MIT
#include "sidecar/pipeline.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>

#include <logbus/error.h>
#include <logbus/filter.h>
#include <logbus/stream_handler.h>

#include "sidecar/shared_streams.h"

namespace logbus::sidecar {
namespace {

std::string absolute(const std::string& filename) {
  std::error_code error;
  return std::filesystem::absolute(filename, error).lexically_normal().string();
}

template <class T>
bool contains(const std::vector<T>& list, const T& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

using Queues = std::vector<std::shared_ptr<AsyncQueue>>;

class Builder {
 public:
  Builder(const Configuration& configuration, const Served* served, std::vector<std::string> in_use = {})
      : configuration_(configuration), served_(served), in_use_(std::move(in_use)) {
    for (const FormatterSettings& formatter : configuration.formatters) {
      formatters_[formatter.name] = formatter.formatter;
    }
    for (const FilterSettings& filter : configuration.filters) filters_[filter.name] = filter.filter;
  }

  Pipeline build() {
    Pipeline pipeline;
    for (const HandlerSettings& settings : configuration_.handlers) {
      std::shared_ptr<Handler> handler = served(settings, pipeline.queues);
      if (handler == nullptr) handler = make(settings, pipeline.queues);
      pipeline.handlers.push_back(handler);
      handlers_[settings.name] = {&settings, std::move(handler)};
    }
    pipeline.last_resort = std::make_shared<StreamHandler>();
    pipeline.last_resort->set_name("lastResort");
    pipeline.last_resort->set_level(Level::kWarning);
    std::vector<consumer::LoggerNode> tree = loggers();
    for (const consumer::LoggerNode& node : tree)
      for (const auto& handler : node.handlers) reach(handler->name(), pipeline.direct);
    pipeline.direct.push_back(pipeline.last_resort);
    std::vector<std::shared_ptr<Handler>> all = pipeline.handlers;
    all.push_back(pipeline.last_resort);
    // Only now that nothing can fail any more: a handler that is taken over still serves.
    const auto act = [&](const std::shared_ptr<Handler>& handler, std::function<void()> change) {
      if (!works_elsewhere(handler, pipeline)) return change();
      pipeline.unsettled.push_back({handler, std::move(change)});
    };
    for (const auto& [name, entry] : handlers_) {
      entry.handler->set_level(entry.settings->level);
      const std::string& formatter = entry.settings->formatter;
      act(entry.handler,
          [handler = entry.handler, to = formatter.empty() ? nullptr : formatters_.at(formatter)] {
            handler->set_formatter(to);
          });
    }
    share_streams(all, act);
    pipeline.dispatcher = std::make_unique<consumer::Dispatcher>(std::move(tree), pipeline.last_resort);
    return pipeline;
  }

 private:
  struct Entry {
    const HandlerSettings* settings;
    std::shared_ptr<Handler> handler;
  };

  // On a queue's thread, which may stand still with the handler's lock.
  bool works_elsewhere(const std::shared_ptr<Handler>& handler, const Pipeline& pipeline) const {
    return served_ != nullptr && contains(served_->pipeline.handlers, handler) &&
           !contains(pipeline.direct, handler);
  }

  // The handler that is served and was described the same, with its queue; or null.
  std::shared_ptr<Handler> served(const HandlerSettings& settings, Queues& queues) const {
    if (served_ == nullptr) return nullptr;
    const auto& before = served_->configuration.handlers;
    const auto same = std::find_if(before.begin(), before.end(), [&](const HandlerSettings& other) {
      return other.name == settings.name && other.text == settings.text;
    });
    if (same == before.end()) return nullptr;
    const auto& handler = served_->pipeline.handlers[static_cast<std::size_t>(same - before.begin())];
    if (const auto queue = queue_of(served_->pipeline, *handler)) queues.push_back(queue);
    return handler;
  }

  std::shared_ptr<Handler> make(const HandlerSettings& settings, Queues& queues) const {
    std::shared_ptr<Handler> handler;
    if (!settings.queue) {
      handler = settings.make(
          {.targets = named(settings.targets),
           .continues_file = continues(settings),
           .was_in_use = settings.file && contains(in_use_, absolute(settings.file->filename))});
    } else if (settings.queue->is_bus) {
      handler = bus_handler(*settings.queue, configuration_.bus, named(settings.targets));
    } else {
      Handlers behind;
      for (const std::string& target : settings.targets) reach(target, behind, true);
      queues.push_back(std::make_shared<AsyncQueue>(*settings.queue, configuration_.bus,
                                                    named(settings.targets), std::move(behind)));
      handler = queues.back()->handler();
    }
    handler->set_name(settings.name);
    for (const std::string& name : settings.filters) handler->add_filter(filters_.at(name));
    return handler;
  }

  bool continues(const HandlerSettings& settings) const {
    if (served_ == nullptr || !settings.file) return false;
    const auto& before = served_->configuration.handlers;
    return std::any_of(before.begin(), before.end(), [&](const HandlerSettings& other) {
      return other.file && absolute(other.file->filename) == absolute(settings.file->filename);
    });
  }

  Handlers named(const std::vector<std::string>& names) const {
    Handlers result;
    for (const std::string& name : names) result.push_back(handlers_.at(name).handler);
    return result;
  }

  // The handler, and those that it calls itself; with `through_queues` all that its records come to.
  void reach(const std::string& name, Handlers& reached, bool through_queues = false) const {
    const auto& [settings, handler] = handlers_.at(name);
    if (contains(reached, handler)) return;
    reached.push_back(handler);
    if (settings->queue && !settings->queue->is_bus && !through_queues) return;
    for (const std::string& target : settings->targets) reach(target, reached, through_queues);
  }

  std::vector<consumer::LoggerNode> loggers() const {
    std::vector<consumer::LoggerNode> nodes;
    if (configuration_.bus.by_listener) {
      const auto everything = Level{std::numeric_limits<int>::min()};
      nodes.push_back(
          {.name = "", .level = everything, .handlers = named({configuration_.bus.listener}), .filters = {}});
      return nodes;
    }
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
  const Served* served_;
  const std::vector<std::string> in_use_;
  std::map<std::string, std::shared_ptr<const Formatter>> formatters_;
  std::map<std::string, std::shared_ptr<const Filter>> filters_;
  std::map<std::string, Entry> handlers_;
};

}  // namespace

std::shared_ptr<AsyncQueue> queue_of(const Pipeline& pipeline, const Handler& handler) {
  for (const auto& queue : pipeline.queues)
    if (queue->handler().get() == &handler) return queue;
  return nullptr;
}

Pipeline build_pipeline(const Configuration& configuration, const std::vector<std::string>& in_use) {
  return Builder(configuration, nullptr, in_use).build();
}

Pipeline rebuild_pipeline(const Configuration& configuration, const Served& served) {
  return Builder(configuration, &served).build();
}

bool settle(Pipeline& pipeline) {
  std::erase_if(pipeline.unsettled, [](const Pipeline::Unsettled& unsettled) {
    if (unsettled.handler->is_at_work()) return false;
    unsettled.change();
    return true;
  });
  return pipeline.unsettled.empty();
}

void start_queues(const Pipeline& pipeline, const Pipeline& before) {
  for (const auto& queue : pipeline.queues)
    if (!contains(before.queues, queue)) queue->start();
}

}  // namespace logbus::sidecar
