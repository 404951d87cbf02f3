#include "node/layers.h"

#include "fs/exchange_paths.h"
#include "layer/digest_layer.h"
#include "layer/pack_layer.h"
#include "layer/tree_parts.h"
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
  request.source_date_epoch = ReadOptionalInt(object, "sourceDateEpoch");
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

Napi::Value DigestLayerMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  DigestLayerRequest request{ReadString(object, "blob"), ReadCompression(object).value_or(Compression::kNone),
                             ReadString(object, "expectedDiffID")};
  return Job<DigestLayerRequest, DigestLayerResult>::Start(
      info.Env(), std::move(request), DigestLayer, [](Napi::Env env, const DigestLayerResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("diffID", result.diff_id);
        out.Set("diffSize", Number(env, result.diff_size));
        return out;
      });
}

template <typename T>
Napi::Value WriteDoubles(Napi::Env env, const std::vector<T>& values) {
  Napi::Float64Array out = Napi::Float64Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) out[i] = static_cast<double>(values[i]);
  return out;
}

Napi::Value SurveyTreeMethod(const Napi::CallbackInfo& info) {
  return Job<SurveyTreeRequest, SurveyTreeResult>::Start(
      info.Env(), {info[0].As<Napi::String>().Utf8Value()}, SurveyTree,
      [](Napi::Env env, const SurveyTreeResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("paths", Napi::Buffer<char>::Copy(env, result.paths.data(), result.paths.size()));
        out.Set("types", result.types);
        out.Set("sizes", WriteDoubles(env, result.sizes));
        const char* stamps = reinterpret_cast<const char*>(result.stamps.data());
        out.Set("stamps", Napi::Buffer<char>::Copy(env, stamps, result.stamps.size() * sizeof(uint64_t)));
        out.Set("hashes", WriteDoubles(env, result.hashes));
        out.Set("usedMs", WriteDoubles(env, result.used_ms));
        out.Set("firsts", WriteDoubles(env, result.firsts));
        out.Set("leftOut", Number(env, result.left_out));
        out.Set("changedMs", Napi::Number::New(env, result.changed_ms));
        return out;
      });
}

Napi::Value PackPartMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  PackPartRequest request{ReadString(object, "root"), ReadBytes(object.Get("paths")), ReadBytes(object.Get("targets")),
                          ReadString(object, "output")};
  return Job<PackPartRequest, PackPartResult>::Start(
      info.Env(), std::move(request), PackPart, [](Napi::Env env, const PackPartResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("digest", result.digests.digest);
        out.Set("size", Number(env, result.digests.size));
        out.Set("tarSize", Number(env, result.digests.diff_size));
        out.Set("entries", Number(env, result.entries));
        out.Set("fingerprint", result.fingerprint);
        return out;
      });
}

Napi::Value UnpackPartMethod(const Napi::CallbackInfo& info) {
  Napi::Object object = info[0].As<Napi::Object>();
  UnpackPartRequest request{ReadString(object, "blob"), ReadString(object, "target"),
                            static_cast<uint64_t>(ReadInt(object, "maxBytes")),
                            static_cast<uint64_t>(ReadInt(object, "maxEntries"))};
  return Job<UnpackPartRequest, UnpackPartResult>::Start(
      info.Env(), std::move(request), UnpackPart, [](Napi::Env env, const UnpackPartResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("entries", Number(env, result.entries));
        out.Set("bytes", Number(env, result.bytes));
        return out;
      });
}

Napi::Value ExchangePathsMethod(const Napi::CallbackInfo& info) {
  ExchangePathsRequest request{info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value()};
  return Job<ExchangePathsRequest, Unit>::Start(info.Env(), std::move(request), ExchangePaths,
                                                [](Napi::Env env, const Unit&) -> Napi::Value { return env.Undefined(); });
}

}  // namespace

void RegisterLayers(Napi::Env env, Napi::Object exports) {
  exports.Set("packLayer", Napi::Function::New(env, PackLayerMethod));
  exports.Set("packTree", Napi::Function::New(env, PackTreeMethod));
  exports.Set("digestLayer", Napi::Function::New(env, DigestLayerMethod));
  exports.Set("unpackLayer", Napi::Function::New(env, UnpackLayerMethod));
  exports.Set("surveyTree", Napi::Function::New(env, SurveyTreeMethod));
  exports.Set("packPart", Napi::Function::New(env, PackPartMethod));
  exports.Set("unpackPart", Napi::Function::New(env, UnpackPartMethod));
  exports.Set("exchangePaths", Napi::Function::New(env, ExchangePathsMethod));
}

}  // namespace tsbuild::node
