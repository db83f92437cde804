import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import eslint from '@eslint/js';

const nodeGlobals = Object.fromEntries(
  [
    ...[
      'AbortController',
      'AbortSignal',
      'Buffer',
      'URL',
      'WebAssembly',
      'clearInterval',
      'clearTimeout',
      'console',
      'fetch',
      'gc',
    ],
    ...[
      'globalThis',
      'performance',
      'process',
      'queueMicrotask',
      'setImmediate',
      'setInterval',
      'setTimeout',
      'structuredClone',
    ],
    ...['TextDecoder', 'TextEncoder', 'module', 'require'],
  ].map((name) => [name, 'readonly']),
);

export default defineConfig(
  globalIgnores(['build/', 'build-*/', 'dist/', 'coverage/', 'test/fixtures/']),
  eslint.configs.recommended,
  {
    files: ['src/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers in messages are wanted; objects in messages are mistakes.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Its advice is `!`, which another rule of the same set forbids.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // tsc looks for unused names too, and knows that a zod schema is used where its type is.
      '@typescript-eslint/no-unused-vars': 'off',
      '@typescript-eslint/class-literal-property-style': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: { ecmaVersion: 2023, globals: nodeGlobals },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs' },
  },
  {
    files: ['assets/report/*.js'],
    languageOptions: { sourceType: 'script', globals: { document: 'readonly' } },
  },
  {
    files: ['test/**/*.js'],
    languageOptions: {
      globals: {
        describe: 'readonly',
        it: 'readonly',
        before: 'readonly',
        after: 'readonly',
        beforeEach: 'readonly',
        afterEach: 'readonly',
      },
    },
  },
);
