#pragma once

#include <ATen/ATen.h>

#include <string>

namespace cumulens {

/// A layer's map before resizing and normalising, [N,H,W].
/// @param activations A [N,C,H,W] and @param gradients g = ∂Σ score/∂A of the same shape, both outside autograd.
using LayerMap = at::Tensor (*)(const at::Tensor& activations, const at::Tensor& gradients);

// gradient_weights.cpp: Σ_c w_c·A_c with one weight a channel.

/// Σ_c w_c·A_c, [N,H,W], for weights [N,C] or [N,C,1,1].
at::Tensor weightedSum(const at::Tensor& weights, const at::Tensor& activations);

/// Grad-CAM (Selvaraju et al. 2017): w = mean g; relu.
at::Tensor gradCam(const at::Tensor& activations, const at::Tensor& gradients);
/// The weights of the authors' published code: w = mean 1[A>0]·1[g>0]·g; no relu.
at::Tensor guidedGradCamWeights(const at::Tensor& activations, const at::Tensor& gradients);
/// Grad-CAM++ (Chattopadhay et al. 2018): w = Σ α·relu(g), α = g²/(2g² + (ΣA)·g³ + 1e-6) where g > 0; relu.
at::Tensor gradCamPlusPlus(const at::Tensor& activations, const at::Tensor& gradients);
/// XGrad-CAM (Fu et al. 2020): w = Σ g·A/(ΣA + 1e-7); relu.
at::Tensor xGradCam(const at::Tensor& activations, const at::Tensor& gradients);

// elementwise.cpp: every pixel has its own weight.

/// HiResCAM (Draelos, Carin 2020): relu(Σ_c g_c·A_c).
at::Tensor hiResCam(const at::Tensor& activations, const at::Tensor& gradients);
/// LayerCAM (Jiang et al. 2021): relu(Σ_c relu(g_c)·A_c).
at::Tensor layerCam(const at::Tensor& activations, const at::Tensor& gradients);

// eigen.cpp

/// Eigen-CAM (Muhammad, Yeasin 2020): relu of the activations' projection on their first principal direction; no gradients.
at::Tensor eigenCam(const at::Tensor& activations, const at::Tensor& gradients);

/// The method called "gradcam", "guided-gradcam-weights", "gradcam++", "xgradcam", "hirescam", "layercam" or "eigencam".
/// @throws Error option for any other name.
LayerMap layerMap(const std::string& method);

}  // namespace cumulens
