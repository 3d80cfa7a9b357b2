// A docusaurus.config.js that starts processes until one is refused.
import { spawn } from 'node:child_process';

export default async function configure() {
  let refused;
  let living = 0;
  while (!refused && living < 100_000) {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const started = new Promise((resolve) => {
      child.once('spawn', () => resolve());
      child.once('error', (error) => resolve(error.code));
    });
    refused = await started;
    living += refused ? 0 : 1;
  }
  throw new Error(`tried fork: ${refused} with ${living} living`);
}
