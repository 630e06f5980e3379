// SPDX-License-Identifier: MIT
// Scenarios around shared tables: who owns a slot and a lane; which sites there are.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <thread>

#include <logbus/error.h>
#include "shm/site_table.h"
#include "stress.h"

namespace logbus::stress {

using namespace detail;

namespace {

/// Attaches, claims, writes a little, gives back or is killed; all the time its slot and lanes must stay its
/// own.
void claim_forever(Stage& stage, std::mt19937_64& random) {
  Board& board = stage.board();
  while (!board.stop.load()) {
    const auto worker = attach(stage);
    const std::uint64_t slot_word = worker->slot().word.load();
    std::array<shm::LaneOwner, 3> lanes = {};
    const auto still_ours = [&] {
      if (worker->slot().word.load() != slot_word) board.taken.add();
      for (const shm::LaneOwner& lane : lanes) {
        if (!lane.has_lane()) continue;
        const LaneWord mine = {LaneState::kOpen, worker->slot_index(), lane.tenancy};
        if (lane.writer.line->word.load() != pack(mine)) board.taken.add();
        if (lane.writer.line->committed.load() != lane.writer.position) board.taken.add();
        for (std::uint32_t step = lane.steps.begin; step < lane.steps.end; ++step)
          if (worker->segment().step_table(lane.lane)[step].load() !=
              static_cast<std::uint8_t>(StepState::kHeld))
            board.taken.add();
      }
    };
    for (int round = 0; round < 60 && !board.stop.load(); ++round) {
      shm::LaneOwner& lane = lanes[random() % lanes.size()];
      if (!lane.has_lane()) {
        if (lane.claim(*worker, 1, "") == shm::Claim::kOk) board.claims.add();
      } else if (random() % 4 == 0) {
        lane.close();
      } else {
        (void)put_here(lane, 16 + random() % 20 * 8, 20);
      }
      still_ours();
    }
    for (shm::LaneOwner& lane : lanes)
      if (lane.has_lane()) lane.close();
  }
}

}  // namespace

void claims(const Settings& settings, Board& totals) {
  shm::BusOptions options;
  options.lanes = 6;  // hardly more than workers: a dead one's slot is wanted at once
  options.lane_size = 64 << 10;
  options.sites = 64;
  options.memory = 64 << 20;
  Stage stage(settings, options);
  for (int i = 0; i < 5; ++i)
    stage.start("worker", [&](std::mt19937_64& random) { claim_forever(stage, random); });
  stage.start("reader", [&](std::mt19937_64&) {
    CheckedReader reader(stage.options(), stage.board());
    while (!stage.board().stop.load()) {
      reader.pass();
      reader.caretaker().sweep_all();
    }
  });
  stage.run(std::chrono::milliseconds(2),
            {"worker", "worker", "worker", "worker", "worker", "worker", "reader"});
  stage.finish();
  CheckedReader(stage.options(), stage.board()).drain_to_the_end();
  copy_board(stage.board(), totals);
}

namespace {

constexpr std::uint32_t kSites = 500;

std::string site_text(std::uint32_t site) {
  return "src/file_" + std::to_string(site) + ".cc:" + std::string(site % 90, '.');
}

std::uint64_t site_hash(std::uint32_t site) {
  // Many share an index, some the whole hash: contents alone tell them apart.
  return site % 5 == 0 ? 0x1234567800000100
                       : (std::uint64_t{site} * 0x9E3779B97F4A7C15 & ~std::uint64_t{0xFF}) | site % 7;
}

std::uint32_t intern(const shm::SiteTable& table, std::uint32_t site) {
  const std::string text = site_text(site);
  return table.intern({reinterpret_cast<const std::byte*>(text.data()), text.size()}, site_hash(site));
}

}  // namespace

void sites(const Settings& settings, Board& totals) {
  shm::BusOptions options;
  options.lanes = 16;
  options.lane_size = 64 << 10;
  options.sites = 2048;
  options.memory = 1 << 20;
  Settings round = settings;
  round.duration = std::chrono::milliseconds(60);
  const std::uint64_t end = now_us() + static_cast<std::uint64_t>(settings.duration.count()) * 1000;
  // A table fills only once: many short rounds, each on a new bus.
  do {
    Stage stage(round, options);
    Board& board = stage.board();
    { (void)shm::Segment::open(stage.options(), shm::Segment::Role::kWorker); }
    for (int i = 0; i < 6; ++i) {
      stage.start("worker", [&](std::mt19937_64& random) {
        const shm::Segment segment = shm::Segment::open(stage.options(), shm::Segment::Role::kWorker);
        const shm::SiteTable table(segment);
        std::vector<std::uint32_t> all(kSites);
        std::iota(all.begin(), all.end(), 0U);
        std::shuffle(all.begin(), all.end(), random);
        for (const std::uint32_t site : all) {
          const std::uint32_t id = intern(table, site);
          std::uint64_t none = 0;
          if (id == 0 || (!board.ids[site].compare_exchange_strong(none, id) && none != id))
            board.taken.add();
          board.claims.add();
        }
        while (!board.stop.load()) ::usleep(1000);
      });
    }
    stage.run(std::chrono::milliseconds(2), {"worker"});
    stage.finish();
    const shm::Segment segment = shm::Segment::open(stage.options(), shm::Segment::Role::kSidecar);
    const shm::SiteTable table(segment);
    std::uint32_t entries = 0;
    for (std::uint32_t id = 0; id < segment.preamble().sites; ++id) {
      if (segment.site_table()[id].load() == 0) continue;
      ++entries;
      if (!table.read(id)) board.torn.add();
    }
    if (entries != kSites) {
      if (!settings.until_first_error) std::fprintf(stderr, "sites: %u entries\n", entries);
      board.lost.add();
    }
    for (std::uint32_t site = 0; site < kSites; ++site) {
      const auto content = table.read(static_cast<std::uint32_t>(board.ids[site].load()));
      const std::string text = site_text(site);
      if (!content || content->size() != text.size() ||
          std::memcmp(content->data(), text.data(), text.size()) != 0)
        board.torn.add();
    }
    board.kills.add(totals.kills);
    board.claims.add(totals.claims);
    copy_board(board, totals);
    round.seed = round.seed * 6364136223846793005 + 1;
  } while (now_us() < end && totals.errors() == 0);
}

}  // namespace logbus::stress
