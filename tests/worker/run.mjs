// Runs the built Worker in workerd with D1 migrated by wrangler: node run.mjs CONFIG_JSON
// CONFIG_JSON: {"cf": {...}, "bindings": {...}}. Prints its URL, and ends when its input does.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Log, LogLevel, Miniflare } from 'miniflare';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const built = join(root, 'edge/build-out');
const { cf, bindings } = JSON.parse(process.argv[2]);
const state = mkdtempSync(join(tmpdir(), 'graticule-worker-'));
const wrangler = join(here, 'node_modules/.bin/wrangler');
execFileSync(wrangler, ['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', state], {
  cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, CI: 'true', WRANGLER_SEND_METRICS: 'false' },
});
const databaseId = readFileSync(join(root, 'wrangler.toml'), 'utf8').match(/database_id = "([^"]+)"/)[1];

const path = (file) => join(built, file);
const modules = readdirSync(built, { recursive: true }).map(String).filter((file) => /\.(js|wasm)$/.test(file)).map((file) => (
  { type: file.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule', path: path(file) }
));
modules.sort((a, b) => Number(b.path === path('index.js')) - Number(a.path === path('index.js')));
const worker = new Miniflare({
  modules,
  modulesRoot: built,
  compatibilityDate: '2026-01-01',
  cf,
  bindings,
  d1Databases: { DB: databaseId },
  d1Persist: join(state, 'v3/d1'),
  log: new Log(LogLevel.ERROR),
});
console.log(String(await worker.ready));
process.stdin.resume();
process.stdin.on('end', async () => {
  await worker.dispose();
  rmSync(state, { recursive: true, force: true });
});
