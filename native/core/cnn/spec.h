#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace cumulens {

/// A node attribute as it comes from a spec: TypeScript has validated it and filled every default.
using AttrValue = std::variant<bool, double, std::string, std::vector<double>>;
using AttrMap = std::map<std::string, AttrValue>;

/// One operation of a graph. `inputs` name earlier nodes, or "input" for the image batch.
struct NodeSpec {
  std::string name;
  std::string op;
  std::vector<std::string> inputs;
  AttrMap attrs;
  /// Name of an earlier node whose weights this one uses (a layer called twice); empty: its own.
  std::string weights;
};

/// How an RGB image in [0,1] becomes the network's input:
/// x·(high − low) + low, channels reversed if `bgr`, then (x − mean)/std in the network's channel order.
struct PreprocessingSpec {
  double low = 0.0;
  double high = 1.0;
  std::vector<double> mean;
  std::vector<double> std;
  bool bgr = false;
};

/// A whole CNN: nodes in an order in which every input comes before its use.
struct CnnSpec {
  int64_t channels = 3;
  int64_t height = 0;
  int64_t width = 0;
  std::vector<NodeSpec> nodes;
  std::string output;
  std::vector<std::string> taps;
  PreprocessingSpec preprocessing;
};

}  // namespace cumulens
