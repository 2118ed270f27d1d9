// SPDX-License-Identifier: Apache-2.0
/*
 * Reader of a BPF ring buffer (kernel/bpf/ringbuf.c, 457f44363a88). In: the map's fd. Out: its samples, in order. libbpf's own
 * reader maps the whole data area twice, and all of it counts as this process's resident memory (64 MiB for a ring of 32); this
 * one maps a window of it at a time, and needs no second mapping because its user copies the samples anyway.
 * One thread at a time.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

class Ring {
 public:
  /** `first` and `second`: the sample, in two parts when it wraps or crosses a window. False stops after this sample. */
  using Sink = std::function<bool(const uint8_t* first, size_t first_size, const uint8_t* second, size_t second_size)>;

  /** `size`: bytes of the data area, a power of two. Throws std::system_error. */
  Ring(int map_fd, size_t size);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /** Hands over what is ready. True when the sink stopped it, so that there may be more. */
  bool drain(const Sink& sink);

 private:
  const uint8_t* window(uint64_t position, size_t* available);

  int fd_;
  size_t size_;
  size_t window_size_;
  uint64_t* consumer_ = nullptr;        // position, written by us
  const uint64_t* producer_ = nullptr;  // position, written by the kernel
  const uint8_t* window_ = nullptr;
  size_t window_index_ = SIZE_MAX;
};
