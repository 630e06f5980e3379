// SPDX-License-Identifier: MIT
// Scenarios around time: the order of records, the reader's sleep, writers that wait for room.
#include <unistd.h>

#include <cstdio>
#include <thread>

#include <logbus/error.h>
#include "commit.h"
#include "stress.h"

namespace logbus::stress {

using namespace detail;
using namespace std::chrono_literals;
using testing::Put;

void order(const Settings& settings, Board& totals) {
  shm::BusOptions options;
  options.lanes = 4;
  options.lane_size = 4 << 20;
  options.sites = 64;
  options.memory = 64 << 20;
  options.max_hold = 1h;  // nothing is late because somebody was not scheduled
  Stage stage(settings, options);
  Board& board = stage.board();
  for (int i = 0; i < 2; ++i) {
    stage.start("writer", [&](std::mt19937_64& random) {
      stay_on(0);
      const auto worker = attach(stage);
      shm::LaneOwner lane;
      if (!claim(stage, *worker, lane)) return;
      const Word64& read = worker->segment().consumer_line(lane.lane).read;
      while (!board.stop.load(std::memory_order_relaxed)) {
        for (std::uint64_t n = random() % 16; n > 0; --n)
          (void)put_here(lane, 16, 20, false, random() % 16 == 0 ? random() % 400 : 0);
        spin(random() % 64);
        // Never near half a lane: from there on the merge gives up order for room.
        while (lane.writer.position - read.load(std::memory_order_relaxed) > options.lane_size / 64 &&
               !board.stop.load(std::memory_order_relaxed))
          spin(16);
      }
      lane.close();
    });
  }
  stage.start("reader", [&](std::mt19937_64&) {
    stay_on(1);
    CheckedReader reader(stage.options(), board, true);
    while (!board.stop.load(std::memory_order_relaxed)) {
      reader.pass();
      reader.caretaker().look_after();
    }
    reader.drain_to_the_end();
  });
  stage.run(20ms, {});
  stage.finish();
  copy_board(board, totals);
}

void order_fenced(const Settings& settings, Board& totals) {
  Settings fenced = settings;
  fenced.fenced = true;
  order(fenced, totals);
}

void doorbell(const Settings& settings, Board& totals) {
  // Longer than any scheduling delay, so that waking up by timeout with work at hand is a wake that was lost.
  constexpr auto kSleep = 1s;
  shm::BusOptions options;
  options.lanes = 4;
  options.lane_size = 64 << 10;
  options.sites = 64;
  options.memory = 64 << 20;
  options.max_hold = 1h;
  Stage stage(settings, options);
  Board& board = stage.board();
  for (int i = 0; i < 1; ++i) {
    stage.start("writer", [&](std::mt19937_64& random) {
      stay_on(0);
      const auto worker = attach(stage);
      shm::LaneOwner lane;
      if (!claim(stage, *worker, lane)) return;
      const Word64& read = worker->segment().consumer_line(lane.lane).read;
      while (!board.stop.load()) {
        // Stores that wait for their cache lines keep `committed` invisible while `attention` has been read
        // already.
        (void)put_here(lane, 16 + random() % 100 * 8, 20, false, random() % 4 == 0 ? random() % 100 : 0);
        const std::uint64_t written = now_us();
        for (int n = 0; read.load(std::memory_order_acquire) != lane.writer.position && !board.stop.load();
             ++n)
          if (n < 2000)
            spin(1);
          else
            std::this_thread::yield();
        const std::uint64_t took = now_us() - written;
        if (took > board.worst_us) board.worst_us.store(took);
        // About as long as the reader needs to fall asleep: the moment that matters.
        spin(random() % (random() % 2 == 0 ? 8 : 64));
      }
      lane.close();
    });
  }
  stage.start("reader", [&](std::mt19937_64& random) {
    stay_on(1);
    CheckedReader reader(stage.options(), board);
    while (!board.stop.load()) {
      spin(random() % 64);  // so that the next record comes before, while and after it goes to sleep
      reader.merge().doorbell().announce_sleep();
      if (reader.pass() != 0 || !reader.merge().empty() || board.stop.load()) {
        reader.merge().doorbell().stay_awake();
        continue;
      }
      spin(random() % 64);
      const std::uint64_t before = now_us();
      reader.merge().doorbell().sleep(kSleep);
      board.sleeps.add();
      if (now_us() - before >= 900'000 && reader.merge().anything_new()) board.lost.add();
    }
  });
  stage.run(20ms, {});
  stage.finish();
  copy_board(board, totals);
}

void doorbell_fenced(const Settings& settings, Board& totals) {
  Settings fenced = settings;
  fenced.fenced = true;
  doorbell(fenced, totals);
}

void block(const Settings& settings, Board& totals) {
  shm::BusOptions options;
  options.lanes = 4;
  options.lane_size = 64 << 10;
  options.sites = 64;
  options.memory = 64 << 20;
  options.max_hold = 1ms;
  options.overflow = Policy::kBlock;
  // A writer whose wake was lost waits this long and drops: this program's writers do not look by themselves.
  options.block_timeout = 1s;
  Stage stage(settings, options);
  Board& board = stage.board();
  for (int i = 0; i < 2; ++i) {
    stage.start("writer", [&](std::mt19937_64& random) {
      const auto worker = attach(stage);
      shm::LaneOwner lane;
      if (!claim(stage, *worker, lane)) return;
      while (board.passes == 0 && !board.stop.load())
        std::this_thread::yield();  // without a reader nobody waits
      while (!board.stop.load()) {
        const std::size_t size = random() % 2 == 0 ? 4000 + random() % 1000 * 8 : 16 + random() % 30 * 8;
        const std::uint64_t before = now_us();
        bool dropped = put_here(lane, size, 20, true) == Put::kDropped;
        const std::uint64_t took = now_us() - before;
        if (took > 20) board.blocks.add();
        if (took > board.worst_us) board.worst_us.store(took);
        if (dropped || took > 900'000) board.lost.add();
      }
      lane.close();
    });
  }
  stage.start("reader", [&](std::mt19937_64& random) {
    CheckedReader reader(stage.options(), board);
    while (!board.stop.load()) {
      reader.pass();
      reader.caretaker().look_after();
      // Little by little: a writer is woken more than once before it has room.
      spin(random() % 100);
    }
    reader.drain_to_the_end();
  });
  stage.run(20ms, {});
  stage.finish();
  copy_board(board, totals);
}

}  // namespace logbus::stress
