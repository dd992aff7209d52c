//! Definitions and shares, apart from any store.

use domain::contract::tournaments::Reward;

use super::terms::{is_title, reward_name, reward_of};

#[test]
fn titles_show_and_rewards_keep_their_names() {
    for good in ["A", "Cup of the North", "杯", &"x".repeat(80)] {
        assert!(is_title(good), "{good}");
    }
    for bad in ["", " ", " x", "x\n", "a\u{7}b", &"x".repeat(81)] {
        assert!(!is_title(bad), "{bad:?}");
    }
    let rewards =
        [Reward::Currency("coin".parse().expect("a name")), Reward::Item("potion".parse().expect("a name"))];
    for reward in rewards {
        assert_eq!(reward_of(&reward_name(&reward)), Some(reward));
    }
    for rubbish in ["", "coin", "gold:coin", "item:", "item:No"] {
        assert_eq!(reward_of(rubbish), None, "{rubbish}");
    }
}
