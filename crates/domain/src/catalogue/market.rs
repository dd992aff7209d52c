//! The rules of the trading post: what it costs to offer and to sell there, and for how long.

use serde::{Deserialize, Serialize};

/// The rules of the trading post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarketRules {
    /// What the seller pays to offer a lot, in thousandths of its price. It is not given back.
    pub listing_fee_permille: u32,
    /// What is kept of the price of a lot that is sold, in thousandths.
    pub sale_fee_permille: u32,
    /// How long a lot is offered at most, in hours.
    pub hours_max: u32,
    /// Lots that one character offers at a time.
    pub listings_per_character_max: u32,
}

/// Listings are kept for 30 days after they are closed; open ones are no older.
const HOURS_MAX: u32 = 30 * 24;

/// What one character offers is read as a list.
const LISTINGS_MAX: u32 = 1_000;

impl Default for MarketRules {
    fn default() -> Self {
        Self {
            listing_fee_permille: 10,
            sale_fee_permille: 50,
            hours_max: 72,
            listings_per_character_max: 30,
        }
    }
}

/// A part of a price, rounded down, so that a fee is never more than its rate.
const fn part_of(price: u64, permille: u32) -> u64 {
    // By parts: the product of a large price would not fit.
    price / 1_000 * permille as u64 + price % 1_000 * permille as u64 / 1_000
}

impl MarketRules {
    /// What the seller pays to offer a lot at this price.
    #[must_use]
    pub const fn listing_fee(&self, price: u64) -> u64 {
        part_of(price, self.listing_fee_permille)
    }

    /// What is kept of this price when the lot is sold.
    #[must_use]
    pub const fn sale_fee(&self, price: u64) -> u64 {
        part_of(price, self.sale_fee_permille)
    }

    /// What is wrong with the rules, one sentence for each fault.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, permille) in [
            ("listing_fee_permille", self.listing_fee_permille),
            ("sale_fee_permille", self.sale_fee_permille),
        ] {
            if permille > 1_000 {
                faults.push(format!("market.{name}: {permille} is not from 0 to 1000"));
            }
        }
        if !(1..=HOURS_MAX).contains(&self.hours_max) {
            faults.push(format!("market.hours_max: {} is not from 1 to {HOURS_MAX}", self.hours_max));
        }
        if !(1..=LISTINGS_MAX).contains(&self.listings_per_character_max) {
            faults.push(format!(
                "market.listings_per_character_max: {} is not from 1 to {LISTINGS_MAX}",
                self.listings_per_character_max
            ));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::AMOUNT_MAX;

    #[test]
    fn fees_are_rounded_down_and_never_over_the_price() {
        let rules =
            MarketRules { sale_fee_permille: 50, listing_fee_permille: 1_000, ..MarketRules::default() };
        let fees: Vec<_> = [0, 1, 19, 20, 999, 1_000, 12_345].map(|price| rules.sale_fee(price)).into();
        assert_eq!(fees, [0, 0, 0, 1, 49, 50, 617]);
        for price in [0, 7, AMOUNT_MAX] {
            assert_eq!(rules.listing_fee(price), price);
        }
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(MarketRules::default().faults(), Vec::<String>::new());
        let rules = MarketRules {
            listing_fee_permille: 1_001,
            sale_fee_permille: 2_000,
            hours_max: 0,
            listings_per_character_max: 0,
        };
        assert_eq!(rules.faults().len(), 4);
    }
}
