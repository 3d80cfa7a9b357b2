// A docusaurus.config.js that never ends, and leaves a process that would outlive it.
import { spawn } from 'node:child_process';

export default async function configure() {
  spawn('sleep', ['100000'], { detached: true, stdio: 'ignore' }).unref();
  await new Promise(() => setInterval(() => {}, 1000));
}
