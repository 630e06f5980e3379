// SPDX-License-Identifier: MIT
#include "sidecar_stage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>

#include <logbus/logger.h>

#include "one_thread.h"

namespace logbus::kill_points {
namespace {

void put(const Stage& stage, const std::string& name, const std::string& text) {
  std::ofstream(path_of(stage, name)) << text;
}

}  // namespace

void leave_records(const Stage& stage) {
  stage.in_process([&stage] {
    stage.configure();
    for (int i = 0; i < 4; ++i) stage.log(kRelative, text_of(40 + static_cast<std::size_t>(i)));
    for (int i = 0; i < 2; ++i) get_logger("quiet").info("for no file {}", i);
    for (int i = 0; i < 2; ++i) get_logger("pair").info("for both {}", i);
  });
  stage.in_process([&stage] {
    stage.configure();
    for (int i = 0; i < 3; ++i) stage.log(kWitness, text_of(50), i % 2 == 0 ? "other" : "kill");
  });
}

void leave_several(const Stage& stage) {
  leave_records(stage);
  put(stage, "watched.log", "before\n");
}

void leave_pages(const Stage& stage) {
  stage.in_process([&stage] {
    stage.configure();
    for (int i = 0; i < 9; ++i) stage.log(kRelative, text_of(600), i % 3 == 1 ? "other" : "kill");
  });
}

void leave_old_file(const Stage& stage) {
  leave_records(stage);
  using namespace std::chrono;
  put(stage, "timed.log", "before\n");
  for (const char* day : {"2026-01-01", "2026-01-02", "2026-01-03"})
    put(stage, std::string("timed.log.") + day, day);
  const sys_seconds noon = sys_days(2026y / January / 5) + hours(12);
  const timespec then = {noon.time_since_epoch().count(), 0};
  const timespec both[2] = {then, then};
  if (::utimensat(AT_FDCWD, path_of(stage, "timed.log").c_str(), both, 0) != 0)
    throw std::runtime_error("utimensat");
}

void leave_drops(const Stage& stage) {
  const std::string text = text_of(1000);
  const pid_t worker = stage.start([&] {
    stage.configure();
    for (int i = 0; i < 12; ++i) stage.log(kRelative, text);
    for (stage.board->ready = 1; stage.board->go == 0;) ::usleep(50);
    for (int i = 0; i < 12; ++i) stage.log(kRelative, text);
  });
  while (stage.board->ready == 0) ::usleep(50);
  stage.in_process([&] {
    OneThread first(one_file(stage), stage.options);
    first.open();
    first.drain();
    first.close();
  });
  stage.board->go = 1;
  stage.finish(worker);
  // All lanes but one are dead threads'.
  stage.in_process([&] {
    stage.configure();
    for (int i = 0; i < 3; ++i) stage.log(kWitness, text_of(20));
  });
}
void little_memory(shm::BusOptions& options) {
  options.lanes = 2;
  options.memory = 16 << 10;
}

void leave_overwritten(const Stage& stage) {
  stage.in_process([&stage] {
    stage.configure();
    for (int i = 0; i < 20; ++i) stage.log(kRelative, text_of(12'000));
  });
}
void ring(shm::BusOptions& options) {
  options.overflow = detail::Policy::kOverwrite;
  options.lane_size = 128 << 10;
}

void leave_large_records(const Stage& stage) {
  stage.in_process([&stage] {
    stage.configure();
    for (int i = 0; i < 2; ++i) stage.log(kRelative, text_of(60'000));
  });
}
void larger_lanes(shm::BusOptions& options) {
  options.lane_size = 256 << 10;
}

void leave_long_lane(const Stage& stage) {
  stage.in_process([&stage] {
    stage.configure();
    for (int i = 0; i < 12; ++i) stage.log(kRelative, text_of(7'000));
  });
}
void hold_long_lane(const Stage& stage) {
  stage.configure();
  for (int i = 0; i < 12; ++i) stage.log(kVictim, text_of(7'000));
  for (stage.board->ready = 1; stage.board->stop == 0;) ::usleep(100);
}
void little_left(shm::BusOptions& options) {
  options.lane_size = 128 << 10;
  options.memory = 160 << 10;
}
void live_on(const Stage& stage) {
  stage.configure();
  for (int i = 0; i < 3; ++i) stage.log(kVictim, text_of(30));
  for (stage.board->ready = 1; stage.board->stop == 0;) ::usleep(100);
  for (int i = 0; i < 3; ++i) stage.log(kVictim, text_of(30));
}
void large_lanes(shm::BusOptions& options) {
  options.lane_size = 128 << 10;
}

}  // namespace logbus::kill_points
