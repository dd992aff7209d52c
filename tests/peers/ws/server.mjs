// The peer on ws: a hand-written binary protocol on plain WebSockets.

import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { everyTick, nowMicros } from '../shared/clock.mjs';
import { Interest } from '../shared/interest.mjs';
import { TICKS_PER_SECOND, TICKS_PER_SNAPSHOT, World } from '../shared/world.mjs';
import { INPUT_BYTES, readInput, writeSnapshot, writeWelcome } from './protocol.mjs';

// A client that does not read is dropped before it fills the memory.
const UNSENT_BYTES_MAX = 1 << 20;

export async function serve({ port, size, radius, seed }) {
  const world = new World(size, seed);
  const interest = new Interest(size, radius);
  const clients = new Set();
  const server = new WebSocketServer({ host: '127.0.0.1', port, maxPayload: 1024 });

  server.on('connection', (socket, request) => {
    const name = new URL(request.url, 'ws://peer').searchParams.get('name') ?? 'nobody';
    const client = { socket, player: world.add(name.slice(0, 16)), seen: new Set() };
    clients.add(client);
    socket.on('message', (data, isBinary) => {
      if (isBinary && data.length === INPUT_BYTES) readInput(data, client.player);
      else socket.close(1003);
    });
    socket.on('close', () => {
      clients.delete(client);
      world.remove(client.player);
    });
    socket.on('error', (error) => console.error(error.message));
    socket.send(writeWelcome(size));
  });

  everyTick(TICKS_PER_SECOND, () => {
    const stamp = nowMicros();
    world.step();
    if (world.tick % TICKS_PER_SNAPSHOT !== 0) return;
    interest.place(world.players.values());
    for (const client of clients) sendSnapshot(client, stamp, world.tick - TICKS_PER_SNAPSHOT, interest);
  });
  await once(server, 'listening');
}

function sendSnapshot({ socket, player, seen }, stamp, lastSnapshotTick, interest) {
  if (socket.bufferedAmount > UNSENT_BYTES_MAX) {
    socket.terminate();
    return;
  }
  const left = [];
  const entered = [];
  const changed = [];
  interest.refresh(player, seen, {
    onLeave: (other) => left.push(other),
    onStay: (other) => { if (other.changedAt > lastSnapshotTick) changed.push(other); },
    onEnter: (other) => entered.push(other),
  });
  socket.send(writeSnapshot(stamp, player, left, entered, changed));
}
