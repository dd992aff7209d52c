//! Parties that wait together.

use super::*;

/// Takes both into a party of the first.
async fn join_up(leader: &Seeker<'_>, member: &Seeker<'_>) -> String {
    let made: Value =
        leader.player.post("/v1/parties", &json!({ "character": leader.character.id })).await.ok(201);
    let id = made["id"].as_str().expect("an id").to_owned();
    let invitation = json!({ "by": leader.character.id, "whom": { "character": member.character.id } });
    let invited = leader.player.post(&format!("/v1/parties/{id}/invitations"), &invitation).await;
    assert!(invited.status < 300, "{}", invited.text);
    let body = json!({ "character": member.character.id });
    let accepted = member.player.post(&format!("/v1/parties/{id}/accept"), &body).await;
    assert!(accepted.status < 300, "{}", accepted.text);
    id
}

fn together(leader: &Seeker<'_>, member: &Seeker<'_>) -> Value {
    let mut asked = body("arena", &leader.character);
    asked["party"] = json!([{ "character": member.character.id }]);
    asked
}

#[tokio::test]
async fn a_party_waits_together_and_plays_in_one_team() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let (leader, member) = (Seeker::new(&app, "Leader").await, Seeker::new(&app, "Member").await);
    leader.player.post(TICKETS, &together(&leader, &member)).await.problem(409, "not_in_party");
    join_up(&leader, &member).await;
    let stranger = Seeker::new(&app, "Stranger").await;
    leader.player.post(TICKETS, &together(&leader, &stranger)).await.problem(409, "not_in_party");
    member.player.post(TICKETS, &together(&member, &leader)).await.problem(403, "no_leader");
    let ticket: MatchTicket = leader.player.post(TICKETS, &together(&leader, &member)).await.ok(201);
    member.ask("arena").await.problem(409, "already_waiting");
    assert_eq!(member.see(ticket.id).await.players, ticket.players);
    let others = waiting(&app, "arena", 4).await;
    let ids: Vec<MatchTicketId> = others.iter().map(|(_, ticket)| *ticket).collect();
    let made = form("arena", &[&[ticket.id, ids[0]], &ids[1..]]);
    assert_eq!(form_all(&app, fleet.epoch, vec![made.clone()]).await, [FormOutcome::Formed]);
    for seeker in [&leader, &member] {
        let assignment = seeker.see(ticket.id).await.assignment.expect("a match");
        assert_eq!((assignment.team, assignment.join.is_some()), (Some(0), true));
    }
    // One of them leaves the match: the other one stays in it.
    assert_eq!(member.cancel(ticket.id).await.status, 204);
    assert_eq!(member.see(ticket.id).await.state, TicketState::Left);
    assert_eq!(leader.see(ticket.id).await.state, TicketState::Matched);
    member.wait("arena").await;
}

#[tokio::test]
async fn any_of_a_party_ends_its_waiting() {
    let app = App::start().await;
    let (leader, member) = (Seeker::new(&app, "Leader").await, Seeker::new(&app, "Member").await);
    join_up(&leader, &member).await;
    let ticket: MatchTicket = leader.player.post(TICKETS, &together(&leader, &member)).await.ok(201);
    assert_eq!(member.cancel(ticket.id).await.status, 204);
    assert_eq!(leader.see(ticket.id).await.state, TicketState::Cancelled);
    assert!(changes(&app, "").await.opened.is_empty());
    leader.wait("arena").await;
    member.wait("arena").await;
}
