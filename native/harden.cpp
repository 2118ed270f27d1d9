// SPDX-License-Identifier: Apache-2.0
#include "harden.hpp"

#include <dirent.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <system_error>

namespace {

constexpr int MAX_CAPABILITY = 63;
constexpr int DEADLINE_MS = 1000;

// Written before the first signal is sent, read by the handlers.
std::atomic<uint64_t> kept{0};
std::atomic<int> done{0};

/** Async-signal-safe: system calls only. */
bool dropOnThisThread() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  // While CAP_SETPCAP is still there; a bit the kernel does not know gives EINVAL.
  for (int bit = 0; bit <= MAX_CAPABILITY; bit++)
    if (!(kept.load() >> bit & 1)) ::prctl(PR_CAPBSET_DROP, bit, 0, 0, 0);
  for (int word = 0; word < 2; word++) {
    const auto mask = static_cast<uint32_t>(kept.load() >> (32 * word));
    data[word].permitted &= mask;
    data[word].effective &= mask;
    data[word].inheritable = 0;
  }
  if (::syscall(SYS_capset, &header, data) != 0) return false;
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

void onSignal(int) {
  const int saved = errno;
  if (dropOnThisThread()) done.fetch_add(1);
  errno = saved;
}

/** Node's signal-watching thread blocks everything; it waits for a debugger and does nothing else. */
bool blocks(pid_t thread, int signal) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("SigBlk:", 0) == 0) return std::strtoull(line.c_str() + 7, nullptr, 16) >> (signal - 1) & 1;
  return false;
}

std::set<pid_t> otherThreads() {
  std::set<pid_t> out;
  DIR* folder = ::opendir("/proc/self/task");
  if (!folder) return out;
  while (const dirent* entry = ::readdir(folder)) {
    const auto id = static_cast<pid_t>(std::atoi(entry->d_name));
    if (id > 0 && id != static_cast<pid_t>(::syscall(SYS_gettid))) out.insert(id);
  }
  ::closedir(folder);
  return out;
}

}  // namespace

int hardenProcess(uint64_t keep) {
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    throw std::system_error(errno, std::generic_category(), "forbid core dumps");
  kept = keep;
  done = 0;
  if (!dropOnThisThread()) throw std::system_error(errno, std::generic_category(), "drop capabilities");

  const int signal = SIGRTMAX - 2;
  struct sigaction action {}, previous {};
  action.sa_handler = onSignal;
  action.sa_flags = SA_RESTART;
  if (::sigaction(signal, &action, &previous) != 0) throw std::system_error(errno, std::generic_category(), "sigaction");
  int sent = 0;
  int blocking = 0;
  for (const pid_t thread : otherThreads()) {
    if (blocks(thread, signal)) blocking++;
    else if (::syscall(SYS_tgkill, ::getpid(), thread, signal) == 0) sent++;
  }
  const timespec millisecond{0, 1'000'000};
  for (int i = 0; i < DEADLINE_MS && done.load() < sent; i++) ::nanosleep(&millisecond, nullptr);
  const int late = sent - done.load();
  // A late thread would run the previous action, which is to die: leave ours in place then.
  if (late == 0) ::sigaction(signal, &previous, nullptr);
  return late + blocking;
}
