//! Feature flags of the catalogue: what is on for whom. An account keeps what it was dealt.

use serde::{Deserialize, Serialize};

use super::check::Checks;
use super::rollout;
use crate::ids::{AccountId, FlagId};

/// A feature that can be switched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlagDefinition {
    /// Its name.
    pub flag: FlagId,
    /// What it does, for people.
    pub title: String,
    /// Whether it is on for anyone, unless it is switched.
    pub enabled: bool,
    /// Where it is on: for which share of the accounts, in percent.
    pub percent: u8,
    /// Ways of being on; none if there is only one.
    #[serde(default)]
    pub variants: Vec<FlagVariant>,
}

/// A way in which a feature is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlagVariant {
    /// Its name, formed as that of a flag.
    pub name: FlagId,
    /// Its share: its weight of the sum of all.
    pub weight: u32,
}

/// What an operator has set in place of `enabled` and `percent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlagSwitch {
    /// Whether it is on for anyone.
    pub enabled: bool,
    /// For which share of the accounts, in percent, 0 to 100.
    pub percent: u8,
}

impl FlagDefinition {
    /// What is wrong with it alone.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut checks = Checks::default();
        checks.title("title", &self.title);
        checks.range("percent", self.percent, 0..=100);
        checks.range("variants", self.variants.len(), 0..=16);
        let variant = |variant: &FlagVariant| {
            let mut checks = Checks::default();
            checks.range("weight", variant.weight, 0..=1_000_000);
            checks.faults
        };
        checks.each("variants", &self.variants, |variant| &variant.name, variant);
        let weighty = self.variants.is_empty() || self.variants.iter().any(|variant| variant.weight > 0);
        checks.demand(weighty, "variants", "one of them must have a weight over 0");
        checks.faults
    }

    /// Whether it is on for the account, and in which way.
    #[must_use]
    pub fn value(&self, account: AccountId, switched: Option<FlagSwitch>) -> (bool, Option<&FlagId>) {
        let set = switched.unwrap_or(FlagSwitch { enabled: self.enabled, percent: self.percent });
        let account = account.as_u128();
        if !set.enabled || !rollout::is_in(self.flag.as_str(), account, set.percent) {
            return (false, None);
        }
        let weights = self.variants.iter().map(|variant| variant.weight);
        let chosen = rollout::choose(&format!("{}#variant", self.flag), account, weights);
        (true, chosen.map(|index| &self.variants[index].name))
    }
}

/// One flag to try: off, and for everyone once it is on.
pub(super) fn builtin() -> Vec<FlagDefinition> {
    vec![FlagDefinition {
        flag: "double-xp".parse().expect("a flag's name"),
        title: "Double experience, to be shown by clients".into(),
        enabled: false,
        percent: 100,
        variants: Vec::new(),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(percent: u8) -> FlagDefinition {
        let variant = |name: &str, weight| FlagVariant { name: name.parse().expect("a name"), weight };
        FlagDefinition {
            enabled: true,
            percent,
            variants: vec![variant("red", 1), variant("blue", 3)],
            ..builtin().remove(0)
        }
    }

    #[test]
    fn who_has_it_keeps_it_and_its_variant_as_the_share_grows() {
        for account in (0..2_000).map(AccountId::from_u128) {
            let (few, many) = (flag(10), flag(20));
            let (on, variant) = few.value(account, None);
            if on {
                assert_eq!(many.value(account, None), (true, variant));
            }
            assert_eq!(few.value(account, Some(FlagSwitch { enabled: false, percent: 100 })), (false, None));
            assert!(few.value(account, Some(FlagSwitch { enabled: true, percent: 100 })).0);
            assert!(!flag(0).value(account, None).0);
        }
    }
}
