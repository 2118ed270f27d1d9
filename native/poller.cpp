// SPDX-License-Identifier: Apache-2.0
#include "poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>

#include "../bpf/capture.h"

namespace {

// The kernel side wakes us only when much is waiting; below that this is the delivery delay.
constexpr int POLL_MS = 20;
// A batch is handed over when it has reached this; one sample more may be in it.
constexpr size_t BATCH_BYTES = 1u << 20;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Poller::Poller(int ring_fd, size_t ring_size, Mappings* mappings) : ring_(ring_fd, ring_size), mappings_(mappings) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_ < 0 || wake_ < 0) fail("epoll_create1");
  std::vector<int> fds = mappings_->fds();
  fds.push_back(ring_fd);
  fds.push_back(wake_);
  for (const int fd : fds) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }
}

Poller::~Poller() {
  if (thread_.joinable()) thread_.join();
  if (wake_ >= 0) ::close(wake_);
  if (epoll_ >= 0) ::close(epoll_);
}

void Poller::start(Napi::Env env, const Napi::Function& onBatch) {
  deliver_ = Napi::ThreadSafeFunction::New(env, onBatch, "oisp-sensor poller", 1, 1, [this](Napi::Env finalizeEnv) {
    thread_.join();
    // Moved out first: it destroys this object, and with it the function it is called through.
    const auto onStopped = std::move(on_stopped_);
    if (onStopped) onStopped(finalizeEnv);
  });
  thread_ = std::thread([this] { run(); });
}

void Poller::onStopped(std::function<void(Napi::Env)> callback) {
  on_stopped_ = std::move(callback);
}

void Poller::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_stopping_ = true;
  }
  const uint64_t one = 1;
  if (::write(wake_, &one, sizeof(one)) < 0) return;  // a full counter wakes as well
}

void Poller::run() {
  bool is_last = false;
  while (!is_last) {
    epoll_event events[8];
    ::epoll_wait(epoll_, events, 8, POLL_MS);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_last = is_stopping_;
    }
    try {
      collect();
    } catch (const std::exception&) {
      // No memory for a window of the ring or for the batch: what stays in the ring and then finds no room is counted there.
    }
  }
  deliver_.Release();
}

void Poller::collect() {
  mappings_->drain([this](const void* record, size_t size) {
    append(record, size);
    align();
  });
  const auto sink = [this](const uint8_t* first, size_t first_size, const uint8_t* second, size_t second_size) {
    return onSample(first, first_size, second, second_size);
  };
  while (ring_.drain(sink)) deliver();
  deliver();
}

/* A sample is as long as its size class; what counts is what its header says. */
bool Poller::onSample(const uint8_t* first, size_t first_size, const uint8_t* second, size_t second_size) {
  record_header header;
  if (first_size + second_size < sizeof(header)) return true;
  const size_t in_first = std::min(first_size, sizeof(header));
  std::memcpy(&header, first, in_first);
  if (in_first < sizeof(header)) std::memcpy(reinterpret_cast<uint8_t*>(&header) + in_first, second, sizeof(header) - in_first);
  if (header.size < sizeof(header) || header.size > first_size + second_size) return true;
  const size_t from_first = std::min<size_t>(first_size, header.size);
  append(first, from_first);
  append(second, header.size - from_first);
  align();
  return batch_->size() < BATCH_BYTES;
}

void Poller::append(const void* bytes, size_t size) {
  if (size == 0) return;
  if (!batch_) batch_ = std::make_unique<Batch>();
  const auto* from = static_cast<const uint8_t*>(bytes);
  batch_->insert(batch_->end(), from, from + size);
}

/* Records are 8-byte aligned in a batch. */
void Poller::align() {
  batch_->resize((batch_->size() + 7) & ~size_t{7});
}

void Poller::deliver() {
  if (!batch_) return;
  Batch* batch = batch_.release();
  const auto status = deliver_.BlockingCall(batch, [this](Napi::Env env, Napi::Function onBatch, Batch* given) {
    {
      Napi::HandleScope scope(env);
      try {
        auto buffer = Napi::Buffer<uint8_t>::New(env, given->data(), given->size(),
                                                 [given](Napi::Env, uint8_t*) { delete given; });
        onBatch.Call({buffer});
      } catch (const Napi::Error& error) {
        error.ThrowAsJavaScriptException();
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    is_taken_ = true;
    taken_.notify_one();
  });
  if (status != napi_ok) {  // the environment is going away
    delete batch;
    return;
  }
  std::unique_lock<std::mutex> lock(mutex_);
  taken_.wait(lock, [this] { return is_taken_; });
  is_taken_ = false;
}
