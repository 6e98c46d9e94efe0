// `npm run test:crash`
import { runMain } from '../run-main.js';

await runMain('crash');
