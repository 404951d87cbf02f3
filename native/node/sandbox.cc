#include "node/sandbox.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <thread>

#include "node/convert.h"
#include "node/worker.h"
#include "sandbox/run.h"

namespace tsbuild::node {

namespace {

// Pieces of output that may wait for JS; with the 256 KiB each holds at most, two megabytes for a container.
constexpr size_t kMaxWaitingPieces = 8;

// Shared by the thread that runs the container and the handle that JS holds.
struct SandboxJob {
  SandboxRequest request;
  UniqueFd life;  // writing end; closing it kills the container. Only the JS thread touches it.
  Napi::Promise::Deferred deferred;
  Napi::ThreadSafeFunction calls;

  explicit SandboxJob(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
};

RootMount ReadRootMount(const Napi::Object& object) {
  return {.lowers = ReadStrings(object, "lowers"), .upper = ReadString(object, "upper"), .work = ReadString(object, "work")};
}

SandboxSpec::MountKind ReadKind(const Napi::Object& mount) {
  if (mount.Get("tree").IsObject()) return SandboxSpec::MountKind::kTree;
  return mount.Get("content").IsBuffer() ? SandboxSpec::MountKind::kSecret : SandboxSpec::MountKind::kTmpfs;
}

// What SandboxMount calls `restrict`.
uint32_t ReadAttributes(const Napi::Object& mount) {
  uint32_t attributes = 0;
  for (const std::string& name : ReadStrings(mount, "restrict")) {
    if (name == "nosuid") attributes |= MOUNT_ATTR_NOSUID;
    if (name == "nodev") attributes |= MOUNT_ATTR_NODEV;
    if (name == "noexec") attributes |= MOUNT_ATTR_NOEXEC;
  }
  return attributes;
}

SandboxSpec::Device ReadDevice(const Napi::Object& device) {
  auto number = [&device](const char* key, uint32_t fallback = 0) {
    return static_cast<uint32_t>(ReadInt(device, key, fallback));
  };
  const std::string type = ReadString(device, "type");
  const std::string permissions = ReadString(device, "permissions");
  return {.target = ReadString(device, "target"),
          .host_path = ReadString(device, "hostPath"),
          .type = static_cast<uint32_t>(type == "b" ? S_IFBLK : type == "p" ? S_IFIFO : S_IFCHR),
          .major = number("major"),
          .minor = number("minor"),
          .mode = number("mode") & 07777,
          .uid = number("uid", SandboxSpec::kStepOwner),
          .gid = number("gid", SandboxSpec::kStepOwner),
          .readable = permissions.find('r') != std::string::npos,
          .writable = permissions.find('w') != std::string::npos};
}

SandboxSpec ReadSpec(const Napi::Object& object) {
  SandboxSpec spec;
  spec.root = ReadRootMount(ReadObject(object, "root"));
  spec.volatile_root = ReadBool(object, "volatileRoot");
  const auto mounts = ReadObjects(object, "mounts");
  // Growing would leave copies of short secrets behind, which lie in the strings themselves. So below.
  spec.mounts.reserve(mounts.size());
  for (const Napi::Object& mount : mounts) {
    spec.mounts.push_back({.target = ReadString(mount, "target"),
                           .kind = ReadKind(mount),
                           .tree = ReadRootMount(ReadObject(mount, "tree")),
                           .selector = ReadString(mount, "selector"),
                           .read_only = ReadBool(mount, "readonly"),
                           .attributes = ReadAttributes(mount),
                           .size_bytes = static_cast<uint64_t>(ReadInt(mount, "sizeBytes")),
                           .mode = static_cast<uint32_t>(ReadInt(mount, "mode", 01777)),
                           .content = ReadBytes(mount.Get("content")),
                           .uid = static_cast<uint32_t>(ReadInt(mount, "uid")),
                           .gid = static_cast<uint32_t>(ReadInt(mount, "gid"))});
  }
  for (const Napi::Object& file : ReadObjects(object, "files")) {
    spec.files.push_back({.target = ReadString(file, "target"), .content = ReadString(file, "content")});
  }
  for (const Napi::Object& device : ReadObjects(object, "devices")) spec.devices.push_back(ReadDevice(device));
  spec.groups = ReadNumbers(object, "groups");
  spec.args = ReadStrings(object, "args");
  spec.env = ReadStrings(object, "env");
  std::vector<std::string> secrets = ReadByteStrings(object, "secretEnv");
  spec.env.reserve(spec.env.size() + secrets.size());
  for (std::string& entry : secrets) {
    spec.env.push_back(std::move(entry));
    explicit_bzero(entry.data(), entry.capacity());
  }
  spec.cwd = ReadString(object, "cwd");
  spec.user = ReadString(object, "user");
  spec.hostname = ReadString(object, "hostname");
  spec.private_network = ReadBool(object, "privateNetwork");
  spec.insecure = ReadBool(object, "insecure");
  spec.confidential = ReadBool(object, "confidential");
  return spec;
}

Napi::Value WriteResult(Napi::Env env, const SandboxResult& result) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("code", result.code);
  object.Set("signal", result.signal);
  object.Set("oomKilled", result.oom_killed);
  return object;
}

// On a thread of its own: the container is tied to the thread that started it.
void RunJob(const std::shared_ptr<SandboxJob>& job) {
  OutputSink sink = [&job](int stream, std::string piece) {
    auto shared = std::make_shared<std::string>(std::move(piece));
    // Blocks while too much waits. Fails only when Node is ending, and then there is nobody to tell.
    job->calls.BlockingCall([stream, shared](Napi::Env env, Napi::Function on_output) {
      Napi::HandleScope scope(env);
      on_output.Call({Napi::Number::New(env, stream), Napi::Buffer<char>::Copy(env, shared->data(), shared->size())});
    });
  };
  auto result = std::make_shared<Result<SandboxResult>>(RunSandbox(std::move(job->request), sink));
  job->calls.BlockingCall([job, result](Napi::Env env, Napi::Function) {
    Napi::HandleScope scope(env);
    job->life.reset();
    if (result->ok()) {
      job->deferred.Resolve(WriteResult(env, result->value()));
    } else {
      job->deferred.Reject(ToJsError(env, result->error()));
    }
  });
  job->calls.Release();
}

Napi::Value StartSandbox(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsObject() || !info[1].IsFunction()) {
    Napi::TypeError::New(env, "runSandbox takes a request and a function").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Object request = info[0].As<Napi::Object>();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) {
    Napi::Error(env, ToJsError(env, Error::FromErrno("pipe2"))).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto job = std::make_shared<SandboxJob>(env);
  job->request.spec = ReadSpec(request);
  job->request.init_path = ReadString(request, "initPath");
  job->request.life = UniqueFd(ends[0]);
  job->life = UniqueFd(ends[1]);
  job->calls =
      Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "tsbuild-sandbox", kMaxWaitingPieces, 1);

  Napi::Object handle = Napi::Object::New(env);
  handle.Set("exited", job->deferred.Promise());
  handle.Set("kill", Napi::Function::New(env, [job](const Napi::CallbackInfo&) { job->life.reset(); }, "kill"));
  std::thread(RunJob, job).detach();
  return handle;
}

// Not by a limit, which everything that is started here would inherit.
void ForbidCoreDumps(const Napi::CallbackInfo&) { (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

}  // namespace

void RegisterSandbox(Napi::Env env, Napi::Object exports) {
  exports.Set("forbidCoreDumps", Napi::Function::New(env, ForbidCoreDumps, "forbidCoreDumps"));
  exports.Set("runSandbox", Napi::Function::New(env, StartSandbox, "runSandbox"));
}

}  // namespace tsbuild::node
