// SPDX-License-Identifier: MIT
// What a worker does.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include <logbus/basic_config.h>
#include <logbus/detail/hot_thread.h>

#include "drain.h"
#include "operation.h"
#include "shm/attachment.h"
#include "shm/doorbell.h"
#include "shm/segment.h"
#include "stepper.h"

namespace logbus::kill_points {
namespace {

using namespace detail;

constexpr std::size_t kLarge = 1000;
std::string text;  // of the operation's record

std::uint64_t frame_of(const Stage& stage, const std::string& with) {
  const std::uint64_t before = hot_thread.writer == nullptr ? 0 : hot_thread.writer->position;
  stage.log(kVictim, with);
  return hot_thread.writer->position - before;
}

/// Until a record like these has no room by the quick path.
void fill(const Stage& stage, const std::string& with) {
  frame_of(stage, with);
  const std::uint64_t size = frame_of(stage, with);
  while (hot_thread.writer->has_room(static_cast<std::uint32_t>(size), 1)) stage.log(kVictim, with);
}

void fill_lane(const Stage& stage) {
  const auto dropped = [] { return hot_thread.writer->line->dropped[1].load(); };
  stage.log(kVictim, text);
  const auto before = dropped();
  while (dropped() == before) stage.log(kVictim, text);
}

void log_one(const Stage& stage) {
  stage.log_operation(kVictim, text);
}
void configure(const Stage& stage) {
  text = text_of(40);
  stage.configure();
}
void log_some(const Stage& stage) {
  configure(stage);
  for (int i = 0; i < 3; ++i) stage.log(kVictim, text);
  // Its site is known and its code has run.
  stage.log_operation(kVictim, text);
}
void drain(const Stage& stage, int) {
  stage.drain();
}
shm::Segment as_sidecar(const Stage& stage) {
  return shm::Segment::open_existing(stage.options, shm::Segment::Role::kSidecar);
}

// --- States ---

void at_end_of_lap(const Stage& stage) {
  log_some(stage);
  text = text_of(kLarge);
  fill(stage, text);
  pause_mark();  // all is read
}
void at_limit(const Stage& stage) {
  log_some(stage);
  text = text_of(kLarge);
  fill(stage, text);
}
void before_two_steps(const Stage& stage) {
  log_some(stage);
  text = text_of(12 << 10);
}
void with_full_lane(const Stage& stage) {
  log_some(stage);
  text = text_of(kLarge);
  fill_lane(stage);
}
void with_gap_open(const Stage& stage) {
  with_full_lane(stage);
  pause_mark();  // all is read
}
void at_punching_step(const Stage& stage) {
  at_limit(stage);
  pause_mark();
}
/// As a lease holder leaves it that has died before the punch.
void leave_punching(const Stage& stage, int) {
  const shm::Segment segment = as_sidecar(stage);
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane) {
    if (segment.producer_line(lane).thread.load() == 0) continue;
    StepWord& step = segment.step_table(lane)[1];
    step.store(static_cast<std::uint8_t>(StepState::kPunching));
  }
}
/// The reader has said that it sleeps, and has died since.
void leave_sleeping(const Stage& stage, int) {
  as_sidecar(stage).shared().attention.fetch_or(kAttentionSleeping);
}
void with_sleeping_reader(const Stage& stage) {
  log_some(stage);
  pause_mark();
}
void replace_bus(const Stage& stage, int) {
  stage.replace_bus();
}
void with_replaced_bus(const Stage& stage) {
  log_some(stage);
  pause_mark();
}

/// The only slot has a dead owner, whose lane was read while it lived, and holds a step behind its first.
void leave_dead(const Stage& stage) {
  const pid_t owner = stage.start([&stage] {
    stage.configure();
    for (int i = 0; i < 12; ++i) stage.log(kRelative, text_of(kLarge));
    for (stage.board->ready = 1;;) ::pause();
  });
  while (stage.board->ready == 0) ::usleep(50);
  stage.drain();
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
}
void one_lane(shm::BusOptions& options) {
  options.lanes = 1;
}

// --- Operations of their own ---

void attach(const Stage& stage) {
  stage.configure();
}
void create(const Stage& stage) {
  static_cast<void>(shm::Segment::open(stage.options, shm::Segment::Role::kWorker));
}
/// A stack that ends here for who unwinds it: our tracer's objects lie below.
asm(R"(
  .pushsection .text
  .type kill_points_outermost, @function
kill_points_outermost:
  .cfi_startproc
  .cfi_undefined rip
  subq $8, %rsp
  call *%rdi
  ud2
  .cfi_endproc
  .popsection
)");
extern "C" void kill_points_outermost(void (*last)());
void end_thread(const Stage&) {
  // Of the only thread: the process ends with it.
  kill_points_outermost([] { ::pthread_exit(nullptr); });
}
void end_process(const Stage&) {
  std::exit(0);
}
void detach(const Stage&) {
  basic_config({.force = true});
}
void child_of_fork(const Stage& stage) {
  for (int i = 0; i < 3; ++i) stage.log(kRelative, text);
  ::_exit(0);
}
void fork_and_log(const Stage& stage) {
  if (::fork() == 0) child_of_fork(stage);
  stage.log_operation(kVictim, text);
}
void fork_victim(const Stage& stage) {
  configure(stage);
  for (int i = 0; i < 3; ++i) stage.log(kRelative, text);
  if (::fork() != 0) {
    while (stage.board->issued[kRelative] < 200) {
      stage.log(kRelative, text);
      ::usleep(100);
    }
    for (;;) ::pause();
  }
}

// --- Waiting for room ---

void block_policy(shm::BusOptions& options) {
  options.overflow = Policy::kBlock;
  options.block_timeout = std::chrono::milliseconds(3);
}
void block_long(shm::BusOptions& options) {
  options.overflow = Policy::kBlock;
  options.block_timeout = std::chrono::seconds(5);
}
void with_lane_full_but_for_one(const Stage& stage) {
  // No lease is held yet: nobody waits, and the lane is full up to where this process has to wait.
  with_full_lane(stage);
  pause_mark();
}
void wait_for_companion(const Stage& stage, int) {
  stage.board->go = 1;
  while (stage.board->ready == 0) ::usleep(50);
}
/// Holds the lease and reads nothing; or reads as soon as somebody waits.
void hold_lease(const Stage& stage, bool read) {
  while (stage.board->go == 0 && stage.board->stop == 0) ::usleep(50);
  consumer::BusQueue queue(stage.options);
  stage.board->ready = 1;
  LogRecord record;
  while (stage.board->stop == 0) {
    if (read && queue.segment().blocked_bitmap()[0].load() != 0) {
      while (queue.get(record, std::chrono::milliseconds(0)))
        note(*stage.board, record.name, record.get_message());
      queue.task_done();
    }
    ::usleep(50);
  }
}
void hold(const Stage& stage) {
  hold_lease(stage, false);
}
void hold_and_read(const Stage& stage) {
  hold_lease(stage, true);
}

constexpr Operation kOperations[] = {
    {.name = "create",
     .set_up = [](const Stage&) {},
     .run = create,
     .handler = Handler::kNothing,
     .no_bus = true},
    {.name = "attach", .set_up = [](const Stage&) {}, .run = attach, .handler = Handler::kNothing},
    {.name = "attach_and_clean",
     .set_up = [](const Stage&) {},
     .run = attach,
     .prepare = leave_dead,
     .handler = Handler::kNothing,
     .alone = true,
     .options = one_lane},
    {.name = "first_call", .set_up = configure, .run = log_one},
    {.name = "plain_call", .set_up = log_some, .run = log_one},
    {.name = "sleeping_reader", .set_up = with_sleeping_reader, .run = log_one, .paused = leave_sleeping},
    {.name = "new_lap", .set_up = at_end_of_lap, .run = log_one, .paused = drain},
    {.name = "grow", .set_up = at_limit, .run = log_one},
    {.name = "grow_two_steps", .set_up = before_two_steps, .run = log_one},
    {.name = "full_lane", .set_up = with_full_lane, .run = log_one, .drops = true},
    {.name = "after_gap", .set_up = with_gap_open, .run = log_one, .paused = drain, .drops = true},
    {.name = "punching_step",
     .set_up = at_punching_step,
     .run = log_one,
     .paused = leave_punching,
     .drops = true},
    {.name = "block_timeout",
     .set_up = with_lane_full_but_for_one,
     .run = log_one,
     .paused = wait_for_companion,
     .companion = hold,
     .drops = true,
     .options = block_policy},
    {.name = "block_and_read",
     .set_up = with_lane_full_but_for_one,
     .run = log_one,
     .paused = wait_for_companion,
     .companion = hold_and_read,
     .drops = true,
     .options = block_long},
    {.name = "thread_exit", .set_up = log_some, .run = end_thread, .handler = Handler::kLog, .is_long = true},
    {.name = "process_exit",
     .set_up = log_some,
     .run = end_process,
     .handler = Handler::kLog,
     .is_long = true},
    {.name = "detach", .set_up = log_some, .run = detach, .handler = Handler::kNothing},
    {.name = "replaced_bus",
     .set_up = with_replaced_bus,
     .run = log_one,
     .paused = replace_bus,
     .old_bus = "old"},
    {.name = "fork_parent", .set_up = log_some, .run = fork_and_log, .handler = Handler::kLog},
    {.name = "fork_child",
     .set_up = fork_victim,
     .run = log_one,
     .follow_child = true,
     .handler = Handler::kNothing},
};

}  // namespace

std::span<const Operation> worker_operations() {
  return kOperations;
}

}  // namespace logbus::kill_points
