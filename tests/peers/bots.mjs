// Loads one of the rival servers: node bots.mjs KIND --url URL --players N --seconds S --seed S

console.log = console.error;
console.info = console.error;
console.debug = console.error;

const { setTimeout: wait } = await import('node:timers/promises');
const { readArgs } = await import('./shared/args.mjs');
const { Bot } = await import('./shared/bot.mjs');
const { Tally } = await import('./shared/tally.mjs');

const JOINS_PER_SECOND = 250;
const JOIN_SECONDS_MAX = 20;
const STEP_MILLIS = 100;

const args = readArgs(['url', 'players', 'seconds', 'seed']);
const { connect } = await import(`./${args.kind}/client.mjs`);
const tally = new Tally();
const bots = Array.from({ length: args.players }, (_, number) => new Bot(number, args.seed, tally));

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// One pump for all bots, rather than a timer each: their steps stay evenly spread over the 100 ms, while
// timers of one length would bunch up.
function pumpSteps() {
  const start = performance.now();
  let steps = 0;
  return setInterval(() => {
    const due = Math.floor(((performance.now() - start) / STEP_MILLIS) * bots.length);
    for (; steps < due; steps += 1) bots[steps % bots.length].step();
  }, 1);
}

async function connectAll() {
  const start = performance.now();
  for (const [number, bot] of bots.entries()) {
    const due = start + (number * 1000) / JOINS_PER_SECOND;
    if (due > performance.now()) await wait(due - performance.now());
    connect(args.url, bot);
  }
  const until = performance.now() + JOIN_SECONDS_MAX * 1000;
  while (performance.now() < until && bots.some((bot) => bot.state === 'connecting')) await wait(20);
  const late = bots.filter((bot) => bot.state === 'connecting');
  for (const bot of late) bot.lost(`not within ${JOIN_SECONDS_MAX} s`);
  return bots.filter((bot) => bot.state === 'in').length;
}

async function measure() {
  await wait((args.seconds * 1000) / 3);
  const [from, cpuFrom] = [performance.now(), process.cpuUsage()];
  tally.measures = true;
  say({ measuring: true });
  await wait((args.seconds * 2000) / 3 - 1000);
  tally.measures = false;
  const seconds = (performance.now() - from) / 1000;
  const cpu = process.cpuUsage(cpuFrom);
  say({ measured: true });
  return { seconds, cpuShare: (cpu.user + cpu.system) / 1e6 / seconds };
}

const pump = pumpSteps();
const connected = await connectAll();
const { seconds, cpuShare } = await measure();
clearInterval(pump);
const disconnects = bots.filter((bot) => bot.wasIn).length;
for (const bot of bots) bot.end();
const number = (value) => (Number.isFinite(value) ? value : null);
const result = {
  players: args.players,
  connected,
  disconnects,
  snapshots: tally.snapshots,
  in_view_mean: number(tally.inView / tally.snapshots) ?? 0,
  updates: tally.updates,
  payload_down: tally.down,
  payload_up: tally.up,
  added_us: tally.addedPercentiles(),
  seconds,
  bots_cpu_share: cpuShare,
  faults: tally.faultTexts(),
};
// What the bots hold open would keep the process alive.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
