#pragma once

#include "binding/convert.h"
#include "core/cnn/spec.h"
#include "core/maps/explain.h"

namespace cumulens {

/// Reads a spec as src/cnn/spec.ts gives it: validated, every default filled.
CnnSpec readCnnSpec(const Options& spec);

/// Reads how an image becomes the input, as src/cnn/preprocessing.ts gives it.
PreprocessingSpec readPreprocessing(const Options& preprocessing);

/// Reads the options of `explain`, every default filled.
ExplainOptions readExplainOptions(const Options& options);

}  // namespace cumulens
