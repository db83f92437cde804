"""The same work in PyTorch, as one writes it there: hooks, one forward and one backward pass, maps at all convolutions, cumulative averages.

    python pytorch_maps.py NETWORK BATCH SIZE THREADS contiguous|channels_last

Says what it is, then answers each line it reads: `time` with the seconds of one run, `peak` with the bytes that one run takes the process's
resident memory above what it held before.
"""

import ctypes
import importlib.util
import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F



def import_torchvision():
    """torchvision. Where its compiled operators are for another build of torch, declares those that its import asks for: no CNN uses them."""
    spec = importlib.util.find_spec("torchvision")
    try:
        ctypes.CDLL(str(pathlib.Path(spec.origin).with_name("_C.so")))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import_torchvision.library = library  # its declarations go with it
    return importlib.import_module("torchvision")


torchvision = import_torchvision()

NAMES = {"vgg16": "vgg16", "resnet50": "resnet50", "inceptionv3": "inception_v3"}
KEPT = 8


def make_network(name, layout):
    options = {"aux_logits": True, "init_weights": False} if name == "inceptionv3" else {}
    net = getattr(torchvision.models, NAMES[name])(weights=None, **options).eval().requires_grad_(False)
    return net.to(memory_format=layout)


class Taps:
    """Outputs of the convolutions, or of VGG16's activations, in the order of execution."""

    def __init__(self, net, kind):
        self.outputs = []
        for module in net.modules():
            if isinstance(module, torch.nn.ReLU):
                module.inplace = False  # a tapped value must stay
            if isinstance(module, kind):
                module.register_forward_hook(self.hook)

    def hook(self, module, inputs, output):
        if output.dim() != 4:
            return None
        if not output.requires_grad:  # nothing before the first tap has to be differentiated
            output = output.detach().requires_grad_(True)
        self.outputs.append(output)
        return output


def normalise(maps, size):
    maps = F.interpolate(maps, size=(size, size), mode="bilinear", align_corners=False)
    low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
    return torch.where(high > low, (maps - low) / (high - low), 0.0)


def explain(net, taps, images, size):
    taps.outputs.clear()
    logits = net(images)
    score = logits.gather(1, logits.argmax(1, keepdim=True)).sum()
    activations = [output.detach() for output in taps.outputs]
    gradients = torch.autograd.grad(score, taps.outputs)
    taps.outputs.clear()
    count = len(activations)
    kept = {-(-(-(-100 * i // (KEPT - 1)) * (count - 1)) // 100) for i in range(KEPT)}
    maps, averages, total = [], [], 0
    for index, (activation, gradient) in enumerate(zip(activations, gradients)):
        weights = gradient.mean((2, 3))
        one = torch.einsum("nc,nchw->nhw", weights, activation).unsqueeze(1)
        maps.append(normalise(F.relu(one), size))
        total = total + maps[-1]
        if index in kept:
            averages.append(total / (index + 1))
    return torch.cat(maps, 1), torch.cat(averages, 1)


def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def main():
    name, batch, size, threads, layout = sys.argv[1:]
    torch.manual_seed(0)
    torch.set_num_threads(int(threads))
    layout = getattr(torch, layout + "_format" if layout == "contiguous" else layout)
    net = make_network(name, layout)
    taps = Taps(net, torch.nn.ReLU if name == "vgg16" else torch.nn.Conv2d)
    images = torch.rand(int(batch), 3, int(size), int(size)).contiguous(memory_format=layout)
    print(json.dumps({"torch": torch.__version__.split("+")[0]}), flush=True)
    for line in sys.stdin:
        if line.strip() == "peak":
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
            before = resident("VmRSS")
            explain(net, taps, images, int(size))
            print(resident("VmHWM") - before, flush=True)
        else:
            start = time.perf_counter()
            explain(net, taps, images, int(size))
            print(time.perf_counter() - start, flush=True)


main()
