// SPDX-License-Identifier: MIT
// One thread's way onto a bus for a program that would rather wait than lose a record.
#include "tools/bus_feed.h"

#include <cerrno>
#include <cstring>
#include <thread>

#include <logbus/error.h>
#include "base/kernel.h"
#include "base/process_identity.h"
#include "shm/doorbell.h"

namespace logbus::tools {
namespace {

using namespace std::chrono_literals;

// How often a full lane is looked at again: the sidecar commits its positions about as often.
constexpr auto kPoll = 1ms;

}  // namespace

BusFeed::BusFeed(const shm::BusOptions& options, std::string process_name)
    : options_(options), process_name_(std::move(process_name)) {
  attach();
}

BusFeed::~BusFeed() {
  detach();
}

void BusFeed::attach() {
  for (;;) {
    attachment_ = shm::Attachment::attach(options_, process_name_);
    switch (lane_.claim(*attachment_, base::thread_id(), base::thread_name())) {
      case shm::Claim::kOk:
        return;
      case shm::Claim::kRetired:
        break;  // replaced between the two calls
      case shm::Claim::kNoLane:
        throw Error(EAGAIN, "all lanes of bus " + attachment_->segment().path() + " are taken");
      case shm::Claim::kNoMemory:
        throw Error(ENOMEM, "can't map a lane of bus " + attachment_->segment().path());
    }
  }
}

void BusFeed::detach() noexcept {
  if (lane_.has_lane()) lane_.close();
  attachment_.reset();
}

std::uint32_t BusFeed::max_payload() const noexcept {
  return lane_.max_frame() - static_cast<std::uint32_t>(sizeof(detail::FrameHeader));
}

bool BusFeed::sidecar_lives() const noexcept {
  const base::UniqueFd fd = attachment_->segment().reopen();
  return fd && base::is_locked(fd.get(), shm::kLeaseLock, 1);
}

bool BusFeed::try_put(std::string_view payload, std::uint32_t frame, int levelno) noexcept {
  detail::LaneWriter& writer = lane_.writer;
  if (!writer.enter()) return false;
  if (!writer.has_room(frame, detail::severity_of(levelno)) && !lane_.try_make_room(frame, levelno)) {
    writer.leave();
    return false;
  }
  std::memcpy(writer.begin(frame, detail::frame_tag(detail::FrameKind::kInline)), payload.data(),
              payload.size());
  if (writer.commit()) shm::ring(attachment_->segment().shared());
  return true;
}

Fed BusFeed::put(std::string_view payload, int levelno, std::optional<std::chrono::nanoseconds> timeout) {
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    if (attachment_->segment().is_retired()) {
      detach();
      attach();
    }
    if (payload.size() > max_payload()) return Fed::kTooLarge;
    if (try_put(payload, detail::LaneWriter::frame_bytes(static_cast<std::uint32_t>(payload.size())),
                levelno))
      return Fed::kCommitted;
    if (attachment_->segment().is_retired()) continue;
    if (!sidecar_lives()) return Fed::kNoRoom;
    if (timeout && std::chrono::steady_clock::now() - start >= *timeout) return Fed::kTimeout;
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace logbus::tools
