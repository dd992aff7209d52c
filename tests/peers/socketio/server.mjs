// The peer on socket.io, with its default parser: events with arrays, which it sends as JSON.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { everyTick, nowMicros } from '../shared/clock.mjs';
import { Interest } from '../shared/interest.mjs';
import { TICKS_PER_SECOND, TICKS_PER_SNAPSHOT, World } from '../shared/world.mjs';

export async function serve({ port, size, radius, seed }) {
  const world = new World(size, seed);
  const interest = new Interest(size, radius);
  const clients = new Set();
  const http = createServer();
  const server = new Server(http, { serveClient: false });

  server.on('connection', (socket) => {
    const name = String(socket.handshake.auth.name ?? 'nobody').slice(0, 16);
    const client = { socket, player: world.add(name), seen: new Set() };
    clients.add(client);
    socket.on('input', (input) => {
      if (Array.isArray(input) && input.length === 5) client.player.take(...input);
      else socket.disconnect(true);
    });
    socket.on('disconnect', () => {
      clients.delete(client);
      world.remove(client.player);
    });
    socket.emit('welcome', size);
  });

  everyTick(TICKS_PER_SECOND, () => {
    const stamp = nowMicros();
    world.step();
    if (world.tick % TICKS_PER_SNAPSHOT !== 0) return;
    interest.place(world.players.values());
    const lastSnapshotTick = world.tick - TICKS_PER_SNAPSHOT;
    // What changed is made into an array once, for all who see it.
    const states = new Map();
    for (const player of world.players.values()) {
      if (player.changedAt > lastSnapshotTick) states.set(player, stateOf(player));
    }
    for (const client of clients) sendSnapshot(client, stamp, states, interest);
  });
  http.listen(port, '127.0.0.1');
  await once(http, 'listening');
}

// Whole numbers of 1/32 m are shorter as JSON than metres with two digits after the point.
function stateOf({ id, unitX, unitY, heading, health, action }) {
  return [id, unitX, unitY, heading, health, action];
}

function sendSnapshot({ socket, player, seen }, stamp, states, interest) {
  const left = [];
  const entered = [];
  const changed = [];
  interest.refresh(player, seen, {
    onLeave: (other) => left.push(other.id),
    onStay: (other) => { if (states.has(other)) changed.push(states.get(other)); },
    onEnter: (other) => entered.push([...stateOf(other), other.kind, other.name]),
  });
  const own = [player.unitX, player.unitY, player.health];
  socket.emit('snapshot', stamp, player.lastInput, own, left, entered, changed);
}
