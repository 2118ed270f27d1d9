// SPDX-License-Identifier: Apache-2.0
/*
 * New executable mappings of every process, announced by the kernel as perf mmap2 events of a dummy counter (capture rule
 * 9). In: one perf ring per CPU. Out: struct mapping_record of bpf/capture.h. Mappings of files that user space has dealt
 * with already are filtered here, so that a busy host costs nothing. Used by the poll thread; `ignore` and `heedAll`
 * by any thread.
 */
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <tuple>
#include <vector>

class Mappings {
 public:
  using Sink = std::function<void(const void* record, size_t size)>;

  Mappings() = default;
  ~Mappings();
  Mappings(const Mappings&) = delete;
  Mappings& operator=(const Mappings&) = delete;

  /** Throws std::system_error (perf_event_open refused). */
  void open();
  std::vector<int> fds() const;

  /** Passes on every new mapping; one record with inode 0 when the kernel lost some: scan /proc then. */
  void drain(const Sink& sink);

  void ignore(uint32_t major, uint32_t minor, uint64_t inode, uint64_t generation);
  void heedAll();

 private:
  struct Ring {
    int fd;
    uint8_t* base;
  };
  using Key = std::tuple<uint32_t, uint32_t, uint64_t, uint64_t>;

  void drainRing(const Ring& ring, const Sink& sink);
  void handle(const std::vector<uint8_t>& event, const Sink& sink);

  std::vector<Ring> rings_;
  std::mutex mutex_;
  std::set<Key> ignored_;
};
