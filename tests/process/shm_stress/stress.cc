// SPDX-License-Identifier: MIT
// Processes that are killed, and the reader that checks what they left.
#include "stress.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <thread>

#include <logbus/error.h>
#include "commit.h"

namespace logbus::stress {

using namespace detail;
using Clock = std::chrono::steady_clock;

Stage::Stage(const Settings& settings, shm::BusOptions options)
    : settings_(settings),
      directory_(std::make_unique<testing::TempDir>()),
      options_(std::move(options)),
      random_(settings.seed) {
  void* memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for the board");
  board_ = new (memory) Board;  // zero pages: every counter starts at 0
  options_.bus = "stress";
  options_.directory = directory_->path();
}

Stage::~Stage() {
  for (const Child& child : children_) {
    ::kill(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
  }
  ::munmap(board_, sizeof(Board));
}

pid_t Stage::fork_child(const Work& work) {
  const std::uint64_t seed = random_();
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  try {
    std::mt19937_64 random(seed);
    work(random);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "stress: %s\n", e.what());
    ::_exit(2);
  }
  ::_exit(0);
}

void Stage::start(const std::string& role, Work work) {
  const pid_t pid = fork_child(work);
  children_.push_back({pid, role, std::move(work)});
}

Stage::Child* Stage::any_of(const std::string& role) {
  std::vector<Child*> of_role;
  for (Child& child : children_)
    if (child.role == role) of_role.push_back(&child);
  return of_role.empty() ? nullptr : of_role[random_() % of_role.size()];
}

void Stage::stall(const std::string& role) {
  const Child* child = any_of(role);
  if (child == nullptr) return;
  ::kill(child->pid, SIGSTOP);
  ::usleep(static_cast<useconds_t>(1 << random_() % 15));
  ::kill(child->pid, SIGCONT);
  board_->stalls.add();
}

void Stage::replace(const std::string& role) {
  Child* const found = any_of(role);
  if (found == nullptr) return;
  Child& child = *found;
  ::kill(child.pid, SIGKILL);
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    std::fprintf(stderr, "stress: a %s ended by itself, status %d\n", role.c_str(), status);
    board_->failed.add();
  }
  board_->kills.add();
  child.pid = fork_child(child.work);
}

void Stage::run(std::chrono::microseconds interval, const std::vector<std::string>& roles) {
  const auto end = Clock::now() + settings_.duration;
  std::size_t turn = 0;
  while (Clock::now() < end) {
    if (settings_.until_first_error && board_->errors() != 0) return;
    const auto pause = std::chrono::microseconds(interval.count() / 2 +
                                                 static_cast<std::int64_t>(random_() % interval.count()));
    std::this_thread::sleep_for(std::min<Clock::duration>(pause, end - Clock::now()));
    if (roles.empty()) continue;
    const std::string& role = roles[turn++ % roles.size()];
    role.starts_with('~') ? stall(role.substr(1)) : replace(role);
  }
}

void Stage::finish() {
  board_->stop.store(true);
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  for (const Child& child : children_) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(child.pid, &status, WNOHANG)) == 0 && Clock::now() < deadline) ::usleep(500);
    if (ended == 0) {
      std::fprintf(stderr, "stress: a %s does not end\n", child.role.c_str());
      ::kill(child.pid, SIGKILL);
      ::waitpid(child.pid, &status, 0);
      board_->failed.add();
    } else if (status != 0) {
      std::fprintf(stderr, "stress: a %s ended with status %d\n", child.role.c_str(), status);
      board_->failed.add();
    }
  }
  children_.clear();
}

void stay_on(std::size_t processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

void copy_board(const Board& from, Board& to) {
  std::memcpy(static_cast<void*>(&to), static_cast<const void*>(&from), sizeof to);
}

namespace {

/// As in a container whose filter does not know the call. For good, and for this process alone.
void refuse_membarrier() {
  static bool refused = false;
  if (std::exchange(refused, true)) return;
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {std::size(filter), filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    throw Error(errno, "can't refuse the membarrier");
}

}  // namespace

/// Attaches as a worker; a moment without a free slot is waited out.
std::unique_ptr<shm::Attachment> attach(Stage& stage) {
  if (stage.fenced()) refuse_membarrier();
  for (;;) {
    try {
      return shm::Attachment::attach(stage.options(), "stress");
    } catch (const Error& e) {
      if (e.code() != EAGAIN) throw;
      if (stage.board().stop.load()) ::_exit(0);
      std::this_thread::yield();
    }
  }
}

bool claim(Stage& stage, shm::Attachment& to, shm::LaneOwner& lane) {
  lane = {};
  while (!stage.board().stop.load()) {
    if (lane.claim(to, 1, "stress") == shm::Claim::kOk) {
      if ((lane.writer.fenced != 0) != stage.fenced()) stage.board().failed.add();
#ifdef LOGBUS_MUTANT_NOT_FENCED
      lane.writer.fenced = 0;
#endif
      stage.board().claims.add();
      return true;
    }
    std::this_thread::yield();
  }
  return false;
}

testing::Put put_here(shm::LaneOwner& lane, std::size_t payload, int levelno, bool may_wait,
                      std::uint64_t stopped) {
  LaneWriter& writer = lane.writer;
  (void)writer.enter();
  const std::uint32_t size = LaneWriter::frame_bytes(static_cast<std::uint32_t>(payload));
  if (!writer.has_room(size, severity_of(levelno))) {
    const shm::Room room = lane.make_room(size, levelno, may_wait);
    if (room != shm::Room::kReady) {
      writer.leave();
      return room == shm::Room::kDropped ? testing::Put::kDropped : testing::Put::kRetired;
    }
  }
  const std::uint64_t position = writer.position;
  std::byte* at = writer.begin(size, frame_tag(FrameKind::kRecord, 1));
#ifdef LOGBUS_MUTANT_COMMITTED_BEFORE_DATA
  writer.line->committed.store(position + size, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
  testing::fill_pattern({at, size - sizeof(FrameHeader)}, position);
  if (commit(writer, stopped)) shm::ring(lane.attachment->segment().shared());
  lane.after_commit();
  return testing::Put::kWritten;
}

CheckedReader::CheckedReader(const shm::BusOptions& options, Board& board, bool ordered)
    : board_(board), ordered_(ordered) {
  segment_ = std::make_unique<shm::Segment>(shm::Segment::open(options, shm::Segment::Role::kSidecar));
  // The killed one's lock goes when the kernel has taken its address space apart.
  for (;;) {
    try {
      caretaker_ = std::make_unique<shm::Caretaker>(*segment_, options, "");
      break;
    } catch (const Error& e) {
      if (e.code() != EBUSY) throw;
      std::this_thread::yield();
    }
  }
  merge_ = std::make_unique<consumer::LaneMerge>(*segment_, *caretaker_);
  lane_ticks_.resize(segment_->lanes());
}

void CheckedReader::check(const shm::Frame& frame, std::uint32_t lane) {
  // A gap has the stamp of the record behind it.
  if (frame.ticks < lane_ticks_[lane]) board_.torn.add();
  lane_ticks_[lane] = frame.ticks;
  if (frame.kind() == FrameKind::kGap) {
    GapFrame gap;
    std::memcpy(&gap, frame.payload - sizeof(FrameHeader), sizeof gap);
    for (std::size_t i = 0; i < kSeverities; ++i) {
      const std::uint64_t reported = merge_->reported(lane)[i];
      if (gap.dropped[i] < reported) board_.torn.add();
      board_.told.add(gap.dropped[i] - reported);
      merge_->take_as_told(lane, i, gap.dropped[i]);
    }
    return;
  }
  copy_.assign(frame.payload, frame.payload + frame.payload_size);
  std::uint64_t position = 0;
  if (!testing::check_pattern(copy_, position))
    board_.torn.add();
  else if (position != frame.position)
    board_.misplaced.add();
  board_.given[lane].add();
  board_.records.add();
}

std::uint64_t CheckedReader::pass(bool everything) {
  merge_->pass(everything);
  shm::Frame frame;
  std::uint32_t lane = 0;
  std::uint64_t n = 0;
  while (merge_->next(frame, lane)) {
    check(frame, lane);
    if (ordered_ && frame.ticks < watermark_) board_.unordered.add();
    ++n;
  }
  if (!everything) watermark_ = std::max(watermark_, merge_->watermark());
  for (const std::uint32_t untold : merge_->lanes_with_untold_drops()) {
    const shm::ProducerLine& line = segment_->producer_line(untold);
    for (std::size_t i = 0; i < kSeverities; ++i) {
      const std::uint64_t dropped = line.dropped[i].load(std::memory_order_acquire);
      board_.told.add(dropped - merge_->reported(untold)[i]);
      merge_->take_as_told(untold, i, dropped);
    }
  }
  merge_->commit();
  board_.quarantined.add(merge_->take_quarantined().size());
  board_.passes.add();
  return n;
}

void CheckedReader::drain_to_the_end() {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  bool clean = false;
  while (!clean && Clock::now() < deadline) {
    caretaker_->sweep_all();
    pass(true);
    clean = true;
    for (std::uint32_t i = 0; i < segment_->lanes(); ++i) {
      const shm::ProducerLine& line = segment_->producer_line(i);
      const shm::ConsumerLine& reader = segment_->consumer_line(i);
      clean &= line.committed.load() == reader.read.load();
      clean &= unpack_lane(line.word.load()).state == LaneState::kFree;
      for (std::size_t s = 0; s < kSeverities; ++s)
        clean &= line.dropped[s].load() == reader.reported[s].load();
    }
  }
  if (clean) return;
  std::fprintf(stderr, "stress: lanes stay undrained or are not given back\n");
  board_.lost.add();
}

}  // namespace logbus::stress
