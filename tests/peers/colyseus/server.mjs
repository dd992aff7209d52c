// The peer on Colyseus: synchronised state with a StateView for each client, patched 10 times a second.

import { matchMaker, Room, Server } from '@colyseus/core';
import { Encoder, StateView } from '@colyseus/schema';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { nowMicros } from '../shared/clock.mjs';
import { Interest } from '../shared/interest.mjs';
import { TICKS_PER_SECOND, TICKS_PER_SNAPSHOT, World } from '../shared/world.mjs';
import { Player, WalkInput, WalkState } from './schema.mjs';

// The patches of all views of one round share a buffer. Colyseus warns and encodes again when it is too small.
Encoder.BUFFER_SIZE = 1024 * 1024;

class WalkRoom extends Room {
  state = new WalkState();
  // Colyseus numbers the inputs itself, and sends the number of the last one that was taken in every patch.
  inputs = this.defineInput(WalkInput);
  autoDispose = false;

  onCreate({ size, radius, seed, patch }) {
    this.world = new World(size, seed);
    this.interest = new Interest(size, radius);
    this.stamp = nowMicros();
    this.patchTick = 0;
    this.state.size = size;
    this.setFixedTimestep(() => this.tick(), TICKS_PER_SECOND);
    this.patchesByTick = patch === 'tick';
    // Set when there is a timestep: a room without one and without a patch rate ticks its clock by itself,
    // for good, and the steps lose the time that those ticks take.
    this.patchRate = this.patchesByTick ? null : (1000 * TICKS_PER_SNAPSHOT) / TICKS_PER_SECOND;
  }

  onJoin(client, options) {
    const body = this.world.add(String(options.name ?? 'nobody').slice(0, 16));
    body.synced = new Player().assign({ name: body.name, kind: body.kind });
    copyState(body);
    this.state.players.set(client.sessionId, body.synced);
    client.view = new StateView();
    client.view.add(body.synced);
    client.userData = { body, seen: new Set() };
  }

  onLeave(client) {
    this.world.remove(client.userData.body);
    this.state.players.delete(client.sessionId);
    client.view.dispose();
  }

  tick() {
    this.stamp = nowMicros();
    for (const client of this.clients) {
      // A client that has a seat but has not joined yet has no body.
      const body = client.userData?.body;
      if (body === undefined) continue;
      for (const { moveX, moveY, aim, action } of this.inputs.get(client.sessionId)) {
        body.take(body.lastInput + 1, moveX, moveY, aim, action);
      }
    }
    this.world.step();
    if (this.patchesByTick && this.world.tick % TICKS_PER_SNAPSHOT === 0) this.broadcastPatch();
  }

  // Copying at the rate of the patches rather than of the ticks saves the tracking of changes nobody is sent.
  onBeforePatch(state) {
    state.stamp = this.stamp;
    for (const body of this.world.players.values()) {
      if (body.changedAt > this.patchTick) copyState(body);
    }
    this.patchTick = this.world.tick;
    this.interest.place(this.world.players.values());
    for (const { view, userData } of this.clients) {
      if (userData === undefined) continue;
      this.interest.refresh(userData.body, userData.seen, {
        // One who left the game is taken out of every view by the state.
        onLeave: (other) => { if (!other.gone) view.remove(other.synced); },
        onEnter: (other) => view.add(other.synced),
      });
    }
  }
}

function copyState({ synced, x, y, heading, health, action }) {
  synced.assign({ x, y, heading, health, action });
}

export async function serve({ port, size, radius, seed, patch }) {
  const server = new Server({ transport: new WebSocketTransport(), greet: false, gracefullyShutdown: false });
  server.define('walk', WalkRoom);
  await server.listen(port, '127.0.0.1');
  await matchMaker.createRoom('walk', { size, radius, seed, patch });
}
