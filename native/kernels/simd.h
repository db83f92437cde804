#pragma once

/// Before a function of plain loops: compiled once for each generation of processors, of which the loader takes the newest that fits, since
/// the addon itself is built for any x86-64.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CUMULENS_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CUMULENS_SIMD
#endif
