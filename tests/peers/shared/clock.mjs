// Time that two processes of one machine share.

// Microseconds of the wall clock. Date.now() counts whole milliseconds, which is too coarse here.
export function nowMicros() {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

// Calls back at a fixed rate. setInterval drifts by up to a millisecond a call, so each wait is counted
// from when the call was due. After a long stall the missed calls are dropped rather than crowded together.
export function everyTick(hertz, call) {
  const period = 1000 / hertz;
  let due = performance.now() + period;
  const run = () => {
    call();
    due += period;
    const now = performance.now();
    if (now - due > 10 * period) due = now;
    setTimeout(run, due - now);
  };
  setTimeout(run, period);
}
