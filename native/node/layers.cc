#include "node/layers.h"

#include "layer/pack_layer.h"
#include "layer/unpack_layer.h"
#include "node/root_mount.h"
#include "node/worker.h"

namespace tsbuild::node {

namespace {

std::optional<Compression> ReadCompression(const Napi::Object& object) {
  std::string name = ReadString(object, "compression");
  if (name == "none") return Compression::kNone;
  if (name == "gzip") return Compression::kGzip;
  if (name == "zstd") return Compression::kZstd;
  return std::nullopt;
}

Napi::Value PackLayerMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  PackLayerRequest request;
  request.upper = ReadString(object, "upper");
  if (object.Get("moreUppers").IsArray()) request.more_uppers = ReadStrings(object, "moreUppers");
  request.lowers = ReadStrings(object, "lowers");
  request.compression = ReadCompression(object).value_or(Compression::kNone);
  request.level = static_cast<int>(ReadInt(object, "level"));
  request.output = ReadString(object, "output");
  if (object.Get("sourceDateEpoch").IsNumber()) request.source_date_epoch = ReadInt(object, "sourceDateEpoch");
  return Job<PackLayerRequest, PackLayerResult>::Start(
      info.Env(), std::move(request), PackLayer, [](Napi::Env env, const PackLayerResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("diffID", result.digests.diff_id);
        out.Set("diffSize", Number(env, result.digests.diff_size));
        out.Set("contentSize", Number(env, result.content_size));
        out.Set("digest", result.digests.digest);
        out.Set("size", Number(env, result.digests.size));
        out.Set("entries", Number(env, result.entries));
        return out;
      });
}

Napi::Value PackTreeMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  PackTreeRequest request{ReadRootMount(ReadObject(object, "root")), static_cast<int>(ReadInt(object, "outputFd", -1))};
  return Job<PackTreeRequest, PackTreeResult>::Start(
      info.Env(), std::move(request), PackTree, [](Napi::Env env, const PackTreeResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("size", Number(env, result.size));
        out.Set("entries", Number(env, result.entries));
        return out;
      });
}

Napi::Value UnpackLayerMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  UnpackLayerRequest request;
  request.blob = ReadString(object, "blob");
  request.compression = ReadCompression(object);
  request.target = ReadString(object, "target");
  if (object.Get("lowers").IsArray()) request.lowers = ReadStrings(object, "lowers");
  request.expected_diff_id = ReadString(object, "expectedDiffID");
  return Job<UnpackLayerRequest, UnpackLayerResult>::Start(
      info.Env(), std::move(request), UnpackLayer, [](Napi::Env env, const UnpackLayerResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("diffID", result.diff_id);
        out.Set("diffSize", Number(env, result.diff_size));
        out.Set("contentSize", Number(env, result.content_size));
        out.Set("entries", Number(env, result.entries));
        out.Set("needsLowers", result.needs_lowers);
        out.Set("hasRoot", result.has_root);
        return out;
      });
}

}  // namespace

void RegisterLayers(Napi::Env env, Napi::Object exports) {
  exports.Set("packLayer", Napi::Function::New(env, PackLayerMethod));
  exports.Set("packTree", Napi::Function::New(env, PackTreeMethod));
  exports.Set("unpackLayer", Napi::Function::New(env, UnpackLayerMethod));
}

}  // namespace tsbuild::node
