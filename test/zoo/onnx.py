"""Full-size networks of torchvision through PyTorch's ONNX exporters, and what PyTorch says of them: see zoo.test.js.

    python3 test/zoo/onnx.py --list | CASE FOLDER        (needs torch, torchvision, onnx, onnxscript and safetensors)
"""
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
# Beside this file `import onnx` would find this file.
sys.path[0] = str(Path(__file__).parent.parent / "fixtures" / "models")

import torch_reference as ref  # before torchvision
import onnx_reference as exporters
import torch
import torchvision.models as zoo

#: Case: network, side of its pictures, where it is tapped, how it is exported.
CASES = {
    "vgg16": (zoo.vgg16, 224, "activation", {"opset": 11}),
    "resnet50": (zoo.resnet50, 224, "conv", {"opset": 13}),
    "inceptionv3": (lambda: zoo.inception_v3(init_weights=False, transform_input=True), 299, "conv", {"opset": 17}),
    "mobilenetv2": (zoo.mobilenet_v2, 224, "conv", {"opset": 21, "dynamo": True}),
    "densenet121": (zoo.densenet121, 224, "conv", {"opset": 18, "dynamo": True, "external": True}),
}


def main(case, folder):
    torch.manual_seed(0)
    make, size, tap_at, how = CASES[case]
    model = make()
    # What training alone runs.
    model.aux_logits, model.AuxLogits = False, None
    images = ref.pictures(2, size, 60)
    # Of millions of activations some lie at a kink, as near as single precision rounds: both sides compute in double.
    told = ref.tell(model, ref.normalise(images, dtype=torch.float64), 14, 6, tap_at)
    folder = Path(folder)
    exporters.export(model, size, folder / "model.onnx", **how)
    ref.save_io(folder / "io.safetensors", images, *told)
    (folder / "case.json").write_text(json.dumps({"model": "model.onnx", "options": {"preprocessing": "torch", "dtype": "float64"}}))


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
    else:
        main(*sys.argv[1:])
