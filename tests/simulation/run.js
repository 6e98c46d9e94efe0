// `npm run test:simulation`
import { runMain } from '../run-main.js';

await runMain('simulation');
