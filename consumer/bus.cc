// SPDX-License-Identifier: MIT
// Rolling, and draining what was rolled from (FORMAT.md, "Making, attaching, removing").
#include "bus.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include <logbus/error.h>

#include "shm/segment_create.h"

namespace logbus::consumer {
namespace {

using namespace std::chrono_literals;

/// How often to look after names, files and segments that have been drained.
constexpr auto kLookInterval = 250ms;
/// A thread that was idle when its segment was retired writes one more record there, and rings nobody. It
/// waits no longer than this.
constexpr auto kStragglerWait = 50ms;
constexpr auto kLeaseWait = 500ms;
/// A table of sites is as good as full before it is full: probing takes long.
constexpr std::uint64_t kFullNumerator = 3, kFullDenominator = 4;
/// Tables do not grow beyond this by themselves; records of further sites carry them with them.
constexpr std::uint32_t kMostSites = 1 << 20;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/// <bus>.<8 hex digits>.retired or .stale
bool is_left_over(const std::string& name, const std::string& bus) {
  if (name.size() < bus.size() + 10 || !name.starts_with(bus + ".")) return false;
  const std::string id = name.substr(bus.size() + 1, 8);
  const std::string suffix = name.substr(bus.size() + 9);
  return std::all_of(id.begin(), id.end(), is_hex) && (suffix == ".retired" || suffix == ".stale");
}

/// A larger table of sites does as well: the bus has grown it.
bool has_sizes_of(const detail::Preamble& has, const detail::Preamble& wanted) {
  return has.lanes == wanted.lanes && has.lane_size == wanted.lane_size && has.sites >= wanted.sites &&
         has.features == wanted.features;
}

std::string sizes_of(const detail::Preamble& p) {
  return std::to_string(p.lanes) + " lanes of " + std::to_string(p.lane_size >> 10) + " KiB, " +
         std::to_string(p.sites) + " sites" +
         ((p.features & detail::kFeatureOverwrite) != 0 ? ", overwriting" : "");
}

bool sites_are_short(const shm::Segment& segment) {
  const detail::Preamble& p = segment.preamble();
  const std::uint64_t used = segment.shared().sites_used.load(std::memory_order_relaxed);
  const std::uint64_t top = segment.shared().arena_top.load(std::memory_order_relaxed);
  return p.sites < kMostSites && (used * kFullDenominator >= p.sites * kFullNumerator ||
                                  top * kFullDenominator >= p.site_arena.size * kFullNumerator);
}

}  // namespace

Bus::Bus(Options options) : options_(std::move(options)) {
  current_ = std::make_unique<BusQueue>(options_.bus, options_.config_path, options_.log_files);
  tell_recovery(*current_);
  // Of a sidecar that dies at this moment the leases go one after the other.
  const auto end = Clock::now() + kLeaseWait;
  for (attach_left_overs(true); left_overs_ && Clock::now() < end; attach_left_overs(true))
    std::this_thread::sleep_for(5ms);
  try {
    apply(options_.bus);
  } catch (const Error& error) {  // no room for a second one, or a file system without RENAME_EXCHANGE
    options_.tell(Level::kWarning, std::string(error.what()) + ": the bus stays as it is");
  }
}

// The oldest first: who takes over finds the leases of all when it has got the bus's.
Bus::~Bus() {
  if (batch_ == nullptr) remove_drained();
  retired_.clear();
}

bool Bus::put_nowait(const LogRecord&) {
  return false;
}

bool Bus::get(LogRecord& record, std::chrono::milliseconds timeout) {
  PackedRecord packed;
  while (next(packed, timeout))
    if (unpack(packed, record)) return true;
  return false;
}

void Bus::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(lock_);
  current_->interrupt();
}

void Bus::begin_stop() noexcept {
  stop_requested_.store(true, std::memory_order_relaxed);
  interrupt();
}

bool Bus::begin_batch(BusQueue& queue) {
  batch_ = &queue;
  on_batch_(queue);
  return true;
}

bool Bus::wait_for_next(PackedRecord& packed, std::chrono::milliseconds timeout) {
  if (stop_requested_.load(std::memory_order_relaxed)) return next_before_end(packed);
  // In a batch: no new looks, if that would overtake an older segment.
  if (batch_ != nullptr) return retired_.empty() ? batch_->next(packed, timeout) : batch_->next_found(packed);
  keep_segments();
  if (!retired_.empty()) return next_of_several(packed, timeout);
  return current_->next(packed, timeout) && begin_batch(*current_);
}

void Bus::task_done() {
  batch().task_done();
  batch_ = nullptr;
}

/// At the start of a batch.
bool Bus::next_of_several(PackedRecord& packed, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    // A thread writes here only after all that it has written to older ones: what is found now has been
    // preceded by what the looks after this find there.
    current_->look();
    for (auto queue = retired_.rbegin(); queue != retired_.rend(); ++queue) (*queue)->look_if_new();
    bool waits = false;
    for (const auto& queue : retired_) {
      if (queue->next_found(packed)) return begin_batch(*queue);
      if (waits = queue->holding(); waits) break;  // max_hold at most
    }
    if (!waits && current_->next_found(packed)) return begin_batch(*current_);
    if (interrupted_.exchange(false, std::memory_order_relaxed)) return false;
    const auto now = Clock::now();
    if (now >= deadline) return false;
    keep_segments();
    if (retired_.empty()) return false;
    current_->rest_until(std::min(deadline, now + kStragglerWait));
  }
}

/// After begin_stop(): what is committed now.
bool Bus::next_before_end(PackedRecord& packed) {
  // Nor here a new look in a batch.
  if (batch_ != nullptr && !stopped_) return batch_->next_found(packed);
  if (!std::exchange(stopped_, true)) {
    current_->look_at_all();
    for (auto queue = retired_.rbegin(); queue != retired_.rend(); ++queue) (*queue)->look_at_all();
  }
  if (batch_ != nullptr) return batch_->next(packed, 0ms);
  for (const auto& queue : retired_) {
    if (queue->next(packed, 0ms)) return begin_batch(*queue);
  }
  return current_->next(packed, 0ms) && begin_batch(*current_);
}

bool Bus::idle() {
  remove_drained();
  return retired_.empty() && current_->idle();
}

/// Between two batches: what was given has been committed.
void Bus::remove_drained() {
  std::erase_if(retired_, [this](const std::unique_ptr<BusQueue>& queue) {
    if (!queue->idle()) return false;
    on_removal_(*queue);
    remove_file(*queue);
    return true;
  });
}

const BusQueue* Bus::lost() const noexcept {
  const auto has_lost = [](const auto& queue) { return !queue->has_lease(); };
  if (has_lost(current_)) return current_.get();
  const auto found = std::find_if(retired_.begin(), retired_.end(), has_lost);
  return found != retired_.end() ? found->get() : nullptr;
}

bool Bus::replaced() {
  return current_->retired() && (taken_ || !options_.follows) && idle();
}

/// Between two batches, now and then.
void Bus::keep_segments() {
  const auto now = Clock::now();
  if (now < next_look_ || lost() != nullptr) return;
  next_look_ = now + kLookInterval;
  if (current_->retired() && options_.follows) follow_name();
  if (left_overs_) attach_left_overs(false);
  remove_drained();
  if (current_->retired() || !sites_are_short(current_->segment())) return;
  shm::BusOptions larger = options_.bus;
  larger.sites = current_->segment().preamble().sites * 2;
  try {
    roll(larger, "its table of call sites is three quarters full");
  } catch (const Error& error) {
    tell_once(error);
  }
}

/// Segments that an earlier sidecar, or an earlier boot, has left.
void Bus::attach_left_overs(bool at_start) {
  left_overs_ = false;
  const std::string directory = shm::bus_directory(options_.bus);
  std::vector<std::string> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path().string();
    const bool ours = std::any_of(retired_.begin(), retired_.end(),
                                  [&](const auto& queue) { return queue->segment().path() == path; });
    if (!ours && is_left_over(entry->path().filename().string(), options_.bus.bus)) paths.push_back(path);
  }
  for (const std::string& path : paths) {
    try {
      attach_left_over(path);
    } catch (const NoRoomToRecover& failure) {
      // What is in the newer ones must not be given before what is in there.
      if (at_start) throw;
      left_overs_ = true;
      tell_once(failure);
    } catch (const Error& failure) {
      if (failure.code() == EBUSY || failure.code() == ENOSPC || failure.code() == EDQUOT) left_overs_ = true;
      if (failure.code() != ENOENT) tell_once(failure);
    }
  }
  const auto age = [](const std::unique_ptr<BusQueue>& queue) {
    return std::pair(queue->segment().of_this_boot(), queue->segment().preamble().created_realtime_ns);
  };
  std::stable_sort(retired_.begin(), retired_.end(),
                   [&](const auto& a, const auto& b) { return age(a) < age(b); });
}

void Bus::attach_left_over(const std::string& path) {
  shm::Segment segment = shm::Segment::open_file(path, options_.bus, shm::Segment::Role::kSidecar);
  auto queue =
      std::make_unique<BusQueue>(std::move(segment), options_.bus, options_.config_path, options_.log_files);
  queue->retire(path);  // its sidecar may have been killed before it could
  tell_recovery(*queue);
  options_.tell(Level::kInfo, "draining " + path + " first");
  retired_.push_back(std::move(queue));
}

/// The bus was removed or moved: there is, or will be, another one under its name.
void Bus::follow_name() {
  try {
    make_current(std::make_unique<BusQueue>(options_.bus, options_.config_path, options_.log_files));
    tell_recovery(*current_);
    options_.tell(Level::kWarning, current_->segment().path() +
                                       " was removed or replaced: attached to the new one, what is left in "
                                       "the old one is drained as well");
    taken_ = false;
    told_.clear();
  } catch (const Error& error) {
    taken_ = error.code() == EBUSY;
    tell_once(error);
  }
}

void Bus::make_current(std::unique_ptr<BusQueue> queue) {
  retired_.reserve(retired_.size() + 1);
  const std::lock_guard lock(lock_);
  std::swap(current_, queue);
  retired_.push_back(std::move(queue));
}

void Bus::apply(const shm::BusOptions& options) {
  const detail::Preamble wanted = shm::wanted_layout(options);
  const detail::Preamble& has = current_->segment().preamble();
  if (!has_sizes_of(has, wanted))
    roll(options, "it has " + sizes_of(has) + ", wanted are " + sizes_of(wanted));
  current_->apply(options);
  for (const auto& queue : retired_) queue->apply(options);
  options_.bus = options;
}

/// Killed anywhere: before the exchange an empty segment is left under the name of a retired one; after it
/// the old one is, and whoever drains it sets RETIRED.
void Bus::roll(const shm::BusOptions& options, const std::string& why) {
  const std::string aside = shm::create_successor(options);
  const std::string path = current_->segment().path();
  std::unique_ptr<BusQueue> fresh;
  try {
    // Its lease first: nobody else drains it from its first moment on.
    shm::Segment segment = shm::Segment::open_file(aside, options, shm::Segment::Role::kSidecar);
    fresh = std::make_unique<BusQueue>(std::move(segment), options, options_.config_path, options_.log_files);
    retired_.reserve(retired_.size() + 1);
    shm::exchange_names(path, aside);
  } catch (...) {
    ::unlink(aside.c_str());
    throw;
  }
  current_->rename(aside);
  if (!current_->segment().is_current()) {  // somebody else had replaced it: the name is his
    shm::exchange_names(path, aside);
    ::unlink(aside.c_str());
    current_->rename(path);
    throw Error(ESTALE, path + " has been replaced");
  }
  fresh->rename(path);
  current_->retire(aside);
  options_.tell(Level::kInfo, path + ": going over to a new segment, since " + why +
                                  "; what is in the old one, and what its workers still write, is drained");
  make_current(std::move(fresh));
}

/// Nobody is attached and nothing is left. Rolled from, it has the name that its successor was made under;
/// else somebody may have given it one of its own.
void Bus::remove_file(BusQueue& drained) {
  const std::string bus = shm::bus_path(options_.bus);
  const shm::Segment& segment = drained.segment();
  if (segment.path() == bus) drained.rename(shm::name_beside(bus, segment.preamble(), "retired"));
  if (segment.is_current()) ::unlink(segment.path().c_str());
}

void Bus::tell_recovery(const BusQueue& queue) {
  for (const std::string& note : queue.recovered().notes) options_.tell(Level::kInfo, note);
  for (const std::string& warning : queue.recovered().warnings) options_.tell(Level::kWarning, warning);
  const std::vector<std::string>& files = queue.recovered().files;
  files_in_use_.insert(files_in_use_.end(), files.begin(), files.end());
}

void Bus::tell_once(const Error& error) {
  if (told_ == error.what()) return;
  told_ = error.what();
  options_.tell(Level::kError, told_);
}

}  // namespace logbus::consumer
