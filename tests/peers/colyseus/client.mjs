// A bot's connection to the Colyseus peer.

import { setTimeout as wait } from 'node:timers/promises';
import { Callbacks, Client } from '@colyseus/sdk';

const JOIN_ATTEMPTS = 3;

export function connect(url, bot) {
  join(url, bot).catch((error) => bot.lost(error.message));
}

// A seat is reserved over HTTP first. On a busy machine a few of those requests fail, and players try again.
async function reserve(url, bot, attempt = 1) {
  try {
    return await new Client(url).join('walk', { name: bot.name });
  } catch (error) {
    if (attempt === JOIN_ATTEMPTS) throw error;
    console.error(`${bot.name}, attempt ${attempt}: ${error.message}: ${error.cause ?? error.code}`);
    await wait(200);
    return reserve(url, bot, attempt + 1);
  }
}

async function join(url, bot) {
  const room = await reserve(url, bot);
  room.reconnection.enabled = false;
  countBytes(room.connection.transport.ws, bot.tally);

  let moved = 0;
  const callbacks = Callbacks.get(room);
  callbacks.onAdd('players', (player, sessionId) => {
    // The own body is no update of another, as in the other peers.
    if (sessionId === room.sessionId) return;
    let { x, y } = player;
    callbacks.onChange(player, () => {
      if (player.x === x && player.y === y) return;
      ({ x, y } = player);
      moved += 1;
    });
  });

  let input;
  room.onStateChange((state) => {
    const own = state.players.get(room.sessionId);
    if (own === undefined) return;
    if (input === undefined) {
      input = room.input();
      bot.entered(state.size);
    }
    bot.snapshot(state.stamp, input.lastProcessed, own.x, own.y, state.players.size - 1, moved);
    moved = 0;
  });

  // The framework numbers the inputs.
  bot.send = (_sequence, moveX, moveY, aim, action) => {
    Object.assign(input.data, { moveX, moveY, aim, action });
    input.send();
  };
  bot.leave = () => room.leave();
  room.onDrop((code, reason) => bot.lost(`dropped with ${code} ${reason}`));
  room.onLeave((code) => bot.lost(`closed with ${code}`));
  room.onError((code, message) => bot.lost(`${code} ${message}`));
}

// The SDK has no count of its own, so the socket under it is watched.
function countBytes(socket, tally) {
  socket.addEventListener('message', (event) => tally.received(event.data.byteLength));
  const send = socket.send.bind(socket);
  socket.send = (data) => {
    tally.sent(data.byteLength);
    send(data);
  };
}
