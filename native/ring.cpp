// SPDX-License-Identifier: Apache-2.0
#include "ring.hpp"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

namespace {

// More than the largest record, so that a sample crosses at most one border.
constexpr size_t WINDOW_BYTES = 2u << 20;

size_t pageSize() {
  static const size_t size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

void* map(int fd, size_t size, int protection, size_t offset) {
  void* mapped = ::mmap(nullptr, size, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "map the ring buffer");
  return mapped;
}

}  // namespace

// Pages of the map: consumer position, producer position, data.
Ring::Ring(int map_fd, size_t size) : fd_(map_fd), size_(size), window_size_(std::min(size, WINDOW_BYTES)) {
  consumer_ = static_cast<uint64_t*>(map(fd_, pageSize(), PROT_READ | PROT_WRITE, 0));
  producer_ = static_cast<const uint64_t*>(map(fd_, pageSize(), PROT_READ, pageSize()));
}

Ring::~Ring() {
  if (consumer_) ::munmap(consumer_, pageSize());
  if (producer_) ::munmap(const_cast<uint64_t*>(producer_), pageSize());
  if (window_) ::munmap(const_cast<uint8_t*>(window_), window_size_);
}

const uint8_t* Ring::window(uint64_t position, size_t* available) {
  const size_t offset = position & (size_ - 1);
  const size_t index = offset / window_size_;
  if (index != window_index_) {
    if (window_) ::munmap(const_cast<uint8_t*>(window_), window_size_);
    window_ = nullptr;
    window_index_ = SIZE_MAX;
    window_ = static_cast<const uint8_t*>(map(fd_, window_size_, PROT_READ, 2 * pageSize() + index * window_size_));
    window_index_ = index;
  }
  const size_t inside = offset - index * window_size_;
  *available = window_size_ - inside;
  return window_ + inside;
}

bool Ring::drain(const Sink& sink) {
  uint64_t position = __atomic_load_n(consumer_, __ATOMIC_ACQUIRE);
  while (position < __atomic_load_n(producer_, __ATOMIC_ACQUIRE)) {
    size_t available = 0;
    // Headers are 8-byte aligned, so none is cut by a border.
    const auto* header = reinterpret_cast<const uint32_t*>(window(position, &available));
    const uint32_t word = __atomic_load_n(header, __ATOMIC_ACQUIRE);
    if (word & BPF_RINGBUF_BUSY_BIT) return false;  // being written; its submit wakes us or the next poll comes
    const size_t size = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    bool goes_on = true;
    if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
      const uint8_t* first = window(position + BPF_RINGBUF_HDR_SZ, &available);
      const size_t first_size = std::min(size, available);
      if (first_size == size) {
        goes_on = sink(first, size, nullptr, 0);
      } else {
        // The window moves under the first part: keep it.
        const std::vector<uint8_t> kept(first, first + first_size);
        const uint8_t* second = window(position + BPF_RINGBUF_HDR_SZ + first_size, &available);
        goes_on = sink(kept.data(), first_size, second, size - first_size);
      }
    }
    position += (size + BPF_RINGBUF_HDR_SZ + 7) & ~size_t{7};
    __atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
    if (!goes_on) return true;
  }
  return false;
}
