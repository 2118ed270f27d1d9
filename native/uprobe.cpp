// SPDX-License-Identifier: Apache-2.0
#include "uprobe.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

namespace {

// include/uapi/linux/bpf.h of 6.6; Debian 12's header and libbpf 1.1 are older.
constexpr uint32_t ATTACH_TYPE_UPROBE_MULTI = 48;
constexpr uint32_t UPROBE_MULTI_RETURN = 1;

/** The link_create part of union bpf_attr with its uprobe_multi member. */
struct LinkCreate {
  uint32_t program_fd;
  uint32_t target_fd;
  uint32_t attach_type;
  uint32_t flags;
  uint64_t path;
  uint64_t offsets;
  uint64_t reference_counter_offsets;
  uint64_t cookies;
  uint32_t count;
  uint32_t multi_flags;
  uint32_t pid;
  uint32_t padding;
};

bool findUprobeMulti() {
  btf* types = btf__load_vmlinux_btf();
  if (!types) return false;
  bool is_found = false;
  const int id = btf__find_by_name_kind(types, "bpf_attach_type", BTF_KIND_ENUM);
  if (id > 0) {
    const btf_type* type = btf__type_by_id(types, id);
    const struct btf_enum* members = btf_enum(type);
    for (int i = 0; i < btf_vlen(type); i++) {
      const char* name = btf__name_by_offset(types, members[i].name_off);
      if (name && std::strcmp(name, "BPF_TRACE_UPROBE_MULTI") == 0 &&
          static_cast<uint32_t>(members[i].val) == ATTACH_TYPE_UPROBE_MULTI)
        is_found = true;
    }
  }
  btf__free(types);
  return is_found;
}

int createMultiLink(const bpf_program* program, const std::string& path, uint64_t offset, uint64_t cookie, bool is_return) {
  LinkCreate attributes{};
  attributes.program_fd = static_cast<uint32_t>(bpf_program__fd(program));
  attributes.attach_type = ATTACH_TYPE_UPROBE_MULTI;
  attributes.path = reinterpret_cast<uintptr_t>(path.c_str());
  attributes.offsets = reinterpret_cast<uintptr_t>(&offset);
  attributes.cookies = reinterpret_cast<uintptr_t>(&cookie);
  attributes.count = 1;
  attributes.multi_flags = is_return ? UPROBE_MULTI_RETURN : 0;
  return static_cast<int>(::syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes)));
}

}  // namespace

bool hasUprobeMulti() {
  static const bool is_there = findUprobeMulti();
  return is_there;
}

void prepareUprobe(bpf_program* program) {
  if (hasUprobeMulti()) bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(ATTACH_TYPE_UPROBE_MULTI));
}

Uprobe::Uprobe(const bpf_program* program, const std::string& path, uint64_t offset, uint64_t cookie, bool is_return) {
  if (hasUprobeMulti()) {
    fd_ = createMultiLink(program, path, offset, cookie, is_return);
  } else {
    LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = cookie, .retprobe = is_return);
    link_ = bpf_program__attach_uprobe_opts(program, -1, path.c_str(), offset, &options);
  }
  if (fd_ < 0 && !link_) throw std::system_error(errno, std::generic_category(), std::string("attach ") + bpf_program__name(program));
}

Uprobe::~Uprobe() {
  if (link_) bpf_link__destroy(link_);
  if (fd_ >= 0) ::close(fd_);
}

void removeUprobes(Uprobes probes) {
  constexpr size_t MAX_THREADS = 64;
  const size_t count = std::min(probes.size(), MAX_THREADS);
  std::vector<std::thread> threads;
  for (size_t first = 0; first < count; first++) {
    threads.emplace_back([&probes, first, count] {
      for (size_t i = first; i < probes.size(); i += count) probes[i].reset();
    });
  }
  for (std::thread& thread : threads) thread.join();
}
