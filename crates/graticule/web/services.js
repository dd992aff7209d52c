// The services before the world: the edge, and the API of a region.

/** An answer that is an error: `code` for programs, `message` for people. */
export class ServiceError extends Error {
  constructor(problem, status) {
    super(problem?.detail ?? `the service answered with status ${status}`);
    this.code = problem?.code ?? 'unknown';
    this.status = status;
  }
}

async function ask(url, options = {}) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new ServiceError({ code: 'unreachable', detail: `${new URL(url).origin} cannot be reached: is the server running?` }, 0);
  }
  const body = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new ServiceError(body, response.status);
  return body;
}

function post(url, body, headers = {}) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
  return ask(url, init);
}

function randomText(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What this browser proves itself with as a guest; kept as long as the browser keeps it. */
function deviceSecret() {
  try {
    const kept = localStorage.getItem('graticule.device_secret');
    if (kept?.length >= 32) return kept;
    const made = randomText(24);
    localStorage.setItem('graticule.device_secret', made);
    return made;
  } catch {
    return randomText(24);
  }
}

/** A player's way through edge and API. */
export class Services {
  /**
   * Asks the edge for the best region and signs in as a guest.
   * @param {string} edgeUrl where the edge answers
   * @param {string} [secret] the device's secret, 32 to 128 characters
   */
  static async signIn(edgeUrl, secret = deviceSecret()) {
    const resolved = await ask(`${edgeUrl}/v1/resolve`);
    const session = await post(`${edgeUrl}/v1/sessions`, { kind: 'guest', device_secret: secret });
    return new Services(edgeUrl, resolved.candidates[0].api_url, session);
  }

  constructor(edgeUrl, apiUrl, session) {
    Object.assign(this, { edgeUrl, apiUrl, session, since: Date.now() });
  }

  /** The access token, refreshed when it is nearly over. */
  async authorization() {
    const age = (Date.now() - this.since) / 1000;
    if (age > this.session.access_expires_in_secs - 60) {
      this.session = await post(`${this.edgeUrl}/v1/sessions/refresh`, { refresh_token: this.session.refresh_token });
      this.since = Date.now();
    }
    return { authorization: `Bearer ${this.session.access_token}` };
  }

  /** The account's first character; made with `name` if there is none. */
  async character(name) {
    const headers = await this.authorization();
    const { characters } = await ask(`${this.apiUrl}/v1/characters`, { headers });
    return characters[0] ?? post(`${this.apiUrl}/v1/characters`, { name }, headers);
  }

  /** A place in a zone: {url, ticket, ...}. */
  async join(zone, character) {
    const headers = { ...(await this.authorization()), 'idempotency-key': randomText(16) };
    return post(`${this.apiUrl}/v1/zones/${zone}/join`, { character }, headers);
  }

  /** Says something in a chat channel, `zone:ins_...` for example. */
  async say(channel, character, text) {
    const headers = { ...(await this.authorization()), 'idempotency-key': randomText(16) };
    return post(`${this.apiUrl}/v1/chat/${channel}/messages`, { character, text }, headers);
  }
}
