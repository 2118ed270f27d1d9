// SPDX-License-Identifier: Apache-2.0
/*
 * Gives up what the process does not need after the BPF programs are loaded (capture rule 13). In: the capabilities to keep.
 * Out: the number of threads that could not be reached.
 */
#pragma once

#include <cstdint>

/**
 * No core dumps, not dumpable, and on every thread: no_new_privs, and no capability outside `keep` (a mask of capability
 * numbers), in the bounding set neither. Capabilities are per thread in Linux, and Node has several threads by now, so each
 * runs a signal handler that drops its own. Throws std::system_error when the calling thread itself fails.
 */
int hardenProcess(uint64_t keep);
