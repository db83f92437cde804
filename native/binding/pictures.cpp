#include "binding/pictures.h"

#include <ATen/ATen.h>

#include "binding/convert.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/maps/gallery.h"

namespace cumulens {
namespace {

/// drawImages(images, masks | undefined, { size }, call)
Napi::Value drawImagesCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const at::Tensor masks = info[1].IsUndefined() ? at::Tensor() : TensorHandle::tensorOf(info[1], "masks");
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [images = TensorHandle::tensorOf(info[0], "images"), masks, size = Options(info[2]).size("size")](const TaskContext&) {
          return drawImages(images, masks, size);
        },
        TensorHandle::wrap);
  });
}

/// drawMaps(maps, { size }, call)
Napi::Value drawMapsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [maps = TensorHandle::tensorOf(info[0], "maps"), size = Options(info[1]).size("size")](const TaskContext&) {
          return drawMaps(maps, size);
        },
        TensorHandle::wrap);
  });
}

/// drawStrips(maps, call)
Napi::Value drawStripsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[1]),
        [maps = TensorHandle::tensorOf(info[0], "maps")](const TaskContext&) { return drawStrips(maps); }, TensorHandle::wrap);
  });
}

}  // namespace

void definePictures(Napi::Env env, Napi::Object exports) {
  exports.Set("drawImages", Napi::Function::New<drawImagesCall>(env, "drawImages"));
  exports.Set("drawMaps", Napi::Function::New<drawMapsCall>(env, "drawMaps"));
  exports.Set("drawStrips", Napi::Function::New<drawStripsCall>(env, "drawStrips"));
}

}  // namespace cumulens
