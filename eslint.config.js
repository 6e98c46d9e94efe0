import tseslint from 'typescript-eslint';

const money = [
  {
    selector: "CallExpression[callee.name='parseFloat']",
    message: 'Money is bigint paisa; rates are decimal.js (kernel/rate.ts).',
  },
  {
    selector: "MemberExpression[object.name='Math'][property.name=/^(round|ceil|floor|trunc)$/]",
    message: 'Money is bigint paisa; rates are decimal.js (kernel/rate.ts).',
  },
];
const shape = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of strings.' },
  { selector: 'TSModuleDeclaration[kind="namespace"]', message: 'Use modules.' },
  { selector: 'TSParameterProperty', message: 'Write the field out.' },
  { selector: 'Decorator', message: 'No decorators.' },
];
const sources = [
  'bin/**/*.ts',
  'kernel/**/*.ts',
  'ledger/**/*.ts',
  'reconciliation/**/*.ts',
  'switch/**/*.ts',
  'stamp-renderer/**/*.ts',
  'chaincode/**/*.ts',
  'portal/**/*.ts',
];

export default tseslint.config(
  { ignores: ['dist/', 'data/', 'demo-output/', 'node_modules/', '**/*.js', '**/*.cjs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: false }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...shape],
    },
  },
  {
    files: sources,
    ignores: [
      '**/*.test.ts',
      'kernel/config.ts',
      'kernel/embedded-postgres.ts',
      'kernel/postgres-launch.ts',
    ],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'kernel/config.ts is the only reader of the environment.',
        },
      ],
    },
  },
  {
    files: [
      'ledger/**/*.ts',
      'switch/payment/**/*.ts',
      'switch/channels/**/*.ts',
      'kernel/money.ts',
      'kernel/rate.ts',
    ],
    ignores: ['**/*.test.ts', 'kernel/money.ts'],
    rules: { 'no-restricted-syntax': ['error', ...shape, ...money] },
  },
  {
    files: ['**/*.test.ts', 'tests/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
);
