//! The routes: each file turns requests about one resource into calls of the store. Nothing is routed that is
//! not described, since `routes!` makes both from the same attributes.

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, refusals};
use crate::state::AppState;

pub(crate) mod admin;
pub(crate) mod blocks;
pub(crate) mod boards;
pub(crate) mod characters;
pub(crate) mod chat;
pub(crate) mod content;
pub(crate) mod coordinator;
pub(crate) mod friends;
pub(crate) mod hosts;
pub(crate) mod instances;
pub(crate) mod leaderboards;
pub(crate) mod market;
pub(crate) mod matches;
pub(crate) mod matchmaking;
pub(crate) mod operational;
pub(crate) mod parties;
pub(crate) mod possessions;
pub(crate) mod rooms;
pub(crate) mod tournaments;
pub(crate) mod trades;
pub(crate) mod zones;

/// Every route and its description.
pub(crate) fn all() -> (Router<AppState>, OpenApi) {
    let (router, mut description) = OpenApiRouter::with_openapi(crate::openapi::frame())
        .merge(players())
        .merge(competition())
        .merge(company())
        .merge(services())
        .merge(administration())
        .merge(operations())
        .split_for_parts();
    crate::openapi::summarise(&mut description);
    let router = router
        .fallback(|| async { ApiError::from(refusals::NO_ROUTE) })
        .method_not_allowed_fallback(|| async { ApiError::from(refusals::METHOD) });
    (router, description)
}

/// What a player has and where he plays.
fn players() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(characters::list, characters::create))
        .routes(routes!(characters::read, characters::rename, characters::delete))
        .routes(routes!(characters::list_deleted))
        .routes(routes!(characters::restore))
        .routes(routes!(possessions::inventory))
        .routes(routes!(possessions::wallet))
        .routes(routes!(possessions::ledger))
        .routes(routes!(possessions::progress))
        .routes(routes!(zones::list))
        .routes(routes!(zones::join::join))
        .routes(routes!(content::flags::own))
        .routes(routes!(content::served::own))
        .routes(routes!(market::search, market::create))
        .routes(routes!(market::read))
        .routes(routes!(market::buy))
        .routes(routes!(market::cancel))
        .routes(routes!(market::history))
        .routes(routes!(market::own::listings))
        .routes(routes!(market::own::claims))
        .routes(routes!(market::own::collect))
        .routes(routes!(trades::open))
        .routes(routes!(trades::read))
        .routes(routes!(trades::accept))
        .routes(routes!(trades::decline))
        .routes(routes!(trades::offer))
        .routes(routes!(trades::confirm))
        .routes(routes!(trades::cancel))
}

/// Who is best: leaderboards, matches, tournaments.
fn competition() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(leaderboards::list))
        .routes(routes!(leaderboards::top))
        .routes(routes!(leaderboards::seasons))
        .routes(routes!(leaderboards::rank))
        .routes(routes!(leaderboards::around))
        .routes(routes!(leaderboards::friends))
        .routes(routes!(matchmaking::queues))
        .routes(routes!(matchmaking::create))
        .routes(routes!(matchmaking::read, matchmaking::cancel))
        .routes(routes!(matches::ratings))
        .routes(routes!(tournaments::list))
        .routes(routes!(tournaments::read))
        .routes(routes!(tournaments::bracket))
        .routes(routes!(tournaments::standings))
        .routes(routes!(tournaments::entries::entry))
        .routes(routes!(tournaments::entries::register))
        .routes(routes!(tournaments::entries::confirm))
        .routes(routes!(tournaments::entries::check_in))
        .routes(routes!(tournaments::entries::withdraw))
        .routes(routes!(tournaments::matches::dispute))
        .routes(routes!(tournaments::join::join))
}

/// Playing together: friends, parties, chat, rooms.
fn company() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(friends::named))
        .routes(routes!(friends::list))
        .routes(routes!(friends::requests, friends::ask))
        .routes(routes!(friends::accept))
        .routes(routes!(friends::decline))
        .routes(routes!(friends::withdraw))
        .routes(routes!(friends::remove))
        .routes(routes!(blocks::list, blocks::block))
        .routes(routes!(blocks::unblock))
        .routes(routes!(rooms::create))
        .routes(routes!(rooms::read, rooms::update))
        .routes(routes!(rooms::join))
        .routes(routes!(rooms::leave))
        .routes(routes!(rooms::kick))
        .routes(routes!(rooms::cast))
        .routes(routes!(parties::of))
        .routes(routes!(parties::create))
        .routes(routes!(parties::invite))
        .routes(routes!(parties::accept))
        .routes(routes!(parties::decline))
        .routes(routes!(parties::leave))
        .routes(routes!(parties::kick))
        .routes(routes!(parties::promote))
        .routes(routes!(parties::travel::travel))
        .routes(routes!(chat::say, chat::history))
        .routes(routes!(chat::report))
}

/// What zone hosts, the coordinator and other services of ours call.
fn services() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(characters::purge))
        .routes(routes!(possessions::actions))
        .routes(routes!(boards::submit))
        .routes(routes!(boards::sweep))
        .routes(routes!(hosts::register))
        .routes(routes!(hosts::heartbeat))
        .routes(routes!(hosts::remove))
        .routes(routes!(hosts::claim))
        .routes(routes!(hosts::mail))
        .routes(routes!(instances::saves))
        .routes(routes!(instances::events))
        .routes(routes!(instances::left))
        .routes(routes!(instances::end))
        .routes(routes!(matchmaking::internal::queues))
        .routes(routes!(matchmaking::internal::changes))
        .routes(routes!(matchmaking::internal::form))
        .routes(routes!(matchmaking::internal::waits))
        .routes(routes!(matchmaking::internal::sweep))
        .routes(routes!(matches::roster))
        .routes(routes!(matches::result))
        .routes(routes!(coordinator::lease, coordinator::holder))
        .routes(routes!(coordinator::load))
        .routes(routes!(tournaments::hosts::read))
        .routes(routes!(tournaments::hosts::start))
        .routes(routes!(tournaments::hosts::report))
        .routes(routes!(tournaments::hosts::no_show))
        .routes(routes!(tournaments::hosts::step))
        .routes(routes!(admin::bans::step))
        .routes(routes!(content::served::internal))
        .routes(routes!(market::own::expire))
}

/// What administrators call, each with a key and in the audit log.
fn administration() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(admin::moderation::reports))
        .routes(routes!(admin::moderation::read_mute, admin::moderation::mute, admin::moderation::unmute))
        .routes(routes!(boards::reset))
        .routes(routes!(boards::hide, boards::show))
        .routes(routes!(boards::delete_entry))
        .routes(routes!(boards::check))
        .routes(routes!(boards::repair))
        .routes(routes!(admin::keys::list, admin::keys::create))
        .routes(routes!(admin::keys::revoke))
        .routes(routes!(admin::audit::list))
        .routes(routes!(tournaments::admin::create))
        .routes(routes!(tournaments::admin::cancel))
        .routes(routes!(tournaments::admin::start))
        .routes(routes!(tournaments::admin::disqualify))
        .routes(routes!(tournaments::admin::read_match))
        .routes(routes!(tournaments::admin::rule))
        .routes(routes!(admin::players::search))
        .routes(routes!(admin::players::read))
        .routes(routes!(admin::players::notes, admin::players::add_note))
        .routes(routes!(admin::players::kick))
        .routes(routes!(admin::grants::grant))
        .routes(routes!(admin::privacy::export))
        .routes(routes!(admin::privacy::erase))
        .routes(routes!(admin::operations::hosts))
        .routes(routes!(admin::operations::drain))
        .routes(routes!(admin::operations::close))
        .routes(routes!(admin::operations::broadcast))
        .routes(routes!(admin::bans::ban, admin::bans::unban))
        .routes(routes!(admin::maintenance::read, admin::maintenance::begin, admin::maintenance::end))
        .routes(routes!(content::publish, content::list))
        .routes(routes!(content::validate))
        .routes(routes!(content::read))
        .routes(routes!(content::diff))
        .routes(routes!(content::pointer::read))
        .routes(routes!(content::pointer::activate))
        .routes(routes!(content::pointer::roll_back))
        .routes(routes!(content::flags::list))
        .routes(routes!(content::flags::switch, content::flags::reset))
}

/// The API itself.
fn operations() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(operational::health))
        .routes(routes!(operational::ready))
        .routes(routes!(operational::metrics))
        .routes(routes!(operational::description))
        .routes(routes!(operational::ticket_keys))
}
