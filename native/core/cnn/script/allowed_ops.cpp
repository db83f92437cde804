#include "core/cnn/script/allowed_ops.h"

#include <iterator>
#include <string_view>
#include <unordered_set>

namespace cumulens {
namespace {

// A name with a trailing underscore is the same op in place: it is allowed with its base.
constexpr std::string_view kAten[] = {
    // convolutions, linear algebra
    "conv1d", "conv2d", "conv3d", "convolution", "_convolution", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "linear",
    "matmul", "mm", "bmm", "addmm", "baddbmm", "mv", "dot", "einsum", "outer", "tensordot", "scaled_dot_product_attention",
    // activations
    "relu", "relu6", "leaky_relu", "prelu", "rrelu", "silu", "mish", "gelu", "elu", "celu", "selu", "sigmoid", "log_sigmoid", "tanh",
    "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "softplus", "softsign", "threshold", "glu", "softmax",
    "log_softmax", "clamp", "clamp_min", "clamp_max", "clip",
    // norms, dropout (which is off)
    "batch_norm", "instance_norm", "group_norm", "layer_norm", "rms_norm", "norm", "linalg_vector_norm", "frobenius_norm", "dropout",
    "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "std_mean", "var_mean",
    // pooling, resampling, padding
    "max_pool2d", "max_pool1d", "max_pool3d", "max_pool2d_with_indices", "avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool2d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "upsample_nearest1d", "upsample_nearest2d", "upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d",
    "_upsample_nearest_exact2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa", "grid_sampler", "grid_sampler_2d",
    "affine_grid_generator", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "constant_pad_nd", "pad", "reflection_pad1d",
    "reflection_pad2d", "replication_pad1d", "replication_pad2d", "zero_pad2d", "unfold", "im2col", "col2im", "fold",
    // arithmetic
    "add", "sub", "rsub", "mul", "div", "true_divide", "floor_divide", "remainder", "fmod", "pow", "square", "sqrt", "rsqrt", "exp",
    "expm1", "log", "log2", "log10", "log1p", "abs", "neg", "sign", "floor", "ceil", "round", "trunc", "frac", "reciprocal", "sin", "cos",
    "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "erf", "erfc", "addcmul", "addcdiv", "lerp", "maximum", "minimum", "fmax",
    "fmin", "multiply", "divide", "subtract", "negative", "absolute", "nan_to_num", "logaddexp", "bitwise_and", "bitwise_or", "bitwise_xor",
    "bitwise_not", "floordiv", "logsumexp", "cumsum",
    // comparison, choice
    "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not", "logical_xor", "where", "masked_fill", "isnan", "isinf",
    "isfinite", "__and__", "__or__", "__xor__", "__not__", "__is__", "__isnot__", "__contains__", "__getitem__",
    // reductions
    "sum", "mean", "prod", "std", "var", "max", "min", "amax", "amin", "aminmax", "argmax", "argmin", "any", "all", "topk", "sort",
    "argsort",
    // shape
    "view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "squeeze", "unsqueeze", "permute", "transpose", "t", "movedim",
    "moveaxis", "swapaxes", "swapdims", "contiguous", "expand", "expand_as", "repeat", "repeat_interleave", "tile", "broadcast_to",
    "broadcast_tensors", "cat", "concat", "concatenate", "stack", "hstack", "vstack", "split", "split_with_sizes", "tensor_split", "chunk",
    "unbind", "select", "slice", "narrow", "index", "index_select", "gather", "take_along_dim", "roll", "flip", "rot90", "diagonal", "tril",
    "triu", "meshgrid", "numel", "size", "dim", "ndimension", "len", "numpy_T", "mT", "adjoint", "ravel", "atleast_1d", "index_put", "copy",
    "embedding",
    // making tensors, changing type
    "zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "arange", "linspace", "eye",
    "tensor", "scalar_tensor", "as_tensor", "_shape_as_tensor", "one_hot", "to", "type_as", "clone", "detach", "alias", "lift_fresh",
    "lift_fresh_copy", "lift", "item", "fill", "zero", "is_floating_point", "is_complex", "is_contiguous", "resolve_conj", "resolve_neg",
    "dtype", "device", "layout",
    // numbers, lists, dictionaries, text (for messages)
    "Int", "Float", "Bool", "FloatImplicit", "IntImplicit", "ScalarImplicit", "ceildiv", "mathremainder", "gcd", "copysign", "append",
    "extend", "insert", "pop", "reverse", "count", "list", "_set_item", "get", "keys", "values", "items", "setdefault", "update", "dict",
    "Delete", "clear", "remove", "format", "lower", "upper", "startswith", "endswith", "strip", "find", "equal", "is_scripting",
    "_unwrap_optional", "_assert", "sym_size", "divmod", "list_with_default", "is_grad_enabled", "is_autocast_enabled",
    "is_autocast_cpu_enabled", "degrees", "radians", "sorted", "range_length", "__range_length", "__derive_index", "mod"};

constexpr std::string_view kPrim[] = {"Constant",
                                      "GetAttr",
                                      "If",
                                      "Loop",
                                      "Param",
                                      "Return",
                                      "ListConstruct",
                                      "ListUnpack",
                                      "TupleConstruct",
                                      "TupleUnpack",
                                      "TupleIndex",
                                      "TupleSlice",
                                      "DictConstruct",
                                      "NumToTensor",
                                      "ImplicitTensorToNum",
                                      "Uninitialized",
                                      "RaiseException",
                                      "dtype",
                                      "device",
                                      "layout",
                                      "shape",
                                      "min",
                                      "max",
                                      "abs",
                                      "is_cuda",
                                      "unchecked_cast",
                                      "unchecked_unwrap_optional",
                                      "isinstance",
                                      "rangelist",
                                      "StringIndex",
                                      "requires_grad",
                                      "itemsize",
                                      "is_quantized",
                                      "is_sparse",
                                      "is_mkldnn",
                                      "type",
                                      "name",
                                      "EnumValue",
                                      "is_cpu"};

std::unordered_set<std::string_view> setOf(const std::string_view* begin, const std::string_view* end) { return {begin, end}; }

}  // namespace

bool isAllowedOp(const std::string& qualifiedName) {
  static const auto aten = setOf(std::begin(kAten), std::end(kAten));
  static const auto prim = setOf(std::begin(kPrim), std::end(kPrim));
  const std::string_view name = qualifiedName;
  if (name == "cumulens::text") return true;
  if (name.starts_with("prim::")) return prim.contains(name.substr(6));
  if (!name.starts_with("aten::")) return false;
  const std::string_view op = name.substr(6);
  return aten.contains(op) || (op.ends_with('_') && aten.contains(op.substr(0, op.size() - 1)));
}

}  // namespace cumulens
