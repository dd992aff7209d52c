-- Who there is, how they prove it, and what they are signed in to.

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    -- A ban holds until this time, in milliseconds since 1970.
    banned_until INTEGER,
    ban_reason TEXT
) STRICT;

-- kind 'guest': subject is the SHA-256 of the device secret, and secret is empty.
-- kind 'password': subject is the e-mail address in lower case, secret its argon2id hash.
CREATE TABLE credentials (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id),
    secret TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT;

CREATE INDEX credentials_by_account ON credentials (account);

-- A session is a family of refresh tokens: revoked as a whole.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE INDEX sessions_by_account ON sessions (account);

-- Tokens are kept by their SHA-256 only.
CREATE TABLE refresh_tokens (
    hash TEXT PRIMARY KEY,
    session TEXT NOT NULL REFERENCES sessions (id),
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session);

CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);
