// The messages: their kinds and the order of their fields. See "Frames" in PROTOCOL.md.

/** The version of the protocol. */
export const VERSION = 2;
/** What a client sends. */
export const KIND = { hello: 1, resume: 2, input: 3, heartbeat: 4, bye: 5 };

const FIELDS = {
  16: [
    'version', 'entity', 'character', 'name', 'zone', 'tick', 'tickRate', 'ticksPerSnapshot', 'size', 'interestRadius',
    'terrainSeed', 'obstaclePermille', 'radius', 'speedMax', 'acceleration', 'xp', 'resumeToken', 'graceSecs',
  ],
  17: ['body'],
  18: ['kind', 'subject', 'object', 'value'],
  19: ['input', 'outcome', 'cooldownTicks'],
  20: ['clientTime', 'heldUs'],
  21: ['url', 'ticket'],
  22: ['code', 'text'],
  23: ['topic', 'body'],
  5: ['reason', 'text'],
};

/** Bytes per second that the client can take; 0 leaves it to the host. */
const BUDGET = 0;

/** The first message for one who comes with a ticket. */
export const hello = (ticket) => [KIND.hello, [VERSION, ticket, BUDGET]];

/** The first message for one who comes back. */
export const resume = (token) => [KIND.resume, [VERSION, token, BUDGET]];

/** The fields of a host's message by name; null for kinds that are not known, which are to be passed over. */
export function named(kind, fields) {
  const names = FIELDS[kind];
  return names ? Object.fromEntries(names.map((name, index) => [name, fields[index]])) : null;
}
