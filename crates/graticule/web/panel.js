// The network part of the panel: the switch, and what the way to the host costs the player.

import { NETWORKS, networkInUse, useNetwork } from './link.js';

const cm = (value) => (value === null ? '-' : `${value.toFixed(1)} cm`);

/**
 * Fills the switch.
 * @param {HTMLElement} element where its choices go
 */
export function buildSwitch(element) {
  for (const network of NETWORKS) {
    const label = document.createElement('label');
    const input = document.createElement('input');
    Object.assign(input, { type: 'radio', name: 'network', value: network.name, checked: network === networkInUse() });
    input.addEventListener('change', () => {
      useNetwork(network);
      // The keys that walk would go on to choose networks.
      input.blur();
    });
    label.append(input, network.name);
    element.append(label);
  }
}

/**
 * Shows how a player's connection and prediction do.
 * @param {(id: string) => HTMLElement} find finds what to fill
 * @param {import('./player.js').Player} player who plays
 */
export function showNetwork(find, player) {
  const { pingMs, corrections, clock, view } = player;
  find('hud-ping').textContent = pingMs === null ? '-' : `${pingMs.toFixed(0)} ms`;
  if (clock) {
    find('hud-ahead').textContent = `${((clock.ahead * 1000) / clock.rate).toFixed(0)} ms`;
    find('hud-lead').textContent = `${view.header.lead} ticks`;
  }
  find('hud-correction').textContent = cm(corrections.last);
  find('hud-correction-p95').textContent = cm(corrections.quantile(0.95));
}
