"""Unpacks from a wheel what a C++ program needs of it, and says on each line how many bytes are done, of how many.

    python3 unpack.py WHEEL FOLDER
Written for any Python 3.7 or later; it imports nothing beyond the standard library.
"""
import os
import shutil
import sys
import zipfile

KEEP = ("torch/lib/", "torch/include/", "torch/share/", "torch/version.py", "torch.libs/", "nvidia/")
# Python's bindings and PyTorch's own test libraries: nothing of ours links them.
LEAVE = ("torch/lib/libtorch_python.so", "torch/lib/libbackend_with_compiler.so", "torch/lib/libjitbackend_test.so",
         "torch/lib/libtorchbind_test.so", "torch/lib/libaoti_custom_ops.so", "torch/lib/libshm")


def wanted(name):
    return name.startswith(KEEP) and not name.startswith(LEAVE) and not name.endswith((".py", "/")) or name == "torch/version.py"


def unpack(wheel, folder):
    root = os.path.realpath(folder)
    with zipfile.ZipFile(wheel) as archive:
        members = [member for member in archive.infolist() if wanted(member.filename)]
        total, done = sum(member.file_size for member in members), 0
        for member in members:
            path = os.path.realpath(os.path.join(root, member.filename))
            if os.path.commonpath([root, path]) != root:
                sys.exit("%s names a file outside of its folder: %s" % (wheel, member.filename))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            # Reading to the end checks the member's CRC.
            with archive.open(member) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 22)
            done += member.file_size
            print(done, total, flush=True)


if __name__ == "__main__":
    unpack(sys.argv[1], sys.argv[2])
