#include "core/gan/batches.h"

#include <algorithm>
#include <vector>

#include "core/runtime/error.h"
#include "core/runtime/random.h"

namespace cumulens {

namespace {

at::Tensor unit(const at::Tensor& bytes, c10::Device device) {
  return bytes.to(device, /*non_blocking=*/true).to(at::kFloat).div_(kByteRange);
}

}  // namespace

Batches::Batches(std::shared_ptr<const ShardSet> data, const BatchConfig& config, c10::Device device)
    : data_(std::move(data)), config_(config), device_(device) {
  check(config_.size >= 1, ErrorCode::option, "batchSize is ", config_.size, ", expected at least 1");
  check(data_->size() > 0, ErrorCode::option, "the training data holds no samples");
  for (const char* name : {"image", "conditions", "target"}) {
    check(data_->has(name), ErrorCode::format, "the training data has no '", name, "': it must be prepared data");
  }
}

Batch Batches::of(const at::Tensor& indices) const {
  const auto read = [&](const char* name) { return unit(data_->gather(name, indices), device_); };
  Batch batch{read("image"), read("conditions"), read("target")};
  if (batch.target.size(1) == 1) batch.target = batch.target.expand({-1, config_.targetChannels, -1, -1});
  return batch;
}

Batch Batches::at(int64_t step) {
  Batch batch = of(indicesOf(step));
  if (!config_.flips) return batch;
  auto random = makeGenerator(at::kCPU, config_.seed, RandomStream::augment, static_cast<uint64_t>(step));
  const at::Tensor mirrored = at::rand({config_.size, 1, 1, 1}, random, at::kFloat).lt(0.5).to(device_);
  for (at::Tensor* tensor : {&batch.image, &batch.conditions, &batch.target}) {
    *tensor = at::where(mirrored, tensor->flip(3), *tensor);
  }
  return batch;
}

at::Tensor Batches::indicesOf(int64_t step) {
  std::vector<at::Tensor> parts;
  const int64_t count = data_->size();
  for (int64_t position = step * config_.size, left = config_.size; left > 0;) {
    if (epoch_ != position / count) {
      epoch_ = position / count;
      auto random = makeGenerator(at::kCPU, config_.seed, RandomStream::shuffle, static_cast<uint64_t>(epoch_));
      permutation_ = at::randperm(count, random, at::kLong);
    }
    const int64_t begin = position % count;
    const int64_t taken = std::min(left, count - begin);
    parts.push_back(permutation_.narrow(0, begin, taken));
    position += taken;
    left -= taken;
  }
  return at::cat(parts);
}

}  // namespace cumulens
