// SPDX-License-Identifier: Apache-2.0
#include "poller.hpp"

#include <bpf/libbpf.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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

Poller::Poller(int ring_fd, Mappings* mappings) : mappings_(mappings) {
  ring_ = ring_buffer__new(ring_fd, onSample, this, nullptr);
  if (!ring_) fail("ring_buffer__new");
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_ < 0 || wake_ < 0) fail("epoll_create1");
  std::vector<int> fds = mappings_->fds();
  fds.push_back(ring_buffer__epoll_fd(ring_));
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
  if (ring_) ring_buffer__free(ring_);
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
    collect();
  }
  deliver_.Release();
}

void Poller::collect() {
  mappings_->drain([this](const void* record, size_t size) { append(record, size); });
  // Negative: the batch was full and onSample stopped the consumer, so there may be more.
  while (ring_buffer__consume(ring_) < 0) deliver();
  deliver();
}

int Poller::onSample(void* self, void* data, size_t size) {
  auto* poller = static_cast<Poller*>(self);
  record_header header;
  if (size < sizeof(header)) return 0;
  std::memcpy(&header, data, sizeof(header));
  if (header.size < sizeof(header) || header.size > size) return 0;
  poller->append(data, header.size);
  return poller->batch_->size() >= BATCH_BYTES ? -1 : 0;
}

void Poller::append(const void* record, size_t size) {
  if (!batch_) batch_ = std::make_unique<Batch>();
  const auto* bytes = static_cast<const uint8_t*>(record);
  batch_->insert(batch_->end(), bytes, bytes + size);
  batch_->resize((batch_->size() + 7) & ~size_t{7});  // records are 8-byte aligned
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
