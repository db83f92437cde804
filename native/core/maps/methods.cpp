#include "core/maps/layer_map.h"

#include "core/runtime/error.h"

#include <map>

namespace cumulens {

LayerMap layerMap(const std::string& method) {
  static const std::map<std::string, LayerMap> table{
      {"gradcam", gradCam},           {"guided-gradcam-weights", guidedGradCamWeights},
      {"gradcam++", gradCamPlusPlus}, {"xgradcam", xGradCam},
      {"hirescam", hiResCam},         {"layercam", layerCam},
      {"eigencam", eigenCam},
  };
  const auto found = table.find(method);
  check(found != table.end(), ErrorCode::option, "unknown map method '", method, "'");
  return found->second;
}

}  // namespace cumulens
