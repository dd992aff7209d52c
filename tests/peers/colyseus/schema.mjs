// The synchronised state and the input of the Colyseus peer. The client learns both from the handshake.

import { schema, t } from '@colyseus/schema';
import { SIZE_MAX, UNITS_PER_METRE } from '../shared/world.mjs';

// 16 bits over 2 km are steps of 1/32 m, for half the bytes of a float32.
const place = () => t.quantized({ min: 0, max: SIZE_MAX + 31 / UNITS_PER_METRE, bits: 16 });

export const Player = schema({
  name: t.string(),
  kind: t.uint8(),
  x: place(),
  y: place(),
  heading: t.uint8(),
  health: t.uint8(),
  action: t.uint8(),
}, 'Player');

export const WalkState = schema({
  // Microseconds of the wall clock at the start of the tick that the state shows.
  stamp: t.float64(),
  size: t.float32(),
  // A client is told only of players that are in its view.
  players: t.map(Player).view(),
}, 'WalkState');

export const WalkInput = schema({
  moveX: t.int8(),
  moveY: t.int8(),
  aim: t.uint16(),
  action: t.uint8(),
}, 'WalkInput');
