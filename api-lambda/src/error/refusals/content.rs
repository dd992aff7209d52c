//! Refusals of content and flags.

use axum::http::StatusCode;

use super::{Refusal, refusal};

pub(crate) const FAULTS: Refusal = refusal(
    StatusCode::UNPROCESSABLE_ENTITY,
    "content_faults",
    "The catalogue has faults",
    "the catalogue has faults: mend them all and send it again",
);

pub(crate) const TOO_LARGE: Refusal = refusal(
    StatusCode::PAYLOAD_TOO_LARGE,
    "content_too_large",
    "The catalogue is too large",
    "the text of a catalogue has at most 358400 bytes without white space: leave out what is not used",
);

pub(crate) const NO_VERSION: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_content_version",
    "There is no such version",
    "there is no version of the content with this number: the list of versions shows those there are",
);

pub(crate) const UNREADABLE: Refusal = refusal(
    StatusCode::CONFLICT,
    "content_unreadable",
    "The version cannot be used",
    "this version is of a form that this program does not know: use the program that wrote it",
);

pub(crate) const MOVED: Refusal = refusal(
    StatusCode::CONFLICT,
    "content_moved",
    "Another change came first",
    "somebody else has changed which content is in force: read the pointer again and decide anew",
);

pub(crate) const ALREADY_ACTIVE: Refusal = refusal(
    StatusCode::CONFLICT,
    "content_active",
    "The version is active",
    "this version is active for all: it cannot be tried for a share beside itself",
);

pub(crate) const NOTHING_BEFORE: Refusal = refusal(
    StatusCode::CONFLICT,
    "content_first",
    "There is no version to go back to",
    "no other version was active before this one: activate the one that is wanted",
);

pub(crate) const NO_FLAG: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_flag",
    "There is no such flag",
    "the active version of the catalogue has no flag of this name",
);
