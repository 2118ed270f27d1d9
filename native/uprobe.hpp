// SPDX-License-Identifier: Apache-2.0
/*
 * One uprobe or uretprobe of one program at one file offset. In: program, path, offset. Out: a link that ends with the object.
 * A uprobe_multi link where the kernel has it (6.6, 89ae89f53d20): it needs no CAP_SYS_ADMIN, and it goes away fast. A perf
 * based one elsewhere: removing each waits for grace periods under one global mutex (perf_uprobe_destroy, event_mutex).
 */
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct bpf_link;
struct bpf_program;

/** Read from the kernel's BTF; the same for the life of the process. */
bool hasUprobeMulti();

/** To be called between open and load: a program is made for one kind of link. */
void prepareUprobe(bpf_program* program);

class Uprobe {
 public:
  /** Throws std::system_error. `path` is resolved now; later renames do not matter. */
  Uprobe(const bpf_program* program, const std::string& path, uint64_t offset, uint64_t cookie, bool is_return);
  ~Uprobe();
  Uprobe(const Uprobe&) = delete;
  Uprobe& operator=(const Uprobe&) = delete;

 private:
  bpf_link* link_ = nullptr;
  int fd_ = -1;
};

using Uprobes = std::vector<std::unique_ptr<Uprobe>>;

/** Removes all of them side by side, so that they wait for the kernel's grace periods together. */
void removeUprobes(Uprobes probes);
