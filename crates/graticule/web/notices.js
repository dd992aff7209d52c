// Notices: what a player is told from outside of the world, as a line for people.

/** Characters of a line, so that one message does not cover the world. */
const LINE_MAX = 300;

const text = (value) => (typeof value === 'string' ? value : '');

/** How each topic reads; what is missing or no text is left out. */
const LINES = {
  chat: ({ channel, from, text: said }) => {
    // `zone:ins_...`: people want to know the kind, not the id.
    const kind = text(channel).split(':')[0];
    return text(said) && `${kind ? `[${kind}] ` : ''}${text(from?.name) || 'someone'}: ${said}`;
  },
  announcement: ({ text: said }) => text(said) && `* ${said}`,
};

/**
 * The line for a notice; null for a topic that is not known or a body that is of no use, which are passed over.
 * @param {{topic: string, body: string}} notice as it came
 */
export function lineOf({ topic, body }) {
  if (!Object.hasOwn(LINES, topic)) return null;
  let fields;
  try {
    fields = JSON.parse(body);
  } catch {
    return null;
  }
  if (fields === null || typeof fields !== 'object') return null;
  return LINES[topic](fields).slice(0, LINE_MAX) || null;
}
