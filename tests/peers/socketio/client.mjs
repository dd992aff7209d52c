// A bot's connection to the socket.io peer.

import { io } from 'socket.io-client';
import { UNITS_PER_METRE } from '../shared/world.mjs';

export function connect(url, bot) {
  const entities = new Map();
  const socket = io(url.replace(/^ws/, 'http'), {
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    auth: { name: bot.name },
  });
  // A message of the WebSocket is the packet's text behind one character for its type.
  const bytesOf = (packet) => 1 + (packet.data === undefined ? 0 : Buffer.byteLength(packet.data));
  socket.io.engine.on('packet', (packet) => bot.tally.received(bytesOf(packet)));
  socket.io.engine.on('packetCreate', (packet) => bot.tally.sent(bytesOf(packet)));

  bot.send = (...input) => socket.emit('input', input);
  bot.leave = () => socket.disconnect();
  socket.on('welcome', (size) => bot.entered(size));
  socket.on('snapshot', (stamp, lastInput, [x, y], left, entered, changed) => {
    let moved = 0;
    for (const id of left) {
      if (!entities.delete(id)) bot.fault('told that an entity left that was not in view');
    }
    for (const [id, ex, ey, heading, health, action, kind, name] of entered) {
      entities.set(id, { x: ex, y: ey, heading, health, action, kind, name });
    }
    for (const [id, ex, ey, heading, health, action] of changed) {
      const entity = entities.get(id);
      if (entity === undefined) bot.fault('told of an entity that is not in view');
      else {
        if (entity.x !== ex || entity.y !== ey) moved += 1;
        Object.assign(entity, { x: ex, y: ey, heading, health, action });
      }
    }
    bot.snapshot(stamp, lastInput, x / UNITS_PER_METRE, y / UNITS_PER_METRE, entities.size, moved);
  });
  socket.on('connect_error', (error) => bot.lost(error.message));
  socket.on('disconnect', (reason) => bot.lost(reason));
}
