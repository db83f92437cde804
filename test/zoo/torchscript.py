"""torchvision's networks at their full size as TorchScript, traced or scripted, and what PyTorch says of them: see zoo.test.js.

    python3 test/zoo/torchscript.py --list | CASE FOLDER        (needs torch, torchvision and safetensors)
"""
import json
import sys
from functools import partial
from pathlib import Path

sys.dont_write_bytecode = True
# Beside this file `import torchvision` would find a file of that name.
sys.path[0] = str(Path(__file__).parent.parent / "fixtures" / "models")

import torch_reference as ref  # first: it lets torchvision be imported
import torch
from torchvision import models

#: Case: the network, side of its pictures, how it becomes a script.
CASES = {
    "vgg16": (models.vgg16, 224, torch.jit.script),
    "resnet50": (models.resnet50, 224, torch.jit.script),
    "inceptionv3": (partial(models.inception_v3, init_weights=False, aux_logits=False, transform_input=True), 299, None),
    "mobilenetv2": (models.mobilenet_v2, 224, None),
    "densenet121": (models.densenet121, 224, None),
}


def main(case, folder):
    torch.manual_seed(0)
    make, size, script = CASES[case]
    model = make()
    images = ref.pictures(2, size, 90)
    # Of millions of activations some lie at a kink, as near as single precision rounds: both sides compute in double.
    x = ref.normalise(images, dtype=torch.float64)
    told = ref.tell(model, x, 28, 9, "activation" if case == "vgg16" else "conv")
    saved = script(model) if script else torch.jit.trace(model, x.float())
    folder = Path(folder)
    saved.save(str(folder / "model.pt"))
    ref.save_io(folder / "io.safetensors", images, *told)
    options = {"dtype": "float64", "input": size, "preprocessing": "torch"}
    (folder / "case.json").write_text(json.dumps({"model": "model.pt", "options": options}))


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
    else:
        main(*sys.argv[1:])
