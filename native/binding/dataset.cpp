#include "binding/dataset.h"

#include <ATen/ATen.h>

#include "binding/cnn.h"
#include "binding/cnn_options.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/data/compose.h"
#include "core/data/images.h"
#include "core/data/prepare.h"
#include "core/data/shard_set.h"
#include "core/runtime/device.h"

namespace cumulens {
namespace {

at::Tensor optionalTensor(const Napi::Value& value, const std::string& what) {
  return value.IsUndefined() ? at::Tensor() : TensorHandle::tensorOf(value, what);
}

StateDict withoutUndefined(StateDict tensors) {
  std::erase_if(tensors, [](const auto& entry) { return !entry.second.defined(); });
  return tensors;
}

/// composeImages({ garments, labels, photographs }, { device, size, seed, stream, first, count }, call):
/// { image, mask, label, garment, photograph }, as ComposedImages has them.
Napi::Value composeImages(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options given(info[0], "sources");
    const ComposeSources sources{TensorHandle::tensorOf(given.value("garments"), "garments"),
                                 TensorHandle::tensorOf(given.value("labels"), "labels"),
                                 TensorHandle::tensorOf(given.value("photographs"), "photographs")};
    const Options options(info[1]);
    const ComposeOptions compose{options.integer("size"), static_cast<std::uint64_t>(options.integer("seed")),
                                 static_cast<std::uint64_t>(options.integer("stream"))};
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [sources, compose, device = resolveDevice(options.string("device")), first = options.integer("first"),
         count = options.integer("count")](const TaskContext& context) {
          const ComposedImages drawn = Composer(sources, compose, device).draw(first, count, context.token());
          return StateDict{{"image", drawn.images},
                           {"mask", drawn.masks},
                           {"label", drawn.labels},
                           {"garment", drawn.garments},
                           {"photograph", drawn.photographs}};
        },
        [](Napi::Env env, StateDict&& tensors) { return fromStateDict(env, tensors); });
  });
}

PixelLayout layoutFromName(const std::string& name) {
  if (name == "hwc") return PixelLayout::hwc;
  if (name == "chw") return PixelLayout::chw;
  if (name == "gray") return PixelLayout::gray;
  throw Error(ErrorCode::option, text("layout: expected hwc, chw or gray, got ", name));
}

// The bytes of typed arrays that JavaScript lends for one call: the references keep them where they are, and are let go of on the
// JavaScript thread, where the conversion that owns this runs.
struct BorrowedBytes {
  std::vector<Napi::ObjectReference> references;
  std::vector<PixelBytes> pictures;
};

std::shared_ptr<BorrowedBytes> borrow(const Napi::Value& value) {
  if (!value.IsArray()) throw makeError(value.Env(), ErrorCode::option, "pictures: expected an array of Uint8Array");
  const auto array = value.As<Napi::Array>();
  auto borrowed = std::make_shared<BorrowedBytes>();
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsTypedArray() || item.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      throw makeError(value.Env(), ErrorCode::option, text("pictures[", i, "]: expected a Uint8Array"));
    }
    const auto bytes = item.As<Napi::Uint8Array>();
    borrowed->pictures.push_back({bytes.Data(), bytes.ByteLength()});
    borrowed->references.push_back(Napi::Persistent(item.As<Napi::Object>()));
  }
  return borrowed;
}

/// packImages(Uint8Array[], { height, width, layout, size: [height, width] }, call): Tensor uint8 [N,3,…size].
Napi::Value packImagesCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options options(info[1]);
    const auto borrowed = borrow(info[0]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [pictures = borrowed->pictures, height = options.integer("height"), width = options.integer("width"),
         layout = layoutFromName(options.string("layout")),
         size = options.size("size")](const TaskContext&) { return packImages(pictures, height, width, layout, size); },
        [borrowed](Napi::Env env, at::Tensor&& images) { return TensorHandle::wrap(env, images); });
  });
}

/// resizeImages(images [N,C,H,W], { size: [height, width], rgb? }, call): Tensor [N,C,…size], bytes or floats as they came; `rgb` gives
/// gray ones three equal channels.
Napi::Value resizeImagesCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options options(info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [images = TensorHandle::tensorOf(info[0], "images"), size = options.size("size"),
         rgb = options.has("rgb") && options.flag("rgb")](const TaskContext&) {
          const at::Tensor resized = resizeImages(images, size);
          return rgb && resized.size(1) == 1 ? resized.expand({-1, 3, -1, -1}) : resized;
        },
        [](Napi::Env env, at::Tensor&& images) { return TensorHandle::wrap(env, images); });
  });
}

/// channelsLast(images [N,C,H,W], call): Tensor [N,H,W,C], as image encoders take pixels.
Napi::Value channelsLast(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[1]),
        [images = TensorHandle::tensorOf(info[0], "images")](const TaskContext&) {
          check(images.dim() == 4, ErrorCode::shape, "images: expected [N,C,H,W], got ", images.sizes());
          return images.to(at::kCPU).permute({0, 2, 3, 1}).contiguous();
        },
        [](Napi::Env env, at::Tensor&& images) { return TensorHandle::wrap(env, images); });
  });
}

/// gatherSamples({ name: Tensor }[] shards, names, indices int64 [n], call): { name: Tensor [n, …] }.
Napi::Value gatherSamples(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsArray()) throw makeError(info.Env(), ErrorCode::option, "shards: expected an array");
    const auto array = info[0].As<Napi::Array>();
    std::vector<StateDict> shards;
    for (std::uint32_t i = 0; i < array.Length(); ++i) shards.push_back(toStateDict(array.Get(i), text("shards[", i, "]")));
    Napi::Object holder = Napi::Object::New(info.Env());
    holder.Set("names", info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [shards = std::move(shards), names = Options(holder, "gather").strings("names"),
         indices = TensorHandle::tensorOf(info[2], "indices")](const TaskContext&) {
          const ShardSet set(shards);
          StateDict samples;
          for (const std::string& name : names) samples[name] = set.gather(name, indices);
          return samples;
        },
        [](Napi::Env env, StateDict&& samples) { return fromStateDict(env, samples); });
  });
}

/// prepareSamples(cnn, images, masks | undefined, targetClass | undefined, settings, call): the tensors of a shard of training data by
/// their names on disk; progress events { done }.
Napi::Value prepareSamplesCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options options(info[4], "settings");
    const PrepareSettings settings{readExplainOptions(options), options.size("input"), options.integer("batchSize"),
                                   options.flag("jetTarget")};
    return runTask(
        info.Env(), CallOptions::from(info[5]),
        [cnn = CnnHandle::cnnOf(info[0]), images = TensorHandle::tensorOf(info[1], "images"), masks = optionalTensor(info[2], "masks"),
         target = optionalTensor(info[3], "targetClass"), settings](const TaskContext& context) {
          const auto done = [&context](std::int64_t count) { context.progress({{"done", static_cast<double>(count)}}); };
          const PreparedSamples samples = prepareSamples(*cnn, images, masks, target, settings, done, context.token());
          return withoutUndefined({{"image", samples.images},
                                   {"conditions", samples.conditions},
                                   {"target", samples.target},
                                   {"predicted", samples.predicted},
                                   {"targetClass", samples.targetClass},
                                   {"mask", samples.masks}});
        },
        [](Napi::Env env, StateDict&& samples) { return fromStateDict(env, samples); });
  });
}

}  // namespace

void defineDataset(Napi::Env env, Napi::Object exports) {
  exports.Set("composeImages", Napi::Function::New<composeImages>(env, "composeImages"));
  exports.Set("packImages", Napi::Function::New<packImagesCall>(env, "packImages"));
  exports.Set("resizeImages", Napi::Function::New<resizeImagesCall>(env, "resizeImages"));
  exports.Set("channelsLast", Napi::Function::New<channelsLast>(env, "channelsLast"));
  exports.Set("gatherSamples", Napi::Function::New<gatherSamples>(env, "gatherSamples"));
  exports.Set("prepareSamples", Napi::Function::New<prepareSamplesCall>(env, "prepareSamples"));
}

}  // namespace cumulens
