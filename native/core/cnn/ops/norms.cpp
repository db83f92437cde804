#include "core/cnn/ops/ops.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

/// What the norms that look at one sample alone have in common: a weight and a bias for each channel, or neither.
class SampleNorm : public Op {
 public:
  std::vector<ParameterSpec> parameters() const override {
    const Shape channels{outputShape()[0]};
    std::vector<ParameterSpec> list;
    if (scale_) list.push_back({"weight", channels, Init::ones});
    if (center_) list.push_back({"bias", channels, Init::zeros});
    return list;
  }

 protected:
  SampleNorm(Shape shape, const Attrs& attrs)
      : Op(std::move(shape)), epsilon_(attrs.number("epsilon")), scale_(attrs.boolean("scale")), center_(attrs.boolean("center")) {
    check(epsilon_ > 0, ErrorCode::option, "attribute 'epsilon' must be positive, got ", epsilon_);
  }

  double epsilon() const { return epsilon_; }
  at::Tensor weight(at::ArrayRef<at::Tensor> parameters) const { return scale_ ? parameters[0] : at::Tensor(); }
  at::Tensor bias(at::ArrayRef<at::Tensor> parameters) const { return center_ ? parameters[scale_ ? 1 : 0] : at::Tensor(); }

 private:
  double epsilon_;
  bool scale_, center_;
};

/// Over the features of [F], or over the channels of each pixel (Ba et al. 2016).
class LayerNorm final : public SampleNorm {
 public:
  LayerNorm(const Shape& shape, const Attrs& attrs) : SampleNorm(shape, attrs) {}
  at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> parameters, const Pass&) const override {
    const auto norm = [&](const at::Tensor& x) {
      return at::layer_norm(x, {outputShape()[0]}, weight(parameters), bias(parameters), epsilon());
    };
    return inputs[0].dim() == 2 ? norm(inputs[0]) : norm(inputs[0].movedim(1, 3)).movedim(3, 1);
  }
};

/// Over each group of channels and all pixels (Wu, He 2018).
class GroupNorm final : public SampleNorm {
 public:
  GroupNorm(const Shape& shape, const Attrs& attrs) : SampleNorm(shape, attrs), groups_(attrs.integer("groups")) {
    check(groups_ > 0 && shape[0] % groups_ == 0, ErrorCode::option, "attribute 'groups' must divide the ", shape[0], " channels, got ",
          groups_);
  }
  at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> parameters, const Pass&) const override {
    return at::group_norm(inputs[0], groups_, weight(parameters), bias(parameters), epsilon());
  }

 private:
  int64_t groups_;
};

}  // namespace

OpPointer makeLayerNorm(const Attrs& attrs, const std::vector<Shape>& inputs) {
  return std::make_unique<LayerNorm>(onlyInput(inputs), attrs);
}

OpPointer makeGroupNorm(const Attrs& attrs, const std::vector<Shape>& inputs) {
  return std::make_unique<GroupNorm>(onlyImageInput(inputs), attrs);
}

OpPointer makeLocalResponseNorm(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const int64_t size = attrs.integer("size");
  check(size > 0, ErrorCode::option, "attribute 'size' must be positive, got ", size);
  const double alpha = attrs.number("alpha"), beta = attrs.number("beta"), k = attrs.number("k");
  return std::make_unique<FunctionOp>(onlyImageInput(inputs), [=](at::ArrayRef<at::Tensor> x, const Pass&) {
    // The channels as a depth of their own, whose neighbourhood a pooling sums; an even size looks further back than ahead.
    const at::Tensor squares = at::constant_pad_nd(x[0].square().unsqueeze(1), {0, 0, 0, 0, size / 2, (size - 1) / 2}, 0);
    const at::Tensor mean = at::avg_pool3d(squares, {size, 1, 1}, {1, 1, 1}).squeeze(1);
    return x[0] / (mean * alpha + k).pow(beta);
  });
}

}  // namespace cumulens
