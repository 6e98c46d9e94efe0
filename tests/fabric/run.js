// `npm run test:fabric`
import { runMain } from '../run-main.js';

await runMain('fabric');
