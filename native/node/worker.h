#pragma once

// The only folder that knows Node. A topic is a plain function `Result<XResult> X(const XRequest&)`; its glue says how a
// request is read from a JS object and a result written to one, and `Register` makes a method that returns a Promise.

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"

namespace tsbuild::node {

// Rejects a promise's shape: an Error with `code`, `syscall`, `path`, `errno`.
Napi::Value ToJsError(Napi::Env env, const Error& error);

// Runs each job on a thread of its own, so that long native work starves neither libuv's four threads nor each other,
// and so that a job may take a private mount namespace: the thread ends with the job.
template <typename Request, typename Answer>
class Job {
 public:
  using Run = Result<Answer> (*)(const Request&);
  using Write = Napi::Value (*)(Napi::Env, const Answer&);

  static Napi::Value Start(Napi::Env env, Request request, Run run, Write write) {
    auto job = std::make_shared<Job>(env, std::move(request), write);
    job->tsfn_ = Napi::ThreadSafeFunction::New(env, Napi::Function(), "tsbuild-job", 0, 1);
    Napi::Value promise = job->deferred_.Promise();
    std::thread([job, run]() {
      job->outcome_ = std::make_unique<Result<Answer>>(run(*job->request_));
      // What the request holds is let go of before anybody hears that the work is done: this thread may end long after, and who closed
      // the tables in between would find them still open.
      job->request_.reset();
      job->tsfn_.BlockingCall([job](Napi::Env inner, Napi::Function) { job->Settle(inner); });
      job->tsfn_.Release();
    }).detach();
    return promise;
  }

  Job(Napi::Env env, Request request, Write write)
      : request_(std::move(request)), write_(write), deferred_(Napi::Promise::Deferred::New(env)) {}

 private:
  void Settle(Napi::Env env) {
    Napi::HandleScope scope(env);
    if (outcome_->ok()) {
      deferred_.Resolve(write_(env, outcome_->value()));
    } else {
      deferred_.Reject(ToJsError(env, outcome_->error()));
    }
  }

  std::optional<Request> request_;
  Write write_;
  Napi::Promise::Deferred deferred_;
  Napi::ThreadSafeFunction tsfn_;
  std::unique_ptr<Result<Answer>> outcome_;
};

}  // namespace tsbuild::node
