// SPDX-License-Identifier: MIT
// Runs a process instruction by instruction, and kills it before any one of them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace logbus::kill_points {

/// In the tracee. Each stops it until its tracer lets it go on: between two phases of its set-up; where the
/// instructions begin that are looked at; behind the last of them.
void pause_mark() noexcept;
void start_mark() noexcept;
void end_mark() noexcept;

/// The instructions between the two marks, as one run of them went: the address of each in its order. All
/// processes are forked from the same one, so that their addresses are the same.
class Trace {
 public:
  void add(std::uintptr_t pc) { pcs_.push_back(pc); }
  /// The instruction added last has changed what outlives the process, or is a system call.
  void add_change() { changes_.push_back(pcs_.size()); }
  /// It is a write(2) to a file.
  void add_write() { writes_.push_back(pcs_.size() - 1); }
  /// After the last add().
  void finish();

  std::size_t size() const { return pcs_.size(); }
  std::uintptr_t pc(std::size_t i) const { return pcs_[i]; }
  /// How often the instruction at place i has been executed before it.
  std::uint32_t earlier(std::size_t i) const { return earlier_[i]; }

  /// The cheapest way to place i: run to place `from`, by a breakpoint that is met earlier(from) times
  /// before, and single steps from there on. from == i + 1 says that stepping all the way is cheapest.
  std::size_t anchor(std::size_t i) const;

  /// All places but those of long loops: of each address the first two, the last and those in between that
  /// are among its first `most`. Place size() is behind the last instruction.
  std::vector<std::size_t> places(std::uint32_t most) const;
  /// If they were looked for, the places behind all that makes a difference: who is killed anywhere else
  /// leaves what he had left before.
  const std::vector<std::size_t>& changes() const { return changes_; }
  /// And those of writes to files, which may have been half done.
  const std::vector<std::size_t>& writes() const { return writes_; }

 private:
  std::vector<std::uintptr_t> pcs_;
  std::vector<std::uint32_t> earlier_;
  std::vector<std::uint32_t> all_;  // executions of it in the whole run
  std::vector<std::size_t> changes_;
  std::vector<std::size_t> writes_;
};

/// One traced child, from its fork to its death.
class Stepper {
 public:
  struct Hooks {
    std::function<void()> body;                         // the tracee: its set-up, the marks, the operation
    std::function<void(int pause)> paused;              // it stands at its nth pause_mark()
    std::function<void(pid_t child)> forked = nullptr;  // it has forked: the child goes on untraced
    bool follow_child = false;  // the process to look at is the first child that it forks: from the fork on
  };
  explicit Stepper(const Hooks& hooks);
  /// Kills what is left of it.
  ~Stepper();
  Stepper(const Stepper&) = delete;
  Stepper& operator=(const Stepper&) = delete;

  pid_t pid() const { return pid_; }
  /// To the start mark, or to the fork. False: it has ended before.
  bool run_to_start();
  /// Steps to the end mark, or to its end. `changed`, if given, is asked after each step.
  void record(Trace& trace, const std::function<bool()>& changed = nullptr);
  enum class Reached {
    kThere,      // where it was sent to
    kElsewhere,  // at another instruction: this run went another way
    kEnd         // behind the last instruction
  };
  Reached run_to(const Trace& trace, std::size_t place);
  /// It stands before a write(2): the first half of it is done. False: it stands elsewhere.
  bool write_half();
  /// How often it enters or leaves the kernel by a system call, up to its end.
  std::size_t count_calls();
  /// To the nth of these. Before a write(2): into the middle of it, and true.
  bool run_to_call(std::size_t n);
  /// A signal comes here; it runs on, to the end mark and beyond, until kill(). False: it has ended before.
  bool let_go_with(int signal);
  void kill();

 private:
  bool resume(int how);  // false: it is dead or behind the end
  bool step();
  bool skip_to(std::uintptr_t address, std::uint32_t earlier);
  std::uintptr_t pc() const;
  bool at_system_call() const;
  bool at_write() const;
  void set_pc(std::uintptr_t address) const;
  void let_child_go(pid_t child);

  Hooks hooks_;
  pid_t pid_ = 0;
  pid_t parent_ = 0;  // of the followed child
  int pauses_ = 0;
  mutable std::uintptr_t pc_ = 0;  // where it stands; 0: not asked yet
  bool at_end_ = false;
  bool dead_ = false;
  int signal_ = 0;  // comes when it goes on
  std::uintptr_t breakpoint_ = 0;
  long original_ = 0;
};

}  // namespace logbus::kill_points
