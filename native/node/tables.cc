#include "node/tables.h"

#include "node/convert.h"
#include "node/worker.h"
#include "tables/check_tables.h"
#include "tables/tables.h"

namespace tsbuild::node {

namespace {

// Looking something up takes less time than making a promise of it would: reads are synchronous and throw.
template <typename T>
Napi::Value Throw(Napi::Env env, const Result<T>& failed) {
  napi_throw(env, ToJsError(env, failed.error()));
  return env.Undefined();
}

Napi::Value Get(const Napi::CallbackInfo& info, Tables& tables) {
  Napi::Env env = info.Env();
  auto found = tables.Get(info[0].As<Napi::String>().Utf8Value());
  if (!found.ok()) return Throw(env, found);
  if (!found.value()) return env.Undefined();
  return Napi::String::New(env, *found.value());
}

Napi::Value List(const Napi::CallbackInfo& info, Tables& tables) {
  Napi::Env env = info.Env();
  auto found = tables.List(info[0].As<Napi::String>().Utf8Value());
  if (!found.ok()) return Throw(env, found);
  Napi::Array out = Napi::Array::New(env, found->size());
  for (uint32_t i = 0; i < found->size(); i++) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("key", found.value()[i].key);
    entry.Set("value", found.value()[i].value);
    out[i] = entry;
  }
  return out;
}

Napi::Value Commit(const Napi::CallbackInfo& info, std::shared_ptr<Tables> tables) {
  Napi::Object object = info[0].As<Napi::Object>();
  CommitTablesRequest request;
  request.tables = std::move(tables);
  for (const Napi::Object& change : ReadObjects(object, "changes")) {
    bool removes = !change.Get("value").IsString();
    request.changes.push_back(
        {ReadString(change, "key"), removes ? std::nullopt : std::optional<std::string>(ReadString(change, "value"))});
  }
  int64_t expected = ReadInt(object, "expectedVersion", -1);
  if (expected >= 0) request.expected = static_cast<uint64_t>(expected);
  return Job<CommitTablesRequest, bool>::Start(
      info.Env(), std::move(request), CommitTables,
      [](Napi::Env env, const bool& written) -> Napi::Value { return Napi::Boolean::New(env, written); });
}

Napi::Value OpenTablesMethod(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object object = info[0].As<Napi::Object>();
  auto opened =
      Tables::Open({ReadString(object, "directory"), static_cast<uint64_t>(ReadInt(object, "mapSizeBytes")), ReadBool(object, "readOnly")});
  if (!opened.ok()) return Throw(env, opened);
  // Shared by the functions, so that close() lets go at once; a commit that runs keeps its own hold.
  auto tables = std::make_shared<std::shared_ptr<Tables>>(std::move(opened.value()));
  auto method = [env, tables](auto call) {
    return Napi::Function::New(env, [tables, call](const Napi::CallbackInfo& inner) -> Napi::Value {
      if (*tables != nullptr) return call(inner, *tables);
      Napi::Error::New(inner.Env(), "the tables are closed").ThrowAsJavaScriptException();
      return inner.Env().Undefined();
    });
  };
  Napi::Object out = Napi::Object::New(env);
  out.Set("get", method([](const Napi::CallbackInfo& inner, std::shared_ptr<Tables>& open) { return Get(inner, *open); }));
  out.Set("list", method([](const Napi::CallbackInfo& inner, std::shared_ptr<Tables>& open) { return List(inner, *open); }));
  out.Set("version", method([](const Napi::CallbackInfo& inner, std::shared_ptr<Tables>& open) -> Napi::Value {
            auto version = open->Version();
            if (!version.ok()) return Throw(inner.Env(), version);
            return Napi::Number::New(inner.Env(), static_cast<double>(version.value()));
          }));
  out.Set("commit", method([](const Napi::CallbackInfo& inner, std::shared_ptr<Tables>& open) { return Commit(inner, open); }));
  out.Set("close", Napi::Function::New(env, [tables](const Napi::CallbackInfo& inner) {
            tables->reset();
            return inner.Env().Undefined();
          }));
  return out;
}

Napi::Value CheckTablesMethod(const Napi::CallbackInfo& info) {
  return Job<CheckTablesRequest, CheckTablesResult>::Start(
      info.Env(), {info[0].As<Napi::String>().Utf8Value()}, CheckTables,
      [](Napi::Env env, const CheckTablesResult& result) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("damage", result.damage);
        out.Set("entries", Napi::Number::New(env, static_cast<double>(result.entries)));
        return out;
      });
}

}  // namespace

void RegisterTables(Napi::Env env, Napi::Object exports) {
  exports.Set("checkTables", Napi::Function::New(env, CheckTablesMethod));
  exports.Set("openTables", Napi::Function::New(env, OpenTablesMethod));
}

}  // namespace tsbuild::node
