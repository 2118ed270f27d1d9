// SPDX-License-Identifier: Apache-2.0
#include "capture.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>

#include "../bpf/.output/capture.skel.h"
#include "../bpf/capture.h"
#include "elf.hpp"

namespace {

/** `error.errno` carries the negative errno, as Node's own system errors do. */
Napi::Error systemError(Napi::Env env, int error, const std::string& what) {
  Napi::Error out = Napi::Error::New(env, what);
  out.Set("errno", Napi::Number::New(env, -error));
  return out;
}

std::string describe(const std::string& what, int error) {
  return what + ": " + std::strerror(error);
}

uint64_t toUint64(const Napi::Value& value) {
  bool is_lossless = false;
  return value.As<Napi::BigInt>().Uint64Value(&is_lossless);
}

}  // namespace

Napi::Function Capture::define(Napi::Env env) {
  return DefineClass(env, "Capture",
                     {
                         InstanceMethod<&Capture::load>("load"),
                         InstanceMethod<&Capture::start>("start"),
                         InstanceMethod<&Capture::attach>("attach"),
                         InstanceMethod<&Capture::detach>("detach"),
                         InstanceMethod<&Capture::ignoreMapping>("ignoreMapping"),
                         InstanceMethod<&Capture::heedMappings>("heedMappings"),
                         InstanceMethod<&Capture::processes>("processes"),
                         InstanceMethod<&Capture::stats>("stats"),
                         InstanceMethod<&Capture::close>("close"),
                     });
}

Capture::Capture(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const auto options = info[0].As<Napi::Object>();
  ring_bytes_ = options.Get("ringBytes").As<Napi::Number>().Uint32Value();
  wakeup_bytes_ = options.Get("wakeupBytes").As<Napi::Number>().Uint32Value();
}

Capture::~Capture() {
  release();
}

void Capture::release() {
  if (closer_.joinable()) closer_.join();
  poller_.reset();
  removeUprobes(takeUprobes());
  mappings_.reset();
  if (skeleton_) capture_bpf__destroy(skeleton_);
  skeleton_ = nullptr;
}

Uprobes Capture::takeUprobes() {
  Uprobes out;
  for (auto& entry : uprobes_) std::move(entry.second.begin(), entry.second.end(), std::back_inserter(out));
  uprobes_.clear();
  return out;
}

Napi::Value Capture::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (skeleton_) throw Napi::Error::New(env, "load() was called before");
  // libbpf's own lines go to stderr unasked; the errno and our sentence say what matters.
  libbpf_set_print(nullptr);
  skeleton_ = capture_bpf__open();
  if (!skeleton_) throw systemError(env, errno, describe("open BPF object", errno));
  skeleton_->rodata->wakeup_bytes = wakeup_bytes_;
  bpf_program* program;
  bpf_object__for_each_program(program, skeleton_->obj) {
    if (bpf_program__type(program) == BPF_PROG_TYPE_KPROBE) prepareUprobe(program);
  }
  bpf_map__set_max_entries(skeleton_->maps.records, ring_bytes_);
  int error = capture_bpf__load(skeleton_);
  if (error) {
    release();
    throw systemError(env, -error, describe("load BPF programs", -error));
  }
  try {
    identifySelf();
    error = capture_bpf__attach(skeleton_);  // the tp_btf programs; uprobes have no target yet
    if (error) throw systemError(env, -error, describe("attach process tracepoints", -error));
    mappings_ = std::make_unique<Mappings>();
    mappings_->open();
  } catch (const std::system_error& failure) {
    release();
    throw systemError(env, failure.code().value(), failure.what());
  } catch (const Napi::Error&) {
    release();
    throw;
  }
  return env.Undefined();
}

void Capture::identifySelf() {
  LIBBPF_OPTS(bpf_test_run_opts, options);
  const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.identify_self), &options);
  if (error || skeleton_->bss->self_pid == 0)
    throw systemError(Env(), error ? -error : ENOSYS, describe("identify the sensor's own process", error ? -error : ENOSYS));
}

Napi::Value Capture::start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!skeleton_ || poller_) throw Napi::Error::New(env, "start() needs load() and is called once");
  try {
    poller_ = std::make_unique<Poller>(bpf_map__fd(skeleton_->maps.records), ring_bytes_, mappings_.get());
    poller_->start(env, info[0].As<Napi::Function>());
  } catch (const std::system_error& failure) {
    throw systemError(env, failure.code().value(), failure.what());
  }
  return env.Undefined();
}

void Capture::attachFunction(const std::string& program, const std::string& path, uint64_t offset, uint64_t cookie,
                             Uprobes* probes) {
  // Return first: between the two, a return without an entry is ignored, an entry without a return would linger.
  for (const bool is_return : {true, false}) {
    const std::string name = program + (is_return ? "_exit" : "_enter");
    const bpf_program* found = bpf_object__find_program_by_name(skeleton_->obj, name.c_str());
    if (found) probes->push_back(std::make_unique<Uprobe>(found, path, offset, cookie, is_return));
  }
}

/*
 * attach({path, device, inode, cookie, functions: [{program, offset}]}): all functions or none. The file is opened once more
 * and attached through that descriptor, so what was inspected is what gets the probes, or the call fails with ESTALE.
 */
Napi::Value Capture::attach(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!skeleton_) throw Napi::Error::New(env, "attach() needs load()");
  const auto options = info[0].As<Napi::Object>();
  const uint64_t cookie = toUint64(options.Get("cookie"));
  const auto functions = options.Get("functions").As<Napi::Array>();
  Uprobes probes;
  try {
    const File file(options.Get("path").As<Napi::String>());
    if (file.device() != toUint64(options.Get("device")) || file.inode() != toUint64(options.Get("inode")))
      throw std::system_error(ESTALE, std::generic_category(), "the file was replaced");
    const std::string path = "/proc/self/fd/" + std::to_string(file.fd());
    for (uint32_t i = 0; i < functions.Length(); i++) {
      const auto wanted = functions.Get(i).As<Napi::Object>();
      const auto offset = static_cast<uint64_t>(wanted.Get("offset").As<Napi::Number>().Int64Value());
      char byte;
      // A probe on a page that is not in the page cache warns in ext4 (6.18); reading it brings it in.
      if (!file.read(offset, &byte, 1)) throw std::system_error(ENOEXEC, std::generic_category(), "offset beyond the file");
      attachFunction(wanted.Get("program").As<Napi::String>(), path, offset, cookie, &probes);
    }
  } catch (const std::system_error& failure) {
    removeUprobes(std::move(probes));
    throw systemError(env, failure.code().value(), failure.what());
  }
  const size_t count = probes.size();
  std::move(probes.begin(), probes.end(), std::back_inserter(uprobes_[cookie]));
  return Napi::Number::New(env, static_cast<double>(count));
}

Napi::Value Capture::detach(const Napi::CallbackInfo& info) {
  const auto found = uprobes_.find(toUint64(info[0]));
  if (found == uprobes_.end()) return info.Env().Undefined();
  removeUprobes(std::move(found->second));
  uprobes_.erase(found);
  return info.Env().Undefined();
}

Napi::Value Capture::ignoreMapping(const Napi::CallbackInfo& info) {
  if (mappings_)
    mappings_->ignore(info[0].As<Napi::Number>().Uint32Value(), info[1].As<Napi::Number>().Uint32Value(), toUint64(info[2]),
                      toUint64(info[3]));
  return info.Env().Undefined();
}

/* heedMappings(): announces every file once more when it is mapped next. */
Napi::Value Capture::heedMappings(const Napi::CallbackInfo& info) {
  if (mappings_) mappings_->heedAll();
  return info.Env().Undefined();
}

/*
 * processes(): [[pid, start in ns since boot as BigInt, pid in our own pid namespace or 0]] of every process that our namespace
 * shows; the first number is that of the initial one.
 */
Napi::Value Capture::processes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!skeleton_) throw Napi::Error::New(env, "processes() needs load()");
  const int iterator = bpf_iter_create(bpf_link__fd(skeleton_->links.process_list));
  if (iterator < 0) throw systemError(env, -iterator, describe("bpf_iter_create", -iterator));
  auto out = Napi::Array::New(env);
  process_start buffer[512];
  ssize_t bytes = 0;
  // The kernel hands over whole elements: seq_file never splits one bpf_seq_write.
  while ((bytes = ::read(iterator, buffer, sizeof(buffer))) > 0) {
    for (size_t i = 0; i < static_cast<size_t>(bytes) / sizeof(process_start); i++) {
      auto facts = Napi::Array::New(env, 3);
      facts.Set(0u, Napi::Number::New(env, buffer[i].pid));
      facts.Set(1u, Napi::BigInt::New(env, static_cast<uint64_t>(buffer[i].start_boottime_ns)));
      facts.Set(2u, Napi::Number::New(env, buffer[i].own_pid));
      out.Set(out.Length(), facts);
    }
  }
  const int error = bytes < 0 ? errno : 0;
  ::close(iterator);
  if (error) throw systemError(env, error, describe("read the process iterator", error));
  return out;
}

Napi::Value Capture::stats(const Napi::CallbackInfo& info) {
  if (!skeleton_) throw Napi::Error::New(info.Env(), "stats() needs load()");
  return readStats(info.Env());
}

Napi::Value Capture::readStats(Napi::Env env) {
  struct stats counters {};
  const uint32_t zero = 0;
  const int error = bpf_map__lookup_elem(skeleton_->maps.stats, &zero, sizeof(zero), &counters, sizeof(counters), 0);
  if (error) throw systemError(env, -error, describe("read counters", -error));
  auto out = Napi::Object::New(env);
  const auto number = [env](uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); };
  out.Set("transfers", number(counters.transfers));
  out.Set("bytes", number(counters.bytes));
  out.Set("calls", number(counters.calls));
  out.Set("duplicateCalls", number(counters.duplicate_calls));
  out.Set("orphanReturns", number(counters.orphan_returns));
  auto losses = Napi::Array::New(env, LOSS_REASON_COUNT);
  for (uint32_t i = 0; i < LOSS_REASON_COUNT; i++) {
    auto loss = Napi::Object::New(env);
    loss.Set("records", number(counters.losses[i].records));
    loss.Set("bytes", number(counters.losses[i].bytes));
    losses.Set(i, loss);
  }
  out.Set("losses", losses);
  return out;
}

/* Probes go first, then the rest of the ring is delivered, then everything is freed and the promise settles with
 * the last counters (undefined when nothing was started). */
Napi::Value Capture::close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
  if (closer_.joinable()) throw Napi::Error::New(env, "close() is called once");
  if (!poller_) {
    release();
    deferred->Resolve(env.Undefined());
    return deferred->Promise();
  }
  Ref();  // the object must outlive its threads
  poller_->onStopped([this, deferred](Napi::Env stoppedEnv) {
    Napi::HandleScope scope(stoppedEnv);
    const Napi::Value last = readStats(stoppedEnv);
    release();
    deferred->Resolve(last);
    Unref();
  });
  closer_ = std::thread([poller = poller_.get(), probes = takeUprobes()]() mutable {
    removeUprobes(std::move(probes));
    poller->stop();
  });
  return deferred->Promise();
}
