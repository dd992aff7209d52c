// The chat box: Enter opens it, Enter says the line to everyone in the same instance, Escape closes it.

/**
 * @param {HTMLInputElement} box where the line is typed
 * @param {() => import('./player.js').Player | null} playing who plays now
 * @param {(text: string) => void} tell shows what went wrong
 */
export function buildChat(box, playing, tell) {
  const close = () => {
    box.hidden = true;
    box.value = '';
    box.blur();
  };
  window.addEventListener('keydown', (event) => {
    if (event.code !== 'Enter' || !box.hidden || !playing()?.connected) return;
    event.preventDefault();
    box.hidden = false;
    box.focus();
  });
  box.addEventListener('keydown', (event) => {
    // What is typed moves nobody.
    event.stopPropagation();
    if (event.code === 'Escape') close();
    if (event.code !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    const said = box.value.trim();
    close();
    const player = playing();
    if (!said || !player) return;
    player.services.say(`zone:${player.instance}`, player.character, said).catch((error) => tell(error.message));
  });
  box.addEventListener('blur', close);
}
