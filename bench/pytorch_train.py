"""A training step in plain PyTorch, the one that the tests hold cumulens to (test/fixtures/make_gan_step.py), in float32 at other sizes.

    python pytorch_train.py VARIANT THREADS SETTINGS

Says what it is, then answers each line it reads, a number of steps, with the seconds they took.
"""

import importlib.util
import json
import pathlib
import sys
import time

import torch


def load_step(settings):
    path = pathlib.Path(__file__).parent.parent / "test" / "fixtures" / "make_gan_step.py"
    spec = importlib.util.spec_from_file_location("make_gan_step", path)
    step = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(step)
    for name, value in settings.items():
        assert hasattr(step, name), name
        setattr(step, name, value)
    return step


def main():
    variant, threads, settings = sys.argv[1:]
    torch.set_num_threads(int(threads))
    step = load_step(json.loads(settings))
    random = torch.Generator().manual_seed(7)
    g, d = (
        {name: value.detach().float().requires_grad_() for name, value in step.draw(shapes, random).items()}
        for shapes in (step.generator_shapes(variant), step.critic_shapes())
    )
    size = (step.SIZE, step.SIZE)
    image, conditions, target = (torch.rand(step.SAMPLES, n, *size, generator=random) for n in (3, step.CONDITIONS, 1))
    network = getattr(step, variant)
    print(json.dumps({"torch": torch.__version__.split("+")[0]}), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        step.train(network, g, d, image, conditions, target, int(line))
        print(time.perf_counter() - start, flush=True)


main()
