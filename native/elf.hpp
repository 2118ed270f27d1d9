// SPDX-License-Identifier: Apache-2.0
/*
 * ELF symbol -> file offset. In: a path. Out: identity of the opened file, its build-id and the file offsets of the wanted
 * functions. Refuses to know which functions those are. The file may be hostile: every read is bounded and checked, and
 * nothing is mapped, because a file cut short under a mapping would kill this process with SIGBUS.
 */
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/** One opened regular file; closes itself. */
class File {
 public:
  /** Throws std::system_error. Anything but a regular file (a FIFO, a device) is refused with EINVAL and never blocks. */
  explicit File(const std::string& path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }
  uint64_t device() const { return device_; }
  uint64_t inode() const { return inode_; }
  uint64_t size() const { return size_; }
  /** st_ctim, ns: moves whenever the file is written. */
  uint64_t changedNs() const { return changed_ns_; }

  /** Reads exactly `size` bytes; false when the file is too short. */
  bool read(uint64_t offset, void* buffer, size_t size) const;

 private:
  int fd_ = -1;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
  uint64_t size_ = 0;
  uint64_t changed_ns_ = 0;
};

struct ElfImage {
  bool is_elf = false;
  /** Lower-case hex; empty when there is none. */
  std::string build_id;
  /** Name -> file offset of the function's first instruction. */
  std::map<std::string, uint64_t> functions;
};

/** Never throws on the file's contents: what cannot be read is as if it were not there. 64-bit little-endian only. */
ElfImage readElf(const File& file, const std::vector<std::string>& names);
