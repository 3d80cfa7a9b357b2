// A docusaurus.config.js that writes until it is refused, to files and to its output.
import fs from 'node:fs';

const block = Buffer.alloc(16 * 1024 * 1024, 'x');
let refused;
let written = 0;
while (!refused && written < 16 * 1024) {
  try {
    fs.appendFileSync('/out/full', block);
    written += 16;
  } catch (error) {
    refused = error.code;
  }
}
throw new Error(`tried fill: ${refused} after ${written} MiB`);
