# The same addon as CMakeLists.txt makes, for those who build with node-gyp: `npx node-gyp rebuild`. A CUDA libtorch needs CMake's build.
{
  'variables': {
    'libtorch': '<!(node scripts/libtorch.mjs root)',
  },
  'targets': [
    {
      'target_name': 'cumulens',
      'sources': ['<!@(node scripts/units.mjs build/units)'],
      'include_dirs': ['native', '<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': ['NAPI_VERSION=9', 'NAPI_CPP_EXCEPTIONS', 'NDEBUG'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': [
        '-std=c++20', '-fvisibility=hidden', '-fvisibility-inlines-hidden', '-Wall', '-Wextra', '-Werror', '-fopenmp',
        '-isystem', '<(libtorch)/include', '-isystem', '<(libtorch)/include/torch/csrc/api/include',
        '-include', 'pch.h',
      ],
      'libraries': ['-L<(libtorch)/lib', '-ltorch', '-ltorch_cpu', '-lc10', '-fopenmp', '-Wl,-rpath,<(libtorch)/lib'],
    },
    {
      'target_name': 'build_info',
      'type': 'none',
      'dependencies': ['cumulens'],
      'actions': [
        {
          'action_name': 'write_build_info',
          'inputs': ['<(PRODUCT_DIR)/cumulens.node', 'scripts/build-info.mjs'],
          'outputs': ['<(PRODUCT_DIR)/build-info.json'],
          'action': ['node', 'scripts/build-info.mjs', '<(libtorch)', '<@(_outputs)', '<!(${CXX:-g++} --version | head -n 1)', 'node-gyp'],
        },
      ],
    },
  ],
}
