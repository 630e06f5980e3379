// SPDX-License-Identifier: MIT
#include "sidecar/pipeline.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>

#include <logbus/error.h>
#include <logbus/file_handler.h>
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

// The queue behind the handler, if it has one of its own.
std::shared_ptr<AsyncQueue> queue_of(const Pipeline& pipeline, const Handler& handler) {
  for (const auto& queue : pipeline.queues)
    if (queue->handler().get() == &handler) return queue;
  return nullptr;
}

// One file, by the names that the configuration has for it, or one descriptor.
bool write_to_the_same(const Handler& one, const Handler& other) {
  const auto* const stream = dynamic_cast<const StreamHandler*>(&one);
  const auto* const other_stream = dynamic_cast<const StreamHandler*>(&other);
  if (stream == nullptr || other_stream == nullptr) return false;
  const auto* const file = dynamic_cast<const FileHandler*>(stream);
  const auto* const other_file = dynamic_cast<const FileHandler*>(other_stream);
  if (file != nullptr && other_file != nullptr) return file->base_filename() == other_file->base_filename();
  return file == nullptr && other_file == nullptr && stream->descriptor() == other_stream->descriptor();
}

// Whether a handler behind the queue, or its file, is written to directly.
bool leads_to(const AsyncQueue& queue, const Handlers& direct) {
  return std::any_of(queue.behind().begin(), queue.behind().end(), [&](const auto& behind) {
    return std::any_of(direct.begin(), direct.end(), [&](const auto& handler) {
      return behind == handler || write_to_the_same(*behind, *handler);
    });
  });
}

class Builder {
 public:
  Builder(const Configuration& configuration, const Served* served)
      : configuration_(configuration), served_(served) {
    for (const FormatterSettings& formatter : configuration.formatters) {
      formatters_[formatter.name] = formatter.formatter;
    }
    for (const FilterSettings& filter : configuration.filters) {
      filters_[filter.name] = std::make_shared<const Filter>(filter.logger);
    }
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
      pipeline.unsettled.push_back(std::move(change));
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
      handler = settings.make({.targets = named(settings.targets), .continues_file = continues(settings)});
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
  std::map<std::string, std::shared_ptr<const Formatter>> formatters_;
  std::map<std::string, std::shared_ptr<const Filter>> filters_;
  std::map<std::string, Entry> handlers_;
};

}  // namespace

Pipeline build_pipeline(const Configuration& configuration) {
  return Builder(configuration, nullptr).build();
}

Pipeline rebuild_pipeline(const Configuration& configuration, const Served& served) {
  return Builder(configuration, &served).build();
}

std::size_t hand_over(const Pipeline& from, const Pipeline& to, std::chrono::milliseconds timeout) noexcept {
  using namespace std::chrono;
  const auto end = steady_clock::now() + timeout;
  std::size_t lost = 0;
  for (const auto& handler : from.direct) {  // each before its targets
    if (contains(to.handlers, handler) || !handler->flush_on_close()) continue;
    try {
      handler->flush();
    } catch (const std::exception& error) {
      handler->handle_error(nullptr, error);
    }
  }
  for (auto at = from.queues.rbegin(); at != from.queues.rend(); ++at) {  // each before those behind it
    const auto& queue = *at;
    if (contains(to.queues, queue) || !leads_to(*queue, to.direct)) continue;
    try {
      lost += queue->stop(std::max(ceil<milliseconds>(end - steady_clock::now()), milliseconds(0)));
    } catch (const std::exception& error) {
      queue->handler()->handle_error(nullptr, error);
    }
  }
  return lost;
}

void settle(Pipeline& pipeline) {
  for (const auto& change : pipeline.unsettled) change();
  pipeline.unsettled.clear();
}

void start_queues(const Pipeline& pipeline, const Pipeline& before) {
  for (const auto& queue : pipeline.queues)
    if (!contains(before.queues, queue)) queue->start();
}

std::size_t close_handlers(const Pipeline& pipeline, std::chrono::milliseconds timeout,
                           const Pipeline& kept) noexcept {
  using namespace std::chrono;
  using namespace std::chrono_literals;
  const auto end = steady_clock::now() + timeout;
  std::size_t lost = 0;
  for (auto at = pipeline.handlers.rbegin(); at != pipeline.handlers.rend(); ++at) {
    Handler& handler = **at;
    if (contains(kept.handlers, *at)) continue;
    try {
      if (const auto queue = queue_of(pipeline, handler))
        lost += queue->stop(std::max(ceil<milliseconds>(end - steady_clock::now()), 0ms));
      if (handler.flush_on_close()) handler.flush();
      handler.close();
    } catch (const std::exception& error) {
      handler.handle_error(nullptr, error);
    }
  }
  return lost;
}

}  // namespace logbus::sidecar
