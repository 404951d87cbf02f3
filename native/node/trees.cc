#include "node/trees.h"

#include "fs/change_tree.h"
#include "fs/find_paths.h"
#include "fs/hash_content.h"
#include "fs/hash_tree.h"
#include "fs/list_tree.h"
#include "fs/lock_file.h"
#include "fs/measure_trees.h"
#include "fs/remove_tree.h"
#include "node/root_mount.h"
#include "node/watch.h"
#include "node/worker.h"

namespace tsbuild::node {

namespace {

std::optional<uint32_t> ReadMode(const Napi::Object& object, const char* key) {
  int64_t mode = ReadInt(object, key, -1);
  return mode < 0 ? std::nullopt : std::optional<uint32_t>(static_cast<uint32_t>(mode));
}

// An object that nobody looks into: what it holds goes with it.
Napi::Value CreateTreeMemo(const Napi::CallbackInfo& info) {
  return Napi::External<SharedMemo>::New(info.Env(), new SharedMemo(std::make_shared<TreeMemo>()),
                                         [](Napi::Env, SharedMemo* owned) { delete owned; });
}

SharedMemo ReadMemo(const Napi::Object& request) {
  Napi::Value memo = request.Get("memo");
  return memo.IsExternal() ? *memo.As<Napi::External<SharedMemo>>().Data() : nullptr;
}

std::vector<TreeSelection> ReadSelections(const std::vector<Napi::Object>& objects) {
  std::vector<TreeSelection> selections;
  for (const Napi::Object& selection : objects) {
    selections.push_back({ReadString(selection, "path"), ReadBool(selection, "wildcard"),
                          ReadBool(selection, "followSymlinks"), ReadBool(selection, "includeRoot"),
                          ReadString(selection, "include"), ReadString(selection, "exclude"),
                          ReadString(selection, "required")});
  }
  return selections;
}

HashTreeRequest ReadHashTree(const Napi::Object& object) {
  HashTreeRequest request;
  request.root = ReadRootMount(ReadObject(object, "root"));
  request.selections = ReadSelections(ReadObjects(object, "selections"));
  request.ignore = ReadString(object, "ignore");
  request.include_owner = ReadBool(object, "includeOwner");
  request.git_modes = ReadBool(object, "gitModes");
  request.stat_cache_path = ReadString(object, "statCachePath");
  request.memo = ReadMemo(object);
  request.list_directory = ReadString(object, "listDirectory");
  request.watch = ReadWatch(object);
  return request;
}

Napi::Value WriteHashTree(Napi::Env env, const HashTreeResult& result) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("digest", result.digest);
  out.Set("files", Number(env, result.files));
  out.Set("bytes", Number(env, result.bytes));
  out.Set("bytesRead", Number(env, result.bytes_read));
  Napi::Array missing = Napi::Array::New(env, result.missing.size());
  for (uint32_t i = 0; i < result.missing.size(); i++) missing[i] = Napi::Number::New(env, result.missing[i]);
  out.Set("missing", missing);
  return out;
}

Napi::Value HashTreeMethod(const Napi::CallbackInfo& info) {
  return Job<HashTreeRequest, HashTreeResult>::Start(info.Env(), ReadHashTree(info[0].As<Napi::Object>()), HashTree,
                                                     WriteHashTree);
}

Napi::Value HashTreesMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  HashTreesRequest request{ReadHashTree(object), {}};
  for (const Napi::Object& part : ReadObjects(object, "parts")) {
    request.parts.push_back(ReadSelections(ReadObjects(part, "selections")));
  }
  return Job<HashTreesRequest, std::vector<Result<HashTreeResult>>>::Start(
      info.Env(), std::move(request), HashTrees,
      [](Napi::Env env, const std::vector<Result<HashTreeResult>>& results) -> Napi::Value {
        Napi::Array out = Napi::Array::New(env, results.size());
        for (uint32_t i = 0; i < results.size(); i++) {
          out[i] = results[i].ok() ? WriteHashTree(env, results[i].value()) : ToJsError(env, results[i].error());
        }
        return out;
      });
}

Napi::Value HashContentMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  HashContentRequest request;
  request.root = ReadRootMount(ReadObject(object, "root"));
  request.ignore = ReadString(object, "ignore");
  request.local = ReadBool(object, "local");
  request.git_modes = ReadBool(object, "gitModes");
  request.stat_cache_path = ReadString(object, "statCachePath");
  request.watch = ReadWatch(object);
  for (const Napi::Object& selection : ReadObjects(object, "selections")) {
    request.selections.push_back({ReadString(selection, "path"), ReadBool(selection, "wildcard"),
                                  ReadBool(selection, "followSymlinks"), ReadString(selection, "include"),
                                  ReadString(selection, "exclude")});
  }
  return Job<HashContentRequest, HashContentResult>::Start(
      info.Env(), std::move(request), HashContent, [](Napi::Env env, const HashContentResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        Napi::Array digests = Napi::Array::New(env, result.digests.size());
        for (uint32_t i = 0; i < result.digests.size(); i++) digests[i] = Napi::String::New(env, result.digests[i]);
        out.Set("digests", digests);
        out.Set("files", Number(env, result.files));
        out.Set("bytesRead", Number(env, result.bytes_read));
        return out;
      });
}

Napi::Value ListTreeMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  ListTreeRequest request{ReadRootMount(ReadObject(object, "root")), ReadString(object, "path"), ReadString(object, "ignore"),
                          ReadBool(object, "includeIgnored"), static_cast<uint64_t>(ReadInt(object, "maxEntries")),
                          static_cast<uint64_t>(ReadInt(object, "maxDepth"))};
  return Job<ListTreeRequest, ListTreeResult>::Start(
      info.Env(), std::move(request), ListTree, [](Napi::Env env, const ListTreeResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("paths", result.paths);
        out.Set("types", result.types);
        out.Set("ignored", result.ignored);
        Napi::Float64Array sizes = Napi::Float64Array::New(env, result.sizes.size());
        for (size_t i = 0; i < result.sizes.size(); i++) sizes[i] = static_cast<double>(result.sizes[i]);
        out.Set("sizes", sizes);
        out.Set("truncated", result.truncated);
        return out;
      });
}

Napi::Value FindPathsMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  FindPathsRequest request{ReadRootMount(ReadObject(object, "root")), ReadString(object, "path"), ReadBool(object, "wildcard"),
                           ReadBool(object, "followSymlinks"), ReadString(object, "ignore")};
  return Job<FindPathsRequest, FindPathsResult>::Start(
      info.Env(), std::move(request), FindPaths, [](Napi::Env env, const FindPathsResult& result) -> Napi::Value {
        return Napi::String::New(env, result.paths);
      });
}

TreeAction ReadAction(const Napi::Object& object) {
  std::string type = ReadString(object, "type");
  if (type == "mkdir") {
    return MakeDirAction{ReadString(object, "path"), ReadMode(object, "mode").value_or(0755),
                         ReadBool(object, "makeParents"), ReadString(object, "owner"), ReadOptionalInt(object, "mtime")};
  }
  if (type == "mkfile") {
    return MakeFileAction{ReadString(object, "path"), ReadMode(object, "mode").value_or(0644), ReadString(object, "data"),
                          ReadString(object, "owner")};
  }
  CopyAction copy;
  copy.source = static_cast<uint32_t>(ReadInt(object, "source"));
  copy.src = ReadString(object, "src");
  copy.dest = ReadString(object, "dest");
  copy.owner = ReadString(object, "owner");
  copy.mode = ReadMode(object, "mode");
  copy.mode_change = ReadString(object, "modeChange");
  copy.follow_symlinks = ReadBool(object, "followSymlinks");
  copy.dir_copy_contents = ReadBool(object, "dirCopyContents");
  copy.allow_wildcard = ReadBool(object, "allowWildcard");
  copy.allow_empty_wildcard = ReadBool(object, "allowEmptyWildcard");
  copy.create_dest_path = ReadBool(object, "createDestPath");
  copy.attempt_unpack = ReadBool(object, "attemptUnpack");
  copy.include = ReadString(object, "include");
  copy.exclude = ReadString(object, "exclude");
  return copy;
}

Napi::Value WriteUnknownOwner(Napi::Env env, const UnknownOwner& owner) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("type", owner.group ? "group" : "user");
  out.Set("name", owner.name);
  out.Set("fileExists", owner.file_exists);
  Napi::Array known = Napi::Array::New(env, owner.known.size());
  for (uint32_t i = 0; i < owner.known.size(); i++) known[i] = Napi::String::New(env, owner.known[i]);
  out.Set("known", known);
  return out;
}

Napi::Value ChangeTreeMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  ChangeTreeRequest request;
  request.root = ReadRootMount(ReadObject(object, "root"));
  for (const Napi::Object& source : ReadObjects(object, "sources")) {
    request.sources.push_back(
        {ReadRootMount(ReadObject(source, "root")), ReadString(source, "ignore"), ReadBool(source, "ownedByRoot"),
         ReadBool(source, "gitModes")});
  }
  for (const Napi::Object& action : ReadObjects(object, "actions")) request.actions.push_back(ReadAction(action));
  request.owners_must_exist = ReadBool(object, "ownersMustExist");
  request.watch = ReadWatch(object);
  return Job<ChangeTreeRequest, ChangeTreeResult>::Start(
      info.Env(), std::move(request), ChangeTree, [](Napi::Env env, const ChangeTreeResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("files", Number(env, result.files));
        out.Set("bytes", Number(env, result.bytes));
        Napi::Array unknown = Napi::Array::New(env, result.unknown_owners.size());
        for (uint32_t i = 0; i < result.unknown_owners.size(); i++) unknown[i] = WriteUnknownOwner(env, result.unknown_owners[i]);
        out.Set("unknownOwners", unknown);
        return out;
      });
}

Napi::Value WriteNothing(Napi::Env env, const Unit&) { return env.Undefined(); }

std::string FirstString(const Napi::CallbackInfo& info) { return info[0].As<Napi::String>().Utf8Value(); }

Napi::Value RemoveTreeMethod(const Napi::CallbackInfo& info) {
  return Job<RemoveTreeRequest, Unit>::Start(info.Env(), {FirstString(info)}, RemoveTree, WriteNothing);
}

Napi::Value SyncFileSystemMethod(const Napi::CallbackInfo& info) {
  return Job<SyncFileSystemRequest, Unit>::Start(info.Env(), {FirstString(info)}, SyncFileSystem, WriteNothing);
}

Napi::Value MeasureTreeMethod(const Napi::CallbackInfo& info) {
  return Job<MeasureTreeRequest, MeasureTreeResult>::Start(
      info.Env(), {FirstString(info)}, MeasureTree, [](Napi::Env env, const MeasureTreeResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("bytes", Number(env, result.bytes));
        out.Set("files", Number(env, result.files));
        return out;
      });
}

Napi::Value WriteNumbers(Napi::Env env, const std::vector<uint64_t>& values) {
  Napi::Float64Array out = Napi::Float64Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) out[i] = static_cast<double>(values[i]);
  return out;
}

Napi::Value MeasureTreesMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  MeasureTreesRequest request{ReadStrings(object, "paths"), ReadWatch(object)};
  return Job<MeasureTreesRequest, MeasureTreesResult>::Start(
      info.Env(), std::move(request), MeasureTrees, [](Napi::Env env, const MeasureTreesResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("bytes", WriteNumbers(env, result.bytes));
        out.Set("files", WriteNumbers(env, result.files));
        return out;
      });
}

Napi::Value HashFilesMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  HashFilesRequest request{ReadStrings(object, "paths"), ReadWatch(object)};
  return Job<HashFilesRequest, HashFilesResult>::Start(
      info.Env(), std::move(request), HashFiles, [](Napi::Env env, const HashFilesResult& result) -> Napi::Value {
        Napi::Array digests = Napi::Array::New(env, result.digests.size());
        for (uint32_t i = 0; i < result.digests.size(); i++) digests[i] = Napi::String::New(env, result.digests[i]);
        return digests;
      });
}

// The lock lives as long as the object: release() lets go at once, the garbage collector later.
Napi::Value WriteLock(Napi::Env env, const LockFileResult& result) {
  if (result.lock == nullptr) return env.Undefined();
  Napi::Object out = Napi::Object::New(env);
  std::shared_ptr<HeldLock> lock = result.lock;
  out.Set("release", Napi::Function::New(env, [lock](const Napi::CallbackInfo& call) {
            lock->Release();
            return call.Env().Undefined();
          }));
  return out;
}

Napi::Value LockFileMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  LockFileRequest request{ReadString(object, "path"), ReadBool(object, "exclusive"), ReadBool(object, "wait")};
  return Job<LockFileRequest, LockFileResult>::Start(info.Env(), std::move(request), LockFile, WriteLock);
}

}  // namespace

void RegisterTrees(Napi::Env env, Napi::Object exports) {
  exports.Set("createWatch", Napi::Function::New(env, CreateWatch));
  exports.Set("hashTree", Napi::Function::New(env, HashTreeMethod));
  exports.Set("hashTrees", Napi::Function::New(env, HashTreesMethod));
  exports.Set("hashContent", Napi::Function::New(env, HashContentMethod));
  exports.Set("createTreeMemo", Napi::Function::New(env, CreateTreeMemo));
  exports.Set("findPaths", Napi::Function::New(env, FindPathsMethod));
  exports.Set("listTree", Napi::Function::New(env, ListTreeMethod));
  exports.Set("changeTree", Napi::Function::New(env, ChangeTreeMethod));
  exports.Set("removeTree", Napi::Function::New(env, RemoveTreeMethod));
  exports.Set("measureTrees", Napi::Function::New(env, MeasureTreesMethod));
  exports.Set("hashFiles", Napi::Function::New(env, HashFilesMethod));
  exports.Set("measureTree", Napi::Function::New(env, MeasureTreeMethod));
  exports.Set("syncFileSystem", Napi::Function::New(env, SyncFileSystemMethod));
  exports.Set("lockFile", Napi::Function::New(env, LockFileMethod));
}

}  // namespace tsbuild::node
