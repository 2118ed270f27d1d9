// SPDX-License-Identifier: Apache-2.0
/*
 * The poll thread: waits for the ring buffer and the mapping events, packs records into one batch and hands it to JavaScript.
 * One batch is in flight: the thread waits until JavaScript took it, so the ring buffer stays the only buffer and its loss
 * counter tells the whole truth.
 */
#pragma once

#include <napi.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "mappings.hpp"
#include "ring.hpp"

class Poller {
 public:
  /** The map of `ring_fd` (of `ring_size` bytes) and `mappings` must outlive the poller. Throws std::system_error. */
  Poller(int ring_fd, size_t ring_size, Mappings* mappings);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /** JavaScript thread. `onBatch` gets one Buffer that belongs to it. */
  void start(Napi::Env env, const Napi::Function& onBatch);

  /** JavaScript thread, before stop(): runs on the JavaScript thread when the poll thread has ended. May destroy this. */
  void onStopped(std::function<void(Napi::Env)> callback);

  /**
   * Any thread. Asks the poll thread to deliver what is left and to end. It must not be joined on the JavaScript thread: it may
   * be waiting for that very thread to take a batch.
   */
  void stop();

 private:
  // Owned by the poll thread until delivered, then by the Buffer that wraps it.
  using Batch = std::vector<uint8_t>;

  void run();
  void collect();
  void append(const void* bytes, size_t size);
  void align();
  void deliver();
  bool onSample(const uint8_t* first, size_t first_size, const uint8_t* second, size_t second_size);

  Ring ring_;
  Mappings* mappings_;
  int epoll_ = -1;
  int wake_ = -1;
  std::thread thread_;
  Napi::ThreadSafeFunction deliver_;
  std::unique_ptr<Batch> batch_;
  std::mutex mutex_;
  std::condition_variable taken_;
  bool is_taken_ = false;     // guarded by mutex_
  bool is_stopping_ = false;  // guarded by mutex_
  std::function<void(Napi::Env)> on_stopped_;
};
