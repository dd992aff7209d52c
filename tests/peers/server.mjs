// Starts one of the rival servers: node server.mjs KIND --port P --players N --size M --radius M --seed S
// Colyseus also takes --patch tick: see the README.

// Standard output carries the line that says ready and nothing else, so what the libraries print goes elsewhere.
console.log = console.error;
console.info = console.error;
console.debug = console.error;

const { readArgs } = await import('./shared/args.mjs');
const args = readArgs(['port', 'players', 'size', 'radius', 'seed'], ['patch']);
const { serve } = await import(`./${args.kind}/server.mjs`);

process.on('SIGTERM', () => process.exit(0));
await serve(args);
process.stdout.write('{"ready":true}\n');
