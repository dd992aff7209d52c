-- Which of several orders about a ban is the newest: one that comes late changes nothing.

ALTER TABLE accounts ADD COLUMN ban_version INTEGER NOT NULL DEFAULT 0;
