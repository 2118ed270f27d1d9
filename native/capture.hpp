// SPDX-License-Identifier: Apache-2.0
/*
 * One object = BPF skeleton + links + poller. Knows libbpf and Node-API, no protocol and no TLS library: which function gets
 * which program is the caller's business. JavaScript thread only.
 */
#pragma once

#include <napi.h>

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "mappings.hpp"
#include "poller.hpp"
#include "uprobe.hpp"

struct capture_bpf;

class Capture : public Napi::ObjectWrap<Capture> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Capture(const Napi::CallbackInfo& info);
  ~Capture() override;

 private:
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value attach(const Napi::CallbackInfo& info);
  Napi::Value detach(const Napi::CallbackInfo& info);
  Napi::Value ignoreMapping(const Napi::CallbackInfo& info);
  Napi::Value heedMappings(const Napi::CallbackInfo& info);
  Napi::Value processes(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Napi::Value readStats(Napi::Env env);
  void identifySelf();
  void attachFunction(const std::string& program, const std::string& path, uint64_t offset, uint64_t cookie, Uprobes* probes);
  /** All probes of all cookies; they are the caller's to remove. */
  Uprobes takeUprobes();
  void release();

  uint32_t ring_bytes_ = 0;
  uint64_t wakeup_bytes_ = 0;
  capture_bpf* skeleton_ = nullptr;
  std::unique_ptr<Mappings> mappings_;
  std::unique_ptr<Poller> poller_;
  std::map<uint64_t, Uprobes> uprobes_;  // by cookie
  std::thread closer_;                   // removes the probes while JavaScript goes on
};
