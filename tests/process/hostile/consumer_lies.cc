// SPDX-License-Identifier: MIT
// Lies in the sidecar's own pages. A worker maps them read-only, but whoever may write to the bus may open
// its file.
#include <sys/mman.h>

#include <algorithm>

#include <logbus/error.h>
#include "liar.h"

namespace logbus::byzantine {

void lie_of_consumer(Liar& liar) {
  const Preamble& p = liar.segment().preamble();
  const std::uint64_t begin = p.consumer_lines.offset;
  const std::uint64_t size = p.journal.offset + p.journal.size - begin;
  const base::UniqueFd file = liar.segment().reopen();
  if (!file) return;
  void* const at =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), static_cast<off_t>(begin));
  if (at == MAP_FAILED) return;
  auto* const base = static_cast<std::byte*>(at);
  auto& journal = *reinterpret_cast<shm::JournalHeader*>(base + (p.journal.offset - begin));
  // How many there are of everything, while the sidecar counts them.
  std::uint32_t* const counts_of[] = {&journal.ops, &journal.lanes, &journal.slots, &journal.tables[0].count,
                                      &journal.tables[1].count};
  for (int i = 0; i < 100'000; ++i)
    reinterpret_cast<Word32*>(counts_of[liar.below(std::size(counts_of))])
        ->store(static_cast<std::uint32_t>(liar.odd_number()), kRelaxed);
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t journal_words = (p.journal.offset - begin) / 8;
    const std::uint64_t word = liar.coin() ? liar.below(size / 8) : journal_words + liar.below(16);
    reinterpret_cast<Word64*>(base)[word].store(liar.odd_number(), kRelaxed);
    ++counts->lies;
    if (i % 500 == 0) liar.pause(500);
  }
  ::munmap(at, size);
}

}  // namespace logbus::byzantine
