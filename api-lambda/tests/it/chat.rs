//! `/v1/chat`, `/v1/reports`, and what moderators do.

use base64::Engine as _;
use domain::catalogue::Catalogue;
use domain::contract::chat::{Channel, ChatMessage, ChatPage, Mute, ReportMade, ReportPage};
use domain::contract::hosts::AssignedInstance;
use domain::contract::mail::{Audience, HostOrder, Mailbox};
use domain::ids::{CharacterId, HostId, MessageId};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, SERVICE_TOKEN, send};
use crate::friends::{Person, enter, person};

impl Person<'_> {
    async fn say(&self, channel: Channel, key: &str, text: &str) -> Answer {
        let body = json!({ "character": self.id(), "text": text });
        self.player.post_keyed(&format!("/v1/chat/{channel}/messages"), key, &body).await
    }

    async fn page(&self, channel: Channel, more: &str) -> Answer {
        self.player.get(&format!("/v1/chat/{channel}/messages?character={}{more}", self.id())).await
    }

    async fn heard(&self, channel: Channel) -> Vec<String> {
        let page: ChatPage = self.page(channel, "").await.ok(200);
        page.messages.into_iter().map(|message| message.text).collect()
    }
}

/// The chat messages in the mail of a host, and whom they are for.
async fn mail(app: &App, host: HostId) -> Vec<(Audience, ChatMessage)> {
    let path = format!("/internal/v1/hosts/{host}/mail?since=0");
    let mailbox: Mailbox = send(app.request(Method::GET, &path).bearer_auth(SERVICE_TOKEN)).await.ok(200);
    let chat = |order| match order {
        HostOrder::Notify { to, notice } if notice.topic == "chat" => {
            Some((to, serde_json::from_str(&notice.body).expect("a message")))
        }
        _ => None,
    };
    mailbox.mail.into_iter().filter_map(|mail| chat(mail.order)).collect()
}

async fn forest(app: &App) -> (HostId, AssignedInstance) {
    let (host, registered) = app.living_host(&["forest"]).await;
    (host, registered.instances[0].clone())
}

#[tokio::test]
async fn a_whisper_is_heard_by_two() {
    let app = App::start().await;
    let (ann, bob, eve) = (person(&app, "Ann").await, person(&app, "Bob").await, person(&app, "Eve").await);
    let (host, at) = forest(&app).await;
    enter(&app, &bob, host, &at).await;
    let said = join_all((0..8).map(|_| ann.say(Channel::Whisper(bob.id()), "key", "e\u{301}t\u{e9}"))).await;
    let message: ChatMessage = said[0].ok(201);
    assert!(said.iter().all(|answer| answer.ok::<ChatMessage>(201) == message));
    assert_eq!(message.text, "\u{e9}t\u{e9}", "in normalisation form C");
    assert_eq!((message.from.character, message.from.name.as_str()), (ann.id(), "Ann"));
    bob.say(Channel::Whisper(ann.id()), "key", "hello").await.ok::<ChatMessage>(201);
    assert_eq!(ann.heard(Channel::Whisper(bob.id())).await, ["hello", "\u{e9}t\u{e9}"]);
    assert_eq!(bob.heard(Channel::Whisper(ann.id())).await, ["hello", "\u{e9}t\u{e9}"]);
    assert!(eve.heard(Channel::Whisper(bob.id())).await.is_empty());
    // Bob's host hears both, and one message is told once.
    let told = mail(&app, host).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0].0, Audience::Characters(vec![bob.id()]));
    assert_eq!(told[0].1, ChatMessage { channel: Channel::Whisper(ann.id()), ..message.clone() });
    assert_eq!(told[1].1.channel, Channel::Whisper(ann.id()));
    // The same key with other words.
    ann.say(Channel::Whisper(bob.id()), "key", "other").await.problem(422, "idempotency_mismatch");
}

#[tokio::test]
async fn what_cannot_be_said_or_read_is_refused() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    let (host, at) = forest(&app).await;
    let zone = Channel::Zone(at.instance);
    let party = Channel::Party(ann.found().await.id);
    for channel in [zone, party] {
        bob.say(channel, "k", "let me in").await.problem(403, "not_in_channel");
        bob.page(channel, "").await.problem(403, "not_in_channel");
    }
    enter(&app, &bob, host, &at).await;
    assert_eq!(bob.say(zone, "k", "I am in").await.status, 201);
    let nobody = Channel::Whisper(CharacterId::from_u128(1));
    ann.say(nobody, "k", "hi").await.problem(404, "nobody");
    ann.say(Channel::Whisper(ann.id()), "k", "hi").await.problem(409, "oneself");
    for text in ["", "   ", "a\nb", "\u{202e}", &"a".repeat(501)] {
        ann.say(Channel::Global, "k", text).await.problem(400, "bad_body");
    }
    // Each becomes two characters in normalisation form C.
    ann.say(Channel::Global, "k", &"\u{958}".repeat(300)).await.problem(400, "bad_request");
    let path = format!("/v1/chat/{}/messages", Channel::Global);
    let body = json!({ "character": ann.id(), "text": "hi" });
    ann.player.post(&path, &body).await.problem(400, "idempotency_key_missing");
    bob.player.post_keyed(&path, "other", &body).await.problem(404, "no_character");
    let more = json!({ "character": ann.id(), "text": "hi", "name": "God" });
    ann.player.post_keyed(&path, "k", &more).await.problem(400, "bad_body");
    for channel in ["rubbish", "zone:chr_1", "global:1", "whisper:"] {
        let path = format!("/v1/chat/{channel}/messages");
        ann.player.post_keyed(&path, "k", &body).await.problem(400, "bad_path");
    }
    ann.player.get(&path).await.problem(400, "bad_query");
    ann.page(Channel::Global, "&limit=0").await.problem(400, "bad_query");
    bob.player.get(&format!("{path}?character={}", ann.id())).await.problem(404, "no_character");
    assert!(ann.heard(Channel::Global).await.is_empty());
}

#[tokio::test]
async fn zone_and_region_are_told_by_their_hosts() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    let ((host, at), (other_host, _)) = (forest(&app).await, forest(&app).await);
    enter(&app, &ann, host, &at).await;
    let zone = Channel::Zone(at.instance);
    let near: ChatMessage = ann.say(zone, "z", "to the zone").await.ok(201);
    let far: ChatMessage = bob.say(Channel::Global, "g", "to all").await.ok(201);
    let told = mail(&app, host).await;
    assert_eq!(told, [(Audience::Instance(at.instance), near), (Audience::Everyone, far.clone())]);
    assert_eq!(mail(&app, other_host).await, [(Audience::Everyone, far)]);
    assert_eq!(ann.heard(zone).await, ["to the zone"]);
    assert_eq!(ann.heard(Channel::Global).await, ["to all"]);
}

#[tokio::test]
async fn a_party_hears_its_members_from_when_they_joined() {
    let app = App::start().await;
    let (ann, bob, eve) = (person(&app, "Ann").await, person(&app, "Bob").await, person(&app, "Eve").await);
    let id = ann.found().await.id;
    let party = Channel::Party(id);
    ann.say(party, "1", "alone").await.ok::<ChatMessage>(201);
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    ann.take_in(id, &bob).await;
    bob.say(party, "2", "together").await.ok::<ChatMessage>(201);
    assert_eq!(ann.heard(party).await, ["together", "alone"]);
    assert_eq!(bob.heard(party).await, ["together"]);
    eve.page(party, "").await.problem(403, "not_in_channel");
    let body = json!({ "by": ann.id(), "member": bob.id() });
    ann.player.post(&format!("/v1/parties/{id}/kick"), &body).await.ok::<Value>(200);
    bob.page(party, "").await.problem(403, "not_in_channel");
    bob.say(party, "3", "still here").await.problem(403, "not_in_channel");
}

#[tokio::test]
async fn a_blocked_sender_is_not_heard_and_not_told() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    let (host, at) = forest(&app).await;
    enter(&app, &ann, host, &at).await;
    ann.block(bob.id()).await;
    ann.say(Channel::Whisper(bob.id()), "k", "hi").await.problem(409, "blocking");
    // Another character of the account is as blocked.
    let mask = bob.player.create("Mask").await;
    for (index, sender) in [bob.id(), mask.id].into_iter().enumerate() {
        let body = json!({ "character": sender, "text": "listen" });
        let path = format!("/v1/chat/whisper:{}/messages", ann.id());
        let answer = bob.player.post_keyed(&path, &format!("{index}"), &body).await;
        let message: ChatMessage = answer.ok(201);
        let history = format!("{path}?character={sender}");
        let own: ChatPage = bob.player.get(&history).await.ok(200);
        assert_eq!(own.messages, std::slice::from_ref(&message));
        assert!(ann.heard(Channel::Whisper(sender)).await.is_empty());
        let report = json!({
            "character": ann.id(), "against": sender, "channel": Channel::Whisper(sender),
            "message": message.id, "reason": "spam",
        });
        ann.player.post("/v1/reports", &report).await.problem(404, "no_message");
    }
    assert!(mail(&app, host).await.is_empty());
}

#[tokio::test]
async fn a_sender_who_is_too_fast_waits() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    let keys: Vec<String> = (0..25).map(|index| index.to_string()).collect();
    let channel = Channel::Whisper(bob.id());
    let said = join_all(keys.iter().map(|key| ann.say(channel, key, "hey"))).await;
    let refused: Vec<_> = said.iter().filter(|answer| answer.status != 201).collect();
    // 10 in 10 seconds; the clock may have passed from one window to the next meanwhile.
    assert!((5..=15).contains(&refused.len()), "{}", refused.len());
    for answer in &refused {
        answer.problem(429, "chat_too_fast");
        let wait: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("a number");
        assert!((1..=10).contains(&wait));
    }
    // What was refused was not said, and a refused key can be used again.
    assert_eq!(ann.heard(channel).await.len(), (25 - refused.len()).min(20));
    assert_eq!(bob.say(Channel::Whisper(ann.id()), "k", "slow").await.status, 201);
}

#[tokio::test]
async fn history_is_paged_to_the_end() {
    let app = App::start().await;
    let mut people = Vec::new();
    for name in ["Ann", "Bob", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal"] {
        people.push(person(&app, name).await);
    }
    // Each says three, which is what a region takes from one in half a minute; all land in several partitions.
    let mut said: Vec<MessageId> = Vec::new();
    for round in 0..3 {
        let key = round.to_string();
        let answers = join_all(people.iter().map(|one| one.say(Channel::Global, &key, "hello"))).await;
        said.extend(
            answers.iter().filter(|answer| answer.status == 201).map(|a| a.ok::<ChatMessage>(201).id),
        );
    }
    assert_eq!(said.len(), 24);
    said.sort_by(|a, b| b.cmp(a));
    let (mut read, mut next) = (Vec::new(), None::<String>);
    loop {
        let cursor = next.map(|next| format!("&cursor={next}")).unwrap_or_default();
        let page: ChatPage = people[0].page(Channel::Global, &format!("&limit=5{cursor}")).await.ok(200);
        assert!(page.messages.len() <= 5);
        read.extend(page.messages.into_iter().map(|message| message.id));
        let Some(cursor) = page.next else { break };
        next = Some(cursor);
    }
    assert_eq!(read, said);
    // One that no page has given names a time before all of them, or none.
    let forged = |cursor: &str| {
        let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(cursor);
        format!("&cursor={cursor}")
    };
    let oldest = forged(r#"{"message":"msg_00000000000000000000000000"}"#);
    let page: ChatPage = people[0].page(Channel::Global, &oldest).await.ok(200);
    assert!(page.messages.is_empty() && page.next.is_none());
    for cursor in [r#"{"message":"msg_0"}"#, r#"{"pk":"x"}"#] {
        people[0].page(Channel::Global, &forged(cursor)).await.problem(400, "bad_query");
    }
}

#[tokio::test]
async fn blocked_words_become_stars() {
    let app = App::start_with(|config| {
        let mut catalogue = Catalogue::builtin();
        catalogue.chat.blocked_words = vec!["darn".into()];
        config.catalogue = catalogue;
    })
    .await;
    let ann = person(&app, "Ann").await;
    let said: ChatMessage = ann.say(Channel::Global, "k", "Darn, darning!").await.ok(201);
    assert_eq!(said.text, "****, darning!");
    assert_eq!(ann.heard(Channel::Global).await, ["****, darning!"]);
}

#[tokio::test]
async fn a_muted_player_says_nothing_until_the_mute_ends() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    let path = format!("/players/{}/mute", ann.player.account);
    let mute = |body: Value| send(app.owner(Method::PUT, &path).json(&body));
    send(app.owner(Method::GET, &path)).await.problem(404, "not_muted");
    let muted: Mute = mute(json!({ "seconds": 600, "reason": "shouting" })).await.ok(200);
    assert_eq!((muted.account, muted.reason.as_str()), (ann.player.account, "shouting"));
    assert_eq!(send(app.owner(Method::GET, &path)).await.ok::<Mute>(200), muted);
    for channel in [Channel::Global, Channel::Whisper(bob.id())] {
        let told = ann.say(channel, "k", "hi").await.problem(403, "muted");
        assert!(told.detail.contains("shouting") && told.detail.contains(" seconds more"), "{}", told.detail);
    }
    assert_eq!(bob.say(Channel::Whisper(ann.id()), "k", "hi").await.status, 201);
    assert_eq!(send(app.owner(Method::DELETE, &path)).await.status, 204);
    assert_eq!(send(app.owner(Method::DELETE, &path)).await.status, 204);
    assert_eq!(ann.say(Channel::Global, "k", "hi").await.status, 201);
    for body in [
        json!({ "seconds": 0, "reason": "x" }),
        json!({ "seconds": 40_000_000, "reason": "x" }),
        json!({ "seconds": -1, "reason": "x" }),
        json!({ "seconds": 1, "reason": "" }),
        json!({ "seconds": 1, "reason": "x", "more": 1 }),
    ] {
        assert_eq!(mute(body).await.status, 400);
    }
    // Not with a player's token.
    let own = ann.player.request(Method::DELETE, &format!("/admin/v1{path}"));
    send(own).await.problem(401, "admin_key");
}

#[tokio::test]
async fn a_report_keeps_what_was_said() {
    let app = App::start().await;
    let (ann, bob, eve) = (person(&app, "Ann").await, person(&app, "Bob").await, person(&app, "Eve").await);
    let (here, there) = (Channel::Whisper(bob.id()), Channel::Whisper(ann.id()));
    ann.say(here, "1", "hello").await.ok::<ChatMessage>(201);
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let bad: ChatMessage = bob.say(there, "2", "something bad").await.ok(201);
    let report = json!({
        "character": ann.id(), "against": bob.id(), "channel": here, "message": bad.id, "reason": "rude",
    });
    let made = join_all((0..6).map(|_| ann.player.post("/v1/reports", &report))).await;
    let id = made[0].ok::<ReportMade>(201).id;
    assert!(made.iter().all(|answer| answer.ok::<ReportMade>(201).id == id));
    let with = |key: &str, value: Value| {
        let mut report = report.clone();
        report[key] = value;
        report
    };
    // A stranger has another channel of that name, and so no such message.
    let stranger = with("character", json!(eve.id()));
    eve.player.post("/v1/reports", &stranger).await.problem(404, "no_message");
    ann.player.post("/v1/reports", &with("against", json!(ann.id()))).await.problem(404, "no_message");
    let unknown = with("message", json!(MessageId::from_u128(1)));
    ann.player.post("/v1/reports", &unknown).await.problem(404, "no_message");
    ann.player.post("/v1/reports", &with("reason", json!(""))).await.problem(400, "bad_body");
    ann.player.post("/v1/reports", &with("more", json!(1))).await.problem(400, "bad_body");
    let own = json!({
        "character": bob.id(), "against": bob.id(), "channel": there, "message": bad.id, "reason": "x",
    });
    bob.player.post("/v1/reports", &own).await.problem(409, "oneself");

    let page: ReportPage = send(app.owner(Method::GET, "/reports")).await.ok(200);
    let [stored] = page.reports.as_slice() else { panic!("one: {page:?}") };
    assert_eq!((stored.id, stored.message.id, stored.reason.as_str()), (id, bad.id, "rude"));
    assert_eq!((stored.message.account, stored.message.text.as_str()), (bob.player.account, "something bad"));
    assert_eq!(stored.context.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), ["hello"]);
    assert_eq!(stored.by.as_ref().map(|by| by.account), Some(ann.player.account));
    send(ann.player.request(Method::GET, "/admin/v1/reports")).await.problem(401, "admin_key");
    // Another message is another report, and pages end.
    let worse: ChatMessage = bob.say(there, "3", "something worse").await.ok(201);
    let second = with("message", json!(worse.id));
    ann.player.post("/v1/reports", &second).await.ok::<ReportMade>(201);
    let first: ReportPage = send(app.owner(Method::GET, "/reports?limit=1")).await.ok(200);
    assert_eq!(first.reports[0].message.id, worse.id);
    let path = format!("/reports?limit=5&cursor={}", first.next.expect("one more"));
    let last: ReportPage = send(app.owner(Method::GET, &path)).await.ok(200);
    assert_eq!((last.reports.len(), last.reports[0].id, last.next), (1, id, None));
}
