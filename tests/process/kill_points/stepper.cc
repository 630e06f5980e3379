// SPDX-License-Identifier: MIT
// Single steps and breakpoints, on x86-64.
#include "stepper.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

namespace logbus::kill_points {
namespace {

constexpr std::uintptr_t kTrapBytes = 1;  // of int3
/// Steps from an anchor cost as much as a meeting of its breakpoint; farther back than this nobody looks.
constexpr std::size_t kFarthest = 400;
/// No operation is longer, if it steps at all.
constexpr std::size_t kLongest = 2'000'000;

std::uintptr_t address_of(void (*mark)() noexcept) {
  return reinterpret_cast<std::uintptr_t>(mark);
}

std::runtime_error failure(const std::string& what) {
  return std::runtime_error(what + ": errno " + std::to_string(errno));
}

}  // namespace

// Whole functions in assembler: the tracer knows them by the address of their first instruction.
asm(R"(
  .pushsection .text
  .type kill_points_pause, @function
kill_points_pause:
  int3
  ret
  .type kill_points_start, @function
kill_points_start:
  int3
  ret
  .type kill_points_end, @function
kill_points_end:
  int3
  ret
  .popsection
)");
extern "C" void kill_points_pause() noexcept;
extern "C" void kill_points_start() noexcept;
extern "C" void kill_points_end() noexcept;
void pause_mark() noexcept {
  kill_points_pause();
}
void start_mark() noexcept {
  kill_points_start();
}
void end_mark() noexcept {
  kill_points_end();
}

void Trace::finish() {
  std::unordered_map<std::uintptr_t, std::uint32_t> count;
  earlier_.reserve(pcs_.size());
  for (const std::uintptr_t pc : pcs_) earlier_.push_back(count[pc]++);
  all_.reserve(pcs_.size());
  for (const std::uintptr_t pc : pcs_) all_.push_back(count[pc]);
}

std::size_t Trace::anchor(std::size_t i) const {
  std::size_t best = i + 1;
  std::size_t cost = i;
  for (std::size_t j = i; j + kFarthest > i; --j) {
    if (const std::size_t through = 2 * std::size_t{earlier_[j]} + 3 + (i - j); through < cost) {
      cost = through;
      best = j;
    }
    if (j == 0 || i - j > cost) break;
  }
  return best;
}

std::vector<std::size_t> Trace::places(std::uint32_t most) const {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < pcs_.size(); ++i)
    if (earlier_[i] < most || earlier_[i] < 2 || earlier_[i] + 1 == all_[i]) all.push_back(i);
  all.push_back(pcs_.size());
  return all;
}

Stepper::Stepper(const Hooks& hooks) : hooks_(hooks) {
  pid_ = ::fork();
  if (pid_ < 0) throw failure("fork");
  if (pid_ == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    try {
      hooks_.body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "kill_points: tracee: %s\n", error.what());
      ::_exit(3);
    }
    ::_exit(0);
  }
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_ || !WIFSTOPPED(status)) throw failure("no tracee");
  if (::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK) != 0)
    throw failure("PTRACE_SETOPTIONS");
}

Stepper::~Stepper() {
  kill();
  if (parent_ == 0) return;
  ::kill(parent_, SIGKILL);
  ::waitpid(parent_, nullptr, 0);
}

std::uintptr_t Stepper::pc() const {
  if (pc_ == 0)
    pc_ = static_cast<std::uintptr_t>(
        ::ptrace(PTRACE_PEEKUSER, pid_, offsetof(user, regs) + offsetof(user_regs_struct, rip), nullptr));
  return pc_;
}

/// All code is the same in both processes.
bool Stepper::at_system_call() const {
  constexpr unsigned char kSyscall[] = {0x0F, 0x05};
  return std::memcmp(reinterpret_cast<const void*>(pc()), kSyscall, sizeof kSyscall) == 0;
}

bool Stepper::at_write() const {
  user_regs_struct registers = {};
  ::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers);
  return registers.rax == SYS_write && registers.rdi > STDERR_FILENO && registers.rdx > 1;
}

bool Stepper::write_half() {
  if (dead_ || at_end_ || !at_system_call() || !at_write()) return false;
  user_regs_struct registers = {};
  ::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers);
  registers.rdx /= 2;
  ::ptrace(PTRACE_SETREGS, pid_, nullptr, &registers);
  return step();
}

std::size_t Stepper::count_calls() {
  std::size_t count = 0;
  while (resume(PTRACE_SYSCALL)) ++count;
  return count;
}

bool Stepper::run_to_call(std::size_t n) {
  for (std::size_t i = 0; i <= n; ++i)
    if (!resume(PTRACE_SYSCALL)) return false;
  user_regs_struct registers = {};
  ::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers);
  const bool enters = static_cast<long>(registers.rax) == -ENOSYS;
  if (!enters || registers.orig_rax != SYS_write || registers.rdi <= STDERR_FILENO || registers.rdx < 2)
    return false;
  registers.rdx /= 2;
  ::ptrace(PTRACE_SETREGS, pid_, nullptr, &registers);
  return resume(PTRACE_SYSCALL);
}

void Stepper::set_pc(std::uintptr_t address) const {
  ::ptrace(PTRACE_POKEUSER, pid_, offsetof(user, regs) + offsetof(user_regs_struct, rip), address);
  pc_ = address;
}

/// Runs on, past forks and signals, to the next trap. Its pause marks are seen to.
bool Stepper::resume(int how) {
  if (dead_ || at_end_) return false;
  long signal = std::exchange(signal_, 0);
  for (;;) {
    pc_ = 0;
    if (::ptrace(static_cast<__ptrace_request>(how), pid_, nullptr, signal) != 0) throw failure("ptrace");
    signal = 0;
    int status = 0;
    pid_t stopped;
    do stopped = ::waitpid(pid_, &status, __WALL);
    while (stopped < 0 && errno == EINTR);
    if (stopped != pid_) throw failure("waitpid");
    if (!WIFSTOPPED(status)) {
      dead_ = true;
      if (WIFSIGNALED(status))
        throw std::runtime_error("it ends by signal " + std::to_string(WTERMSIG(status)));
      return false;
    }
    if (status >> 16 == PTRACE_EVENT_FORK) {
      unsigned long child = 0;
      ::ptrace(PTRACE_GETEVENTMSG, pid_, nullptr, &child);
      ::waitpid(static_cast<pid_t>(child), &status, __WALL);  // its first stop
      if (hooks_.follow_child && parent_ == 0) {
        ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
        parent_ = pid_;
        pid_ = static_cast<pid_t>(child);
        return true;
      }
      let_child_go(static_cast<pid_t>(child));
      continue;
    }
    if (WSTOPSIG(status) != SIGTRAP) {
      signal = WSTOPSIG(status);
      continue;
    }
    const std::uintptr_t at = pc();
    if (at == address_of(kill_points_pause) + kTrapBytes) {
      hooks_.paused(pauses_++);
      continue;
    }
    if (at == address_of(kill_points_end) + kTrapBytes) at_end_ = true;
    return !at_end_;
  }
}

/// Without our breakpoint, which it has inherited.
void Stepper::let_child_go(pid_t child) {
  if (breakpoint_ != 0) ::ptrace(PTRACE_POKETEXT, child, breakpoint_, original_);
  ::ptrace(PTRACE_DETACH, child, nullptr, nullptr);
  if (hooks_.forked) hooks_.forked(child);
}

bool Stepper::run_to_start() {
  while (resume(PTRACE_CONT))
    if (parent_ != 0 || pc() == address_of(kill_points_start) + kTrapBytes) return true;
  return false;
}

bool Stepper::step() {
  if (!resume(PTRACE_SINGLESTEP)) return false;
  if (pc() == address_of(kill_points_end)) at_end_ = true;
  return !at_end_;
}

void Stepper::record(Trace& trace, const std::function<bool()>& changed) {
  for (bool alive = true; alive;) {
    if (trace.size() == kLongest) throw std::runtime_error("the operation does not end");
    trace.add(pc());
    const bool calls = changed && at_system_call();
    if (calls && at_write()) trace.add_write();
    alive = step();
    if (changed && (changed() || calls)) trace.add_change();
  }
  trace.finish();
}

/// To the instruction at `address` when it has been met `earlier` times.
bool Stepper::skip_to(std::uintptr_t address, std::uint32_t earlier) {
  for (std::uint32_t met = 0;;) {
    if (pc() == address) {
      if (met++ == earlier) return true;
      if (!step()) return false;
      continue;
    }
    errno = 0;
    original_ = ::ptrace(PTRACE_PEEKTEXT, pid_, address, nullptr);
    if (errno != 0) throw failure("PTRACE_PEEKTEXT");
    ::ptrace(PTRACE_POKETEXT, pid_, address, (original_ & ~0xFFL) | 0xCC);
    breakpoint_ = address;
    const bool stopped = resume(PTRACE_CONT);
    if (!dead_) ::ptrace(PTRACE_POKETEXT, pid_, address, original_);
    breakpoint_ = 0;
    if (!stopped || pc() != address + kTrapBytes) return false;
    set_pc(address);
  }
}

Stepper::Reached Stepper::run_to(const Trace& trace, std::size_t place) {
  if (place >= trace.size()) {
    while (resume(PTRACE_CONT)) {
    }
    return Reached::kEnd;
  }
  const std::size_t from = trace.anchor(place);
  std::size_t i = from > place ? 0 : from;
  bool alive = from > place || skip_to(trace.pc(from), trace.earlier(from));
  for (; alive && i < place; ++i) alive = step();
  if (!alive) return Reached::kEnd;
  return pc() == trace.pc(place) ? Reached::kThere : Reached::kElsewhere;
}

bool Stepper::let_go_with(int signal) {
  if (dead_ || at_end_) return false;
  signal_ = signal;
  while (resume(PTRACE_CONT)) {
  }
  if (!dead_) ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
  return !dead_;
}

void Stepper::kill() {
  if (pid_ == 0) return;
  if (!dead_) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    // It tells of its exit while it is still traced, and then of its death.
    while (::waitpid(pid_, &status, __WALL) == pid_ && WIFSTOPPED(status)) {
    }
  }
  dead_ = true;
}

}  // namespace logbus::kill_points
