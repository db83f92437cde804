// Which libtorch is fetched, and from where: PyTorch's own wheels, whose torch/ folder holds a whole libtorch.

// The tags decide which wheel pip takes, whatever Python runs pip: libtorch itself does not depend on the Python version.
const PYTHON_TAGS = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311', '--only-binary=:all:'];

const MANYLINUX = [
  ...Array.from({ length: 24 }, (_, i) => `manylinux_2_${28 - i}`),
  'manylinux2014',
  'manylinux2010',
  'manylinux1',
];

/** Machine names as wheels spell them. arm64 goes through the same code and is not tested. */
const MACHINES = { x64: 'x86_64', arm64: 'aarch64' };

// The releases of the CUDA 13.0 toolkit that torch 2.14.1 names in its metadata.
const NVIDIA_CU130 = [
  'nvidia-cublas==13.1.1.3',
  'nvidia-cuda-cupti==13.0.85',
  'nvidia-cuda-nvrtc==13.0.88',
  'nvidia-cuda-runtime==13.0.96',
  'nvidia-cudnn-cu13==9.24.0.43',
  'nvidia-cufft==12.0.0.61',
  'nvidia-cufile==1.15.1.6',
  'nvidia-curand==10.4.0.35',
  'nvidia-cusolver==12.0.4.66',
  'nvidia-cusparse==12.6.3.3',
  'nvidia-cusparselt-cu13==0.8.1',
  'nvidia-nccl-cu13==2.30.7',
  'nvidia-nvjitlink>=13.0,<14',
  'nvidia-nvshmem-cu13==3.4.5',
  'nvidia-nvtx==13.0.85',
];

/**
 * @typedef {object} Variant
 * @property {string} version torch's release
 * @property {string[]} requirements what pip downloads
 * @property {string} index PyTorch's package index for it
 * @property {boolean} alsoPyPI some of the requirements are on PyPI alone
 * @property {number} downloadBytes about what is downloaded
 * @property {number} unpackedBytes about what it takes on disk afterwards
 */

/** @type {Record<string, Variant>} */
export const VARIANTS = {
  cpu: {
    version: '2.13.0',
    requirements: ['torch==2.13.0+cpu'],
    index: 'https://download.pytorch.org/whl/cpu',
    alsoPyPI: false,
    downloadBytes: 192e6,
    unpackedBytes: 0.52e9,
  },
  cu130: {
    version: '2.14.1',
    requirements: ['torch==2.14.1', ...NVIDIA_CU130],
    index: 'https://download.pytorch.org/whl/cu130',
    alsoPyPI: true,
    downloadBytes: 2.75e9,
    unpackedBytes: 4.6e9,
  },
};

/** pip's options that choose the wheels for this machine. */
export function wheelTags(arch = process.arch) {
  const machine = MACHINES[arch];
  if (process.platform !== 'linux' || !machine) return undefined;
  return [...MANYLINUX.flatMap((tag) => ['--platform', `${tag}_${machine}`]), ...PYTHON_TAGS];
}
