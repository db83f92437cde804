#pragma once
#include <ATen/ATen.h>
#include <napi.h>

#include <memory>
#include <utility>

#include "binding/convert.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/runtime/device.h"

namespace cumulens {

/// The body of `createX(config, { device, dtype, seed }, weights | undefined, call)`: a network whose weights are drawn from the seed, or
/// copied from `weights`.
/// @param make std::shared_ptr<Network>(seed, tensor options), on the compute thread
template <class Handle, class Network, class Make>
Napi::Value createNetwork(const Napi::CallbackInfo& info, Make make) {
  const Options options(info[1]);
  const auto placement = at::device(resolveDevice(options.string("device"))).dtype(dtypeFromName(options.string("dtype")));
  const auto seed = static_cast<std::uint64_t>(options.integer("seed"));
  const bool given = !info[2].IsUndefined();
  StateDict weights = given ? toStateDict(info[2], "weights") : StateDict();
  return runTask(
      info.Env(), CallOptions::from(info[3]),
      [make = std::move(make), placement, seed, given, weights = std::move(weights)](const TaskContext&) {
        std::shared_ptr<Network> network = make(seed, placement);
        if (given) network->load(weights);
        return network;
      },
      [](Napi::Env env, std::shared_ptr<Network>&& network) -> Napi::Value {
        return Environment::of(env).getClass(Handle::kName).New({Napi::External<std::shared_ptr<Network>>::New(env, &network)});
      });
}

}  // namespace cumulens
