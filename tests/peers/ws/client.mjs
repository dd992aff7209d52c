// A bot's connection to the ws peer.

import WebSocket from 'ws';
import { readSnapshot, SNAPSHOT, WELCOME, writeInput } from './protocol.mjs';

export function connect(url, bot) {
  const entities = new Map();
  const socket = new WebSocket(`${url}?name=${bot.name}`);
  bot.send = (sequence, moveX, moveY, aim, action) => {
    const data = writeInput(sequence, moveX, moveY, aim, action);
    bot.tally.sent(data.length);
    socket.send(data);
  };
  bot.leave = () => socket.close();
  socket.on('message', (data) => {
    bot.tally.received(data.length);
    if (data[0] === WELCOME) {
      bot.entered(data.readDoubleLE(1));
    } else if (data[0] === SNAPSHOT) {
      const { stamp, lastInput, x, y, moved, unknown } = readSnapshot(data, entities);
      if (unknown > 0) bot.fault('told of an entity that is not in view');
      bot.snapshot(stamp, lastInput, x, y, entities.size, moved);
    }
  });
  socket.on('close', (code) => bot.lost(`closed with ${code}`));
  socket.on('error', (error) => bot.lost(error.message));
}
