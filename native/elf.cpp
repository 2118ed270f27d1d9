// SPDX-License-Identifier: Apache-2.0
#include "elf.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace {

// More than any real program has (Chromium: 40 sections, 20 MB of symbols): beyond is hostile or not for us.
constexpr size_t MAX_SECTIONS = 4096;
constexpr size_t MAX_SEGMENTS = 256;
constexpr uint64_t MAX_TABLE_BYTES = 32u << 20;
constexpr uint64_t MAX_NOTE_BYTES = 64u << 10;

std::vector<char> readRange(const File& file, uint64_t offset, uint64_t size, uint64_t limit) {
  std::vector<char> bytes;
  if (size == 0 || size > limit || offset > file.size() || size > file.size() - offset) return bytes;
  bytes.resize(size);
  if (!file.read(offset, bytes.data(), size)) bytes.clear();
  return bytes;
}

template <typename T>
std::vector<T> readTable(const File& file, uint64_t offset, uint64_t count, uint64_t limit) {
  std::vector<T> table;
  if (count == 0 || count > limit) return table;
  const std::vector<char> bytes = readRange(file, offset, count * sizeof(T), limit * sizeof(T));
  if (bytes.empty()) return table;
  table.resize(count);
  std::memcpy(table.data(), bytes.data(), bytes.size());
  return table;
}

/** File offset of a virtual address inside an executable segment, or false. */
bool toFileOffset(const std::vector<Elf64_Phdr>& segments, uint64_t address, uint64_t* offset) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
    if (address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz) continue;
    *offset = address - segment.p_vaddr + segment.p_offset;
    return true;
  }
  return false;
}

void readSymbols(const File& file, const Elf64_Shdr& table, const Elf64_Shdr& strings,
                 const std::vector<Elf64_Phdr>& segments, const std::vector<std::string>& names, ElfImage* image) {
  if (table.sh_entsize != sizeof(Elf64_Sym)) return;
  const auto symbols =
      readTable<Elf64_Sym>(file, table.sh_offset, table.sh_size / sizeof(Elf64_Sym), MAX_TABLE_BYTES / sizeof(Elf64_Sym));
  const auto text = readRange(file, strings.sh_offset, strings.sh_size, MAX_TABLE_BYTES);
  if (text.empty() || text.back() != '\0') return;
  for (const Elf64_Sym& symbol : symbols) {
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF || symbol.st_name >= text.size()) continue;
    const char* name = text.data() + symbol.st_name;
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    uint64_t offset = 0;
    if (toFileOffset(segments, symbol.st_value, &offset)) image->functions.emplace(name, offset);
  }
}

std::string buildIdOf(const File& file, const std::vector<Elf64_Phdr>& segments) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_NOTE) continue;
    const auto bytes = readRange(file, segment.p_offset, segment.p_filesz, MAX_NOTE_BYTES);
    size_t at = 0;
    while (at + sizeof(Elf64_Nhdr) <= bytes.size()) {
      Elf64_Nhdr note;
      std::memcpy(&note, bytes.data() + at, sizeof(note));
      const uint64_t name = at + sizeof(note);
      const uint64_t data = name + ((uint64_t{note.n_namesz} + 3) & ~uint64_t{3});
      const uint64_t next = data + ((uint64_t{note.n_descsz} + 3) & ~uint64_t{3});
      if (data + note.n_descsz > bytes.size()) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(bytes.data() + name, "GNU", 4) == 0) {
        static const char digits[] = "0123456789abcdef";
        std::string id;
        for (uint64_t i = data; i < data + note.n_descsz; i++) {
          id += digits[(bytes[i] >> 4) & 15];
          id += digits[bytes[i] & 15];
        }
        return id;
      }
      at = next;
    }
  }
  return "";
}

}  // namespace

File::File(const std::string& path) {
  // First only its place: opening a device that somebody put there can have effects, and a FIFO would hang us.
  const int place = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (place < 0) throw std::system_error(errno, std::generic_category(), "open " + path);
  struct stat facts {};
  const bool is_file = ::fstat(place, &facts) == 0 && S_ISREG(facts.st_mode);
  if (is_file) fd_ = ::open(("/proc/self/fd/" + std::to_string(place)).c_str(), O_RDONLY | O_CLOEXEC);
  const int error = is_file ? errno : EINVAL;
  ::close(place);
  if (!is_file) throw std::system_error(error, std::generic_category(), path + " is not a regular file");
  if (fd_ < 0) throw std::system_error(error, std::generic_category(), "open " + path);
  device_ = facts.st_dev;
  inode_ = facts.st_ino;
  size_ = static_cast<uint64_t>(facts.st_size);
  changed_ns_ = static_cast<uint64_t>(facts.st_ctim.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(facts.st_ctim.tv_nsec);
}

File::~File() {
  ::close(fd_);
}

bool File::read(uint64_t offset, void* buffer, size_t size) const {
  char* to = static_cast<char*>(buffer);
  while (size > 0) {
    const ssize_t n = ::pread(fd_, to, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return true;
}

ElfImage readElf(const File& file, const std::vector<std::string>& names) {
  ElfImage image;
  Elf64_Ehdr header;
  if (!file.read(0, &header, sizeof(header)) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return image;
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) return image;
  if (header.e_phentsize != sizeof(Elf64_Phdr)) return image;
  image.is_elf = true;
  const auto segments = readTable<Elf64_Phdr>(file, header.e_phoff, header.e_phnum, MAX_SEGMENTS);
  image.build_id = buildIdOf(file, segments);
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return image;
  const auto sections = readTable<Elf64_Shdr>(file, header.e_shoff, header.e_shnum, MAX_SECTIONS);
  for (const uint32_t type : {uint32_t{SHT_DYNSYM}, uint32_t{SHT_SYMTAB}}) {
    for (const Elf64_Shdr& section : sections) {
      if (section.sh_type != type || section.sh_link >= sections.size()) continue;
      readSymbols(file, section, sections[section.sh_link], segments, names, &image);
      break;  // a file has one of each; thousands are an attempt to keep us busy
    }
    // .symtab of a big program is read only when .dynsym has nothing for us.
    if (!image.functions.empty()) break;
  }
  return image;
}
