//! The routes: each file turns requests about one resource into calls of the store. Nothing is routed that is
//! not described, since `routes!` makes both from the same attributes.

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::state::AppState;

pub(crate) mod boards;
pub(crate) mod characters;
pub(crate) mod hosts;
pub(crate) mod instances;
pub(crate) mod leaderboards;
pub(crate) mod operational;
pub(crate) mod possessions;
pub(crate) mod zones;

/// Every route and its description.
pub(crate) fn all() -> (Router<AppState>, OpenApi) {
    let (router, description) = OpenApiRouter::with_openapi(crate::openapi::frame())
        .routes(routes!(characters::list, characters::create))
        .routes(routes!(characters::read, characters::rename, characters::delete))
        .routes(routes!(characters::list_deleted))
        .routes(routes!(characters::restore))
        .routes(routes!(characters::purge))
        .routes(routes!(possessions::inventory))
        .routes(routes!(possessions::wallet))
        .routes(routes!(possessions::ledger))
        .routes(routes!(possessions::progress))
        .routes(routes!(possessions::actions))
        .routes(routes!(zones::list))
        .routes(routes!(zones::join::join))
        .routes(routes!(leaderboards::list))
        .routes(routes!(leaderboards::top))
        .routes(routes!(leaderboards::seasons))
        .routes(routes!(leaderboards::rank))
        .routes(routes!(leaderboards::around))
        .routes(routes!(leaderboards::friends))
        .routes(routes!(boards::submit))
        .routes(routes!(boards::sweep))
        .routes(routes!(boards::reset))
        .routes(routes!(boards::hide, boards::show))
        .routes(routes!(boards::delete_entry))
        .routes(routes!(boards::check))
        .routes(routes!(boards::repair))
        .routes(routes!(hosts::register))
        .routes(routes!(hosts::heartbeat))
        .routes(routes!(hosts::remove))
        .routes(routes!(hosts::claim))
        .routes(routes!(hosts::mail))
        .routes(routes!(instances::saves))
        .routes(routes!(instances::events))
        .routes(routes!(operational::health))
        .routes(routes!(operational::ready))
        .routes(routes!(operational::metrics))
        .routes(routes!(operational::description))
        .routes(routes!(operational::ticket_keys))
        .split_for_parts();
    let router = router
        .fallback(|| async { ApiError::NoRoute })
        .method_not_allowed_fallback(|| async { ApiError::Method });
    (router, description)
}
