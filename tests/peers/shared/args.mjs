// Command-line arguments of the form --name value.

import { parseArgs } from 'node:util';

export const KINDS = ['ws', 'socketio', 'colyseus'];

const TEXTS = ['url', 'patch'];

export function readArgs(names, optional = []) {
  const options = Object.fromEntries([...names, ...optional].map((name) => [name, { type: 'string' }]));
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [kind] = positionals;
  if (!KINDS.includes(kind) || positionals.length !== 1) throw new Error(`expected one of ${KINDS.join(', ')}`);
  const args = { kind };
  for (const name of names) {
    if (values[name] === undefined) throw new Error(`--${name} is missing`);
  }
  for (const [name, value] of Object.entries(values)) {
    args[name] = TEXTS.includes(name) ? value : Number(value);
    if (Number.isNaN(args[name])) throw new Error(`--${name} must be a number`);
  }
  return args;
}
