"""Full-size networks of torchvision and timm with random weights under their own names, and what PyTorch says of them: see zoo.test.js.

    python3 test/zoo/torchvision.py --list | CASE FOLDER        (needs torch, torchvision, timm and safetensors)
"""
import json
import sys
from functools import partial
from pathlib import Path

sys.dont_write_bytecode = True
# Beside this file `import torchvision` would find this file.
sys.path[0] = str(Path(__file__).parent.parent / "fixtures" / "models")

import torch_reference as ref  # first: it lets torchvision be imported
import timm
import torch
from torchvision import models

#: Case: the network, side of its pictures. All are known by their tensors' names, so nothing is said beside the file.
CASES = {
    "vgg16": (models.vgg16, 224),
    "resnet18": (models.resnet18, 224),
    "resnet50": (models.resnet50, 224),
    "inceptionv3": (partial(models.inception_v3, init_weights=False, transform_input=True), 299),
    "mobilenetv2": (models.mobilenet_v2, 224),
    "densenet121": (models.densenet121, 224),
    "efficientnetB0": (models.efficientnet_b0, 224),
    "timm's resnet50": (partial(timm.create_model, "resnet50"), 224),
    "timm's efficientnet_b0": (partial(timm.create_model, "efficientnet_b0"), 224),
}


def is_tapped(name):
    """All but the convolutions that weigh channels, whose picture is one pixel."""
    return not name.endswith((".fc1", ".fc2", ".conv_reduce", ".conv_expand"))


def main(case, folder):
    torch.manual_seed(0)
    make, size = CASES[case]
    model = make()
    images = ref.pictures(2, size, 90)
    tap_at = "activation" if case == "vgg16" else "conv"
    # Of millions of activations some lie at a kink, as near as single precision rounds: both sides compute in double.
    x = ref.normalise(images, dtype=torch.float64)
    logits, maps, names = ref.tell(model, x, 28, 9, tap_at, is_tapped)
    folder = Path(folder)
    ref.save_weights(folder / "weights.safetensors", model, torch.float32)
    ref.save_io(folder / "io.safetensors", images, logits, maps, None if case.startswith("timm") else names)
    options = {"dtype": "float64"} | ({"taps": "!*.fc?"} if "efficientnet" in case else {})
    (folder / "case.json").write_text(json.dumps({"model": "weights.safetensors", "options": options}))


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
    else:
        main(*sys.argv[1:])
