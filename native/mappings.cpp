// SPDX-License-Identifier: Apache-2.0
#include "mappings.hpp"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include "../bpf/capture.h"

namespace {

constexpr size_t DATA_PAGES = 64;
// Beyond this many known files the set starts anew: user space then looks at each of them once more.
constexpr size_t MAX_IGNORED = 65536;

size_t pageSize() {
  static const size_t size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

size_t ringBytes() {
  return (1 + DATA_PAGES) * pageSize();
}

/** PERF_RECORD_MMAP2 up to the file name; behind the name stands the sample id (pid, tid, time). */
struct Mmap2Event {
  perf_event_header header;
  uint32_t pid, tid;
  uint64_t address, length, page_offset;
  uint32_t major, minor;
  uint64_t inode, inode_generation;
  uint32_t protection, flags;
};

struct SampleId {
  uint32_t pid, tid;
  uint64_t time;
};

}  // namespace

void Mappings::open() {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_SW_DUMMY;
  attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
  attributes.sample_id_all = 1;
  attributes.mmap = 1;
  attributes.mmap2 = 1;
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_BOOTTIME;
  attributes.wakeup_events = 1;
  const long cpus = ::sysconf(_SC_NPROCESSORS_CONF);
  for (int cpu = 0; cpu < cpus; cpu++) {
    const int fd = static_cast<int>(::syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC));
    if (fd < 0 && errno == ENODEV) continue;  // the CPU is offline
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "perf_event_open of mmap events");
    void* base = ::mmap(nullptr, ringBytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) {
      const int error = errno;
      ::close(fd);
      throw std::system_error(error, std::generic_category(), "mmap of a perf ring");
    }
    rings_.push_back({fd, static_cast<uint8_t*>(base)});
  }
}

Mappings::~Mappings() {
  for (const Ring& ring : rings_) {
    ::munmap(ring.base, ringBytes());
    ::close(ring.fd);
  }
}

std::vector<int> Mappings::fds() const {
  std::vector<int> out;
  for (const Ring& ring : rings_) out.push_back(ring.fd);
  return out;
}

void Mappings::ignore(uint32_t major, uint32_t minor, uint64_t inode, uint64_t generation) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ignored_.size() >= MAX_IGNORED) ignored_.clear();
  ignored_.insert({major, minor, inode, generation});
}

void Mappings::heedAll() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ignored_.clear();
}

void Mappings::drain(const Sink& sink) {
  for (const Ring& ring : rings_) drainRing(ring, sink);
}

void Mappings::drainRing(const Ring& ring, const Sink& sink) {
  auto* page = reinterpret_cast<perf_event_mmap_page*>(ring.base);
  const uint8_t* data = ring.base + pageSize();
  const uint64_t size = DATA_PAGES * pageSize();
  uint64_t tail = page->data_tail;
  const uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
  std::vector<uint8_t> event;
  while (tail < head) {
    perf_event_header header;
    for (size_t i = 0; i < sizeof(header); i++) reinterpret_cast<uint8_t*>(&header)[i] = data[(tail + i) % size];
    if (header.size < sizeof(header) || header.size > head - tail) break;
    event.resize(header.size);
    for (size_t i = 0; i < header.size; i++) event[i] = data[(tail + i) % size];
    handle(event, sink);
    tail += header.size;
  }
  __atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
}

void Mappings::handle(const std::vector<uint8_t>& event, const Sink& sink) {
  Mmap2Event facts{};
  std::memcpy(&facts.header, event.data(), sizeof(facts.header));
  mapping_record record{};
  record.header.kind = RECORD_MAPPING;
  if (facts.header.type == PERF_RECORD_LOST) {
    record.header.size = sizeof(record);
    sink(&record, sizeof(record));
    return;
  }
  if (facts.header.type != PERF_RECORD_MMAP2 || event.size() < sizeof(facts) + sizeof(SampleId)) return;
  std::memcpy(&facts, event.data(), sizeof(facts));
  if (facts.inode == 0) return;  // [vdso], anonymous memory
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ignored_.count({facts.major, facts.minor, facts.inode, facts.inode_generation})) return;
  }
  SampleId id;
  std::memcpy(&id, event.data() + event.size() - sizeof(id), sizeof(id));
  const char* path = reinterpret_cast<const char*>(event.data()) + sizeof(facts);
  const size_t path_length = ::strnlen(path, event.size() - sizeof(facts) - sizeof(id));
  record.header.size = static_cast<uint32_t>(sizeof(record) + path_length);
  record.header.time_ns = id.time;
  record.header.pid = facts.pid;
  record.header.tid = facts.tid;
  record.address = facts.address;
  record.length = facts.length;
  record.page_offset = facts.page_offset;
  record.inode = facts.inode;
  record.inode_generation = facts.inode_generation;
  record.device_major = facts.major;
  record.device_minor = facts.minor;
  record.path_length = static_cast<uint32_t>(path_length);
  std::vector<uint8_t> bytes(record.header.size);
  std::memcpy(bytes.data(), &record, sizeof(record));
  std::memcpy(bytes.data() + sizeof(record), path, path_length);
  sink(bytes.data(), bytes.size());
}
