// A docusaurus.config.js that attempts what the build of a docs site must not do.
//
// attack.json in the site lists the attempts. The error that ends the build has each outcome:
// `tried WHAT: done …`, or the code of the error that refused it.
import dns from 'node:dns/promises';
import fs from 'node:fs';
import net from 'node:net';

const attack = JSON.parse(fs.readFileSync('attack.json', 'utf8'));
const told = [];

async function attempt(what, act) {
  try {
    told.push(`tried ${what}: done ${await act()}`);
  } catch (error) {
    told.push(`tried ${what}: ${error.code ?? error.message}`);
  }
}

function connected(port, host) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, host);
    socket.once('connect', resolve);
    socket.once('error', reject);
    socket.setTimeout(10_000, () => reject(new Error('silent')));
  });
}

export default async function configure() {
  const processes = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const environments = ['self', ...processes].map((name) => `/proc/${name}/environ`);
  for (const file of [...attack.files, ...environments]) {
    await attempt(`read ${file}`, () => fs.readFileSync(file, 'utf8').replaceAll('\0', ' '));
  }
  for (const file of attack.places) {
    await attempt(`write ${file}`, () => fs.writeFileSync(file, 'attacked'));
  }
  for (const [host, port] of attack.addresses) {
    await attempt(`connect ${host} ${port}`, () => connected(port, host));
  }
  for (const name of attack.names) {
    await attempt(`resolve ${name}`, () => dns.lookup(name));
  }
  await attempt('setuid 0', () => process.setuid(0));
  const held = /^(?:Uid|CapEff|NoNewPrivs):.*$/gm;
  const status = fs.readFileSync('/proc/self/status', 'utf8').match(held);
  told.push(...status.map((line) => `holds ${line.replace(/\s+/g, ' ')}`));

  throw new Error(told.join('\n'));
}
