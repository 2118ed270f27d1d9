// SPDX-License-Identifier: Apache-2.0
/*
 * Module entry: everything JavaScript can see, on one screen.
 */
#include <napi.h>

#include <cstdint>
#include <ctime>
#include <system_error>

#include "capture.hpp"
#include "elf.hpp"
#include "harden.hpp"
#include "uprobe.hpp"

namespace {

/** inspectElf(path, names): {device, inode, isElf, buildId, functions: {name: file offset}}. Throws when it cannot be opened. */
Napi::Value inspectElf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto wanted = info[1].As<Napi::Array>();
  std::vector<std::string> names;
  for (uint32_t i = 0; i < wanted.Length(); i++) names.push_back(wanted.Get(i).As<Napi::String>());
  try {
    const File file(info[0].As<Napi::String>());
    const ElfImage image = readElf(file, names);
    auto functions = Napi::Object::New(env);
    for (const auto& [name, offset] : image.functions) functions.Set(name, Napi::Number::New(env, static_cast<double>(offset)));
    auto out = Napi::Object::New(env);
    out.Set("device", Napi::BigInt::New(env, file.device()));
    out.Set("inode", Napi::BigInt::New(env, file.inode()));
    out.Set("changedNs", Napi::BigInt::New(env, file.changedNs()));
    out.Set("isElf", Napi::Boolean::New(env, image.is_elf));
    out.Set("buildId", Napi::String::New(env, image.build_id));
    out.Set("functions", functions);
    return out;
  } catch (const std::system_error& failure) {
    Napi::Error error = Napi::Error::New(env, failure.what());
    error.Set("errno", Napi::Number::New(env, -failure.code().value()));
    throw error;
  }
}

int64_t nanoseconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/** boottime(): CLOCK_BOOTTIME in ns, the clock of all records. */
Napi::Value boottime(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), nanoseconds(CLOCK_BOOTTIME));
}

/** clockOffset(): CLOCK_REALTIME minus CLOCK_BOOTTIME in ns, the best of several readings. */
Napi::Value clockOffset(const Napi::CallbackInfo& info) {
  int64_t best = 0;
  int64_t narrowest = INT64_MAX;
  for (int i = 0; i < 16; i++) {
    const int64_t before = nanoseconds(CLOCK_BOOTTIME);
    const int64_t unix_time = nanoseconds(CLOCK_REALTIME);
    const int64_t after = nanoseconds(CLOCK_BOOTTIME);
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    best = unix_time - (before + after) / 2;
  }
  return Napi::BigInt::New(info.Env(), best);
}

/** hardenProcess(capability numbers to keep): threads that were not reached. See harden.hpp. */
Napi::Value harden(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto kept = info[0].As<Napi::Array>();
  uint64_t mask = 0;
  for (uint32_t i = 0; i < kept.Length(); i++) mask |= uint64_t{1} << kept.Get(i).As<Napi::Number>().Uint32Value();
  try {
    return Napi::Number::New(env, hardenProcess(mask));
  } catch (const std::system_error& failure) {
    throw Napi::Error::New(env, failure.what());
  }
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Capture", Capture::define(env));
  exports.Set("inspectElf", Napi::Function::New<inspectElf>(env, "inspectElf"));
  exports.Set("hasUprobeMulti", Napi::Boolean::New(env, hasUprobeMulti()));
  exports.Set("hardenProcess", Napi::Function::New<harden>(env, "hardenProcess"));
  exports.Set("boottime", Napi::Function::New<boottime>(env, "boottime"));
  exports.Set("clockOffset", Napi::Function::New<clockOffset>(env, "clockOffset"));
  return exports;
}

}  // namespace

NODE_API_MODULE(oisp_sensor, initialize)
