// SPDX-License-Identifier: MIT
// What happens to a sidecar: a disk is full, its configuration, its segment or the sidecar is another one.
#include <unistd.h>

#include "one_thread.h"
#include "operation.h"
#include "sidecar_stage.h"
#include "small_disk.h"
#include "stepper.h"

namespace logbus::kill_points {
namespace {

void nothing(const Stage&) {}
void start(const Stage& stage) {
  stage.sidecar->open();
}
void take(const Stage& stage, std::size_t count) {
  stage.sidecar->take(count);
  stage.sidecar->end_batch();
}

// --- A full disk ---

std::string several_files_held(const Stage& stage) {
  return holding(several_files(stage));
}
std::string rotating_held(const Stage& stage) {
  return holding(rotating(stage, 9, 9));
}
/// Some of the next lines have room.
void start_and_fill_disk(const Stage& stage) {
  start(stage);
  take(stage, 6);
  fill_disk();
}
void take_pages(const Stage& stage) {
  take(stage, 6);
}
/// The next rotation has renamed its files, and can't make the new one.
void start_and_use_up_names(const Stage& stage) {
  start(stage);
  stage.sidecar->take(5);
  use_up_names();
}
void take_each(const Stage& stage) {
  for (int i = 0; i < 4; ++i) take(stage, 1);
}
void restart(const Stage& stage) {
  start(stage);
  stage.sidecar->drain();
  stage.sidecar->clean();
}

constexpr Operation kFull = {.name = "sidecar_full_disk",
                             .set_up = start_and_fill_disk,
                             .run = take_pages,
                             .prepare = leave_pages,
                             .configuration = several_files_held,
                             .small_disk = true,
                             .is_long = true};

// --- Another configuration ---

void start_and_take_some(const Stage& stage) {
  start(stage);
  stage.sidecar->take(5);
}
void reload(const Stage& stage) {
  stage.sidecar->reload(*stage.next);
  take(stage, 3);
}
void more_lanes(shm::BusOptions& options) {
  options.lanes = 16;
}

// --- Another segment ---

void until(const std::atomic<std::uint32_t>& word) {
  while (word == 0) ::usleep(50);
}
void wait_for_other(const Stage& stage) {
  until(stage.board->ready);
}
void wait_and_start(const Stage& stage) {
  wait_for_other(stage);
  start(stage);
}
void drain_and_end(const Stage& stage) {
  stage.sidecar->drain();
  stage.sidecar->close();
}

constexpr Operation kDrainRolled = {.name = "sidecar_drain_rolled",
                                    .set_up = wait_and_start,
                                    .run = drain_and_end,
                                    .companion = live_on,
                                    .configuration = one_file,
                                    .sidecar_options = more_lanes,
                                    .is_long = true};

// --- Another sidecar ---

void start_and_be_asked(const Stage& stage) {
  start_and_take_some(stage);
  stage.board->ready = 1;
  while (!stage.sidecar->handover_requested()) ::usleep(50);
}
void hand_over(const Stage& stage) {
  stage.sidecar->hand_over();
}
void take_over(const Stage& stage) {
  stage.sidecar->take_over();
  start(stage);
  stage.sidecar->drain();
}
/// Not the end that empties files of mode w at the next start.
void take_over_and_hand_over(const Stage& stage) {
  until(stage.board->ready);
  take_over(stage);
  hand_over(stage);
}
/// As long as it is not asked, it is there.
void serve_until_asked(const Stage& stage) {
  start_and_take_some(stage);
  stage.board->ready = 1;
  while (!stage.sidecar->handover_requested() && stage.board->stop == 0) ::usleep(50);
  hand_over(stage);
}

constexpr Operation kOperations[] = {
    kFull,
    {.name = "sidecar_full_disk_in_rotation",
     .set_up = start_and_use_up_names,
     .run = take_each,
     .prepare = leave_records,
     .configuration = rotating_held,
     .small_disk = true,
     .joined = true,
     .is_long = true},
    {.name = "sidecar_restart_on_full_disk",
     .set_up = nothing,
     .run = restart,
     .prepare = leave_pages,
     .configuration = several_files_held,
     .small_disk = true,
     .is_long = true,
     .first = &kFull,
     .left = shm::JournalState::kSealed},
    {.name = "sidecar_reload",
     .set_up = start_and_take_some,
     .run = reload,
     .prepare = leave_records,
     .configuration = before_reload,
     .next_configuration = after_reload,
     .is_long = true},
    {.name = "sidecar_reload_and_roll",
     .set_up = start_and_take_some,
     .run = reload,
     .prepare = leave_records,
     .configuration = before_reload,
     .next_configuration = after_reload,
     .next_options = more_lanes,
     .is_long = true},
    {.name = "sidecar_roll",
     .set_up = wait_for_other,
     .run = start,
     .companion = live_on,
     .configuration = one_file,
     .sidecar_options = more_lanes,
     .is_long = true},
    kDrainRolled,
    {.name = "sidecar_restart_between_segments",
     .set_up = nothing,
     .run = restart,
     .configuration = one_file,
     .sidecar_options = more_lanes,
     .is_long = true,
     .first = &kDrainRolled,
     .left = shm::JournalState::kSealed},
    {.name = "sidecar_batch_and_other_sizes",
     .set_up = start_and_take_some,
     .run = [](const Stage& stage) { take(stage, 3); },
     .prepare = leave_records,
     .configuration = rotating_held,
     .next_configuration = rotating_held,
     .next_options = more_lanes,
     .is_long = true},
    {.name = "sidecar_hands_over",
     .set_up = start_and_be_asked,
     .run = hand_over,
     .prepare = leave_several,
     .companion = take_over_and_hand_over,
     .configuration = several_files,
     .is_long = true},
    {.name = "sidecar_takes_over",
     .set_up = wait_for_other,
     .run = take_over,
     .prepare = leave_several,
     .companion = serve_until_asked,
     .configuration = several_files,
     .is_long = true},
};

}  // namespace

std::span<const Operation> sidecar_event_operations() {
  return kOperations;
}

}  // namespace logbus::kill_points
