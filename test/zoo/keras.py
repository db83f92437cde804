"""Full-size Keras applications with random weights, and what Keras says of them: see zoo.test.js.

    python3 test/zoo/keras.py --list | CASE FOLDER        (needs tensorflow, keras 3, h5py and safetensors)
"""
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
# Beside this file `import keras` would find this file.
sys.path[0] = str(Path(__file__).parent.parent / "fixtures" / "models")

import keras_reference as ref  # first: it quietens TensorFlow
import keras
import numpy as np
from keras import applications

#: Case: application, side of its pictures, suffix of the file.
CASES = {
    "vgg16": (applications.VGG16, 224, "keras"),
    "resnet50": (applications.ResNet50, 224, "h5"),
    "inceptionv3": (applications.InceptionV3, 299, "keras"),
    "mobilenetv2": (applications.MobileNetV2, 224, "h5"),
}


def main(case, folder):
    keras.utils.set_random_seed(0)
    application, size, suffix = CASES[case]
    model = application(weights=None, input_shape=(size, size, 3))
    # Of millions of activations some lie at a kink, as near as single precision rounds: both sides compute in double.
    keras.config.set_dtype_policy("float64")
    keras.config.set_floatx("float64")
    twin = application(weights=None, input_shape=(size, size, 3))
    images = ref.pictures(2, size, 60)
    told = ref.tell(model, images.astype(np.float64) / 255, 28, 6, twin)
    folder = Path(folder)
    model.save(folder / f"model.{suffix}")
    ref.save_io(folder / "io.safetensors", images, *told)
    (folder / "case.json").write_text(json.dumps({"model": f"model.{suffix}", "options": {"dtype": "float64"}}))


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
    else:
        main(*sys.argv[1:])
