// SPDX-License-Identifier: MIT
// What a sidecar does: it starts, drains into files that rotate or are moved away, cleans up behind the dead,
// ends, and completes what another one has left.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <logbus/logger.h>

#include "one_thread.h"
#include "operation.h"
#include "shm/segment.h"
#include "sidecar_oracle.h"
#include "sidecar_stage.h"
#include "stepper.h"

namespace logbus::kill_points {
namespace {

void nothing(const Stage&) {}
void start(const Stage& stage) {
  stage.sidecar->open();
}
void drain(const Stage& stage) {
  stage.sidecar->drain();
}
void take(const Stage& stage, std::size_t count) {
  stage.sidecar->take(count);
  stage.sidecar->end_batch();
}
void clean(const Stage& stage) {
  stage.sidecar->clean();
}
void end(const Stage& stage) {
  stage.sidecar->close();
}
void start_and_drain(const Stage& stage) {
  start(stage);
  drain(stage);
}
void do_all_but_end(const Stage& stage) {
  start(stage);
  drain(stage);
  clean(stage);
}
void start_and_pause(const Stage& stage) {
  start(stage);
  pause_mark();
  stage.sidecar->take(2);
}
/// The next records meet full files, and older ones with numbers.
void start_and_fill(const Stage& stage) {
  start(stage);
  stage.sidecar->take(5);
}
/// Of what the dead have held nothing is back yet.
void start_and_take_all(const Stage& stage) {
  start(stage);
  take(stage, stage.board->issued[kEarlier] + stage.board->issued[kRelative]);
}
void take_one(const Stage& stage) {
  take(stage, 1);
}
void start_and_take_earlier(const Stage& stage) {
  start(stage);
  take(stage, stage.board->issued[kEarlier]);
}
void take_for_no_file(const Stage& stage) {
  take(stage, 6);
}
void take_some(const Stage& stage) {
  take(stage, 3);
}
/// Whoever appends to a file makes it, if it is not there at this moment.
void touch(const Stage& stage, const std::string& name) {
  std::ofstream(path_of(stage, name), std::ios::app);
}
void touch_sized(const Stage& stage) {
  touch(stage, "many.log");
  touch(stage, "few.log");
}
/// A sidecar has lost its lease, which no kernel lets happen, and does not know it: it leaves all as it is.
void leave_by_others_lease(const Stage& stage) {
  leave_records(stage);
  stage.in_process([&stage] {
    start(stage);
    shm::Segment::open_existing(stage.options, shm::Segment::Role::kSidecar).consumer().epoch.fetch_add(1);
    drain(stage);
  });
  for (const auto& file : std::filesystem::directory_iterator(stage.directory + "/logs"))
    if (file.file_size() != 0) throw std::runtime_error("who has no lease writes to " + file.path().string());
}
void touch_timed(const Stage& stage) {
  touch(stage, "timed.log");
}
/// Right behind what we have begun to write.
void append_to_all(const Stage& stage) {
  for (const char* name : {"all.log", "some.log", "pair.log"})
    std::ofstream(path_of(stage, name), std::ios::app) << kForeign << '\n';
}
/// few.log.2 can't become that.
void leave_name_in_use(const Stage& stage) {
  leave_records(stage);
  std::filesystem::create_directory(path_of(stage, "few.log.3"));
}
void leave_for_no_file(const Stage& stage) {
  for (int worker = 0; worker < 2; ++worker)
    stage.in_process([&stage] {
      stage.configure();
      for (int i = 0; i < 4; ++i) get_logger("quiet").info("for no file {}", i);
    });
  leave_records(stage);
}
void move_watched(const Stage& stage, int) {
  std::filesystem::rename(path_of(stage, "watched.log"), path_of(stage, "watched.log.old"));
}
void wait_for_companion(const Stage& stage) {
  while (stage.board->ready == 0) ::usleep(50);
}
void start_with_companion(const Stage& stage) {
  wait_for_companion(stage);
  start(stage);
}

/// The look behind the last record, which is a sweep too.
void take_nothing(const Stage& stage) {
  if (stage.sidecar->take(1) != 0) throw std::runtime_error("there are more records");
}
void start_and_take_companions(const Stage& stage) {
  start_with_companion(stage);
  take(stage, stage.board->issued[kEarlier] + stage.board->issued[kVictim]);
}

constexpr Operation kBatch = {.name = "sidecar_batch",
                              .set_up = start_and_pause,
                              .run = take_some,
                              .prepare = leave_several,
                              .paused = move_watched,
                              .configuration = several_files};
constexpr Operation kRotate = {.name = "sidecar_rotate",
                               .set_up = start_and_fill,
                               .run = take_some,
                               .prepare = leave_records,
                               .configuration = rotating,
                               .others = touch_sized};
constexpr Operation kTimed = {.name = "sidecar_rotate_by_time",
                              .set_up = start,
                              .run = take_one,
                              .prepare = leave_old_file,
                              .configuration = timed,
                              .others = touch_timed,
                              .is_long = true};

constexpr Operation kBatchAndOthers = {.name = "sidecar_batch_and_others",
                                       .set_up = start_and_pause,
                                       .run = take_some,
                                       .prepare = leave_several,
                                       .paused = move_watched,
                                       .configuration = several_files,
                                       .others = append_to_all};
constexpr Operation kOperations[] = {
    {.name = "sidecar_start",
     .set_up = nothing,
     .run = start,
     .prepare = leave_several,
     .configuration = several_files,
     .is_long = true},
    kBatch,
    kBatchAndOthers,
    {.name = "sidecar_batch_and_other_configuration",
     .set_up = start,
     .run = take_some,
     .prepare = leave_records,
     .configuration = one_file,
     .next_configuration = moved_file},
    kRotate,
    kTimed,
    {.name = "sidecar_rotate_in_vain",
     .set_up = start_and_fill,
     .run = drain,
     .prepare = leave_name_in_use,
     .configuration = rotating,
     .joined = true,
     .is_long = true},
    {.name = "sidecar_batch_encoded",
     .set_up = start,
     .run = take_some,
     .prepare = leave_records,
     .configuration = encoded,
     .is_long = true},
    {.name = "sidecar_batch_for_no_file",
     .set_up = start_and_take_earlier,
     .run = take_for_no_file,
     .prepare = leave_for_no_file,
     .configuration = several_files},
    {.name = "sidecar_drops",
     .set_up = start_and_fill,
     .run = drain,
     .prepare = leave_drops,
     .alone = true,
     .options = little_memory,
     .configuration = one_file},
    {.name = "sidecar_large_records",
     .set_up = start,
     .run = drain,
     .prepare = leave_large_records,
     .options = larger_lanes,
     .configuration = many_files,
     .is_longest = true},
    {.name = "sidecar_ring",
     .set_up = start,
     .run = drain,
     .prepare = leave_overwritten,
     .options = ring,
     .configuration = one_file,
     .is_long = true},
    {.name = "sidecar_clean",
     .set_up = start_and_take_all,
     .run = clean,
     .prepare = leave_long_lane,
     .options = large_lanes,
     .configuration = one_file},
    {.name = "sidecar_start_behind_lost_lease",
     .set_up = start,
     .run = take_some,
     .prepare = leave_by_others_lease,
     .configuration = several_files,
     .is_long = true},
    {.name = "sidecar_trim",
     .set_up = start_and_take_companions,
     .run = take_nothing,
     .companion = hold_long_lane,
     .options = little_left,
     .configuration = one_file},
    {.name = "sidecar_end",
     .set_up = start_and_drain,
     .run = end,
     .prepare = leave_records,
     .configuration = rotating},
    {.name = "sidecar_restart_sealed",
     .set_up = nothing,
     .run = do_all_but_end,
     .prepare = leave_several,
     .configuration = several_files,
     .is_long = true,
     .first = &kBatch,
     .left = shm::JournalState::kSealed},
    {.name = "sidecar_restart_sealed_and_others",
     .set_up = nothing,
     .run = do_all_but_end,
     .prepare = leave_several,
     .configuration = several_files,
     .others = append_to_all,
     .is_long = true,
     .first = &kBatchAndOthers,
     .left = shm::JournalState::kSealed},
    {.name = "sidecar_restart_rotating",
     .set_up = nothing,
     .run = do_all_but_end,
     .prepare = leave_records,
     .configuration = rotating,
     .others = touch_sized,
     .is_long = true,
     .first = &kRotate,
     .left = shm::JournalState::kRotating},
    {.name = "sidecar_restart_rotating_by_time",
     .set_up = nothing,
     .run = do_all_but_end,
     .prepare = leave_old_file,
     .configuration = timed,
     .others = touch_timed,
     .is_long = true,
     .first = &kTimed,
     .left = shm::JournalState::kRotating},
};

}  // namespace

std::span<const Operation> sidecar_operations() {
  return kOperations;
}

}  // namespace logbus::kill_points
