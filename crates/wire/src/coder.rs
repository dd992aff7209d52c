//! An adaptive binary range coder: decisions become bytes at the cost of their surprise, and both ends learn
//! from each one. Everything is written once, for [`Coder`], and so is the same on both ends.
//!
//! The coder narrows a 32-bit interval, as Martin (1979) describes and as binary coders of the `lpaq` family
//! do; probabilities are the mean of a quick and a slow estimate, as in the coder of H.266.

/// Bits of a probability.
const ONE: u32 = 1 << 16;
/// No decision is surer than this, so that none costs over 10 bits.
const SURE: u32 = 64;
const QUICK: u32 = 4;
const SLOW: u32 = 6;

/// What is known of one kind of decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bit {
    quick: u16,
    slow: u16,
}

impl Default for Bit {
    fn default() -> Self {
        Self { quick: 1 << 15, slow: 1 << 15 }
    }
}

impl Bit {
    /// The probability of a one, in 1/65536.
    fn one(self) -> u32 {
        u32::midpoint(self.quick.into(), self.slow.into()).clamp(SURE, ONE - SURE)
    }

    fn learn(&mut self, bit: bool) {
        if bit {
            self.quick += (u16::MAX - self.quick) >> QUICK;
            self.slow += (u16::MAX - self.slow) >> SLOW;
        } else {
            self.quick -= self.quick >> QUICK;
            self.slow -= self.slow >> SLOW;
        }
    }
}

/// One end of a stream of decisions. An encoder takes what it is given; a decoder ignores that and returns
/// what the encoder was given.
pub(crate) trait Coder {
    /// A decision that `model` knows something about.
    fn bit(&mut self, model: &mut Bit, bit: bool) -> bool;

    /// The low `count` bits of `value`, at most 32, of which nothing is known; the high ones first.
    fn raw(&mut self, value: u32, count: u32) -> u32;
}

/// The interval that both ends narrow: `low..=high`.
#[derive(Debug, Clone, Copy)]
struct Interval {
    low: u32,
    high: u32,
}

impl Interval {
    const ALL: Self = Self { low: 0, high: u32::MAX };

    /// Where the part of the ones ends.
    fn split(self, one: u32) -> u32 {
        let range = self.high - self.low;
        self.low + (range >> 16) * one + (((range & 0xffff) * one) >> 16)
    }

    fn narrow(&mut self, split: u32, bit: bool) {
        if bit {
            self.high = split;
        } else {
            self.low = split + 1;
        }
    }

    /// Lets go of the first byte if it is decided.
    fn decided(&mut self) -> Option<u8> {
        let [first, ..] = self.high.to_be_bytes();
        if (self.low ^ self.high) >> 24 != 0 {
            return None;
        }
        self.low <<= 8;
        self.high = self.high << 8 | 0xff;
        Some(first)
    }
}

/// Writes decisions.
#[derive(Debug)]
pub(crate) struct RangeEncoder {
    bytes: Vec<u8>,
    interval: Interval,
}

impl Default for RangeEncoder {
    fn default() -> Self {
        Self { bytes: Vec::new(), interval: Interval::ALL }
    }
}

impl RangeEncoder {
    /// Starts again, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.interval = Interval::ALL;
    }

    /// Bytes that the stream has at most if it ends now.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + 4
    }

    /// Ends the stream: the fewest bytes that mean it. Zeros at the end go without saying.
    pub(crate) fn finish(&mut self) -> &[u8] {
        let Interval { low, high } = self.interval;
        let shortest = [24, 16, 8, 0].into_iter().find_map(|zeros| {
            let rounded = u64::from(low).next_multiple_of(1 << zeros);
            u32::try_from(rounded).ok().filter(|value| *value <= high)
        });
        self.bytes.extend(shortest.expect("the interval holds its lower end").to_be_bytes());
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        &self.bytes
    }

    fn decide(&mut self, split: u32, bit: bool) {
        self.interval.narrow(split, bit);
        while let Some(byte) = self.interval.decided() {
            self.bytes.push(byte);
        }
    }
}

impl Coder for RangeEncoder {
    fn bit(&mut self, model: &mut Bit, bit: bool) -> bool {
        self.decide(self.interval.split(model.one()), bit);
        model.learn(bit);
        bit
    }

    fn raw(&mut self, value: u32, count: u32) -> u32 {
        for shift in (0..count).rev() {
            self.decide(self.interval.split(ONE / 2), value >> shift & 1 == 1);
        }
        value
    }
}

/// Reads decisions. Behind the end of the bytes there are zeros.
#[derive(Debug)]
pub(crate) struct RangeDecoder<'a> {
    rest: &'a [u8],
    interval: Interval,
    code: u32,
}

impl<'a> RangeDecoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { rest: bytes, interval: Interval::ALL, code: 0 };
        for _ in 0..4 {
            decoder.shift();
        }
        decoder
    }

    /// Whether all bytes have had a part in what was read.
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    fn shift(&mut self) {
        let (first, rest) = self.rest.split_first().map_or((0, self.rest), |(first, rest)| (*first, rest));
        self.rest = rest;
        self.code = self.code << 8 | u32::from(first);
    }

    fn decide(&mut self, split: u32) -> bool {
        let bit = self.code <= split;
        self.interval.narrow(split, bit);
        while self.interval.decided().is_some() {
            self.shift();
        }
        bit
    }
}

impl Coder for RangeDecoder<'_> {
    fn bit(&mut self, model: &mut Bit, _: bool) -> bool {
        let bit = self.decide(self.interval.split(model.one()));
        model.learn(bit);
        bit
    }

    fn raw(&mut self, _: u32, count: u32) -> u32 {
        (0..count).fold(0, |value, _| value << 1 | u32::from(self.decide(self.interval.split(ONE / 2))))
    }
}

/// Numbers from 0 to 2^32 - 2, small ones cheap: the length of n + 1 in unary, then its bits (Elias' gamma
/// code, learned).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unsigned {
    longer: [Bit; Self::LENGTHS],
    second: [Bit; Self::LENGTHS],
}

impl Unsigned {
    /// Lengths that are learned apart; all longer ones are learned together.
    const LENGTHS: usize = 12;

    pub(crate) fn code(&mut self, coder: &mut impl Coder, value: u32) -> u32 {
        let value = value.wrapping_add(1);
        let length = value.checked_ilog2().unwrap_or(0);
        let mut bits = 0;
        while bits < 31 && coder.bit(&mut self.longer[(bits as usize).min(Self::LENGTHS - 1)], bits < length)
        {
            bits += 1;
        }
        if bits == 0 {
            return 0;
        }
        let second = value >> (bits - 1) & 1 == 1;
        let second = coder.bit(&mut self.second[(bits as usize).min(Self::LENGTHS - 1)], second);
        let mask = (1 << (bits - 1)) - 1;
        let low = coder.raw(value & mask, bits - 1);
        ((2 | u32::from(second)) << (bits - 1) | low) - 1
    }

    /// Numbers from 1 on.
    fn code_from_one(&mut self, coder: &mut impl Coder, value: u32) -> u32 {
        self.code(coder, value.wrapping_sub(1)).wrapping_add(1)
    }
}

/// Numbers of either sign, those near zero cheap.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Signed {
    zero: Bit,
    negative: Bit,
    size: Unsigned,
}

impl Signed {
    pub(crate) fn code(&mut self, coder: &mut impl Coder, value: i32) -> i32 {
        if coder.bit(&mut self.zero, value == 0) {
            return 0;
        }
        let negative = coder.bit(&mut self.negative, value < 0);
        let size = self.size.code_from_one(coder, value.unsigned_abs()).cast_signed();
        if negative { size.wrapping_neg() } else { size }
    }
}

/// One of 2^`BITS` symbols; `NODES` is that number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Symbol<const BITS: u32, const NODES: usize> {
    nodes: [Bit; NODES],
}

impl<const BITS: u32, const NODES: usize> Default for Symbol<BITS, NODES> {
    fn default() -> Self {
        const { assert!(NODES == 1 << BITS, "a node for each prefix of a symbol") };
        Self { nodes: [Bit::default(); NODES] }
    }
}

impl<const BITS: u32, const NODES: usize> Symbol<BITS, NODES> {
    pub(crate) fn code(&mut self, coder: &mut impl Coder, symbol: u32) -> u32 {
        let mut node = 1_u32;
        for shift in (0..BITS).rev() {
            let bit = coder.bit(&mut self.nodes[node as usize], symbol >> shift & 1 == 1);
            node = node << 1 | u32::from(bit);
        }
        node & ((1 << BITS) - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct AllModels {
        bit: Bit,
        unsigned: Unsigned,
        signed: Signed,
        symbol: Symbol<3, 8>,
    }

    impl AllModels {
        fn code(
            &mut self,
            coder: &mut impl Coder,
            (number, count): (u32, u32),
        ) -> (bool, u32, i32, u32, u32) {
            let mask = u32::MAX >> (32 - count);
            (
                coder.bit(&mut self.bit, number & 1 == 1),
                self.unsigned.code(coder, (number & mask).min(u32::MAX - 1)),
                self.signed.code(coder, (number & mask).cast_signed()),
                self.symbol.code(coder, number >> 5 & 7),
                coder.raw(number & mask, count),
            )
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(values in prop::collection::vec((any::<u32>(), 1..=32_u32), 0..200)) {
            let mut encoder = RangeEncoder::default();
            let mut models = AllModels::default();
            let mut written = Vec::new();
            for value in &values {
                written.push(models.code(&mut encoder, *value));
            }
            let bytes = encoder.finish().to_vec();
            let mut decoder = RangeDecoder::new(&bytes);
            let mut models = AllModels::default();
            for (expected, (_, count)) in written.into_iter().zip(&values) {
                prop_assert_eq!(models.code(&mut decoder, (0, *count)), expected);
            }
            prop_assert!(decoder.is_done());
        }
    }

    #[test]
    fn what_is_learned_costs_little() {
        let mut encoder = RangeEncoder::default();
        let mut bit = Bit::default();
        for _ in 0..10_000 {
            encoder.bit(&mut bit, false);
        }
        assert!(encoder.finish().len() < 30, "10,000 times the same: {} bytes", encoder.finish().len());
        let (mut encoder, mut size) = (RangeEncoder::default(), Signed::default());
        for turn in 0..1_000 {
            size.code(&mut encoder, [0, 1, 0, -1][turn % 4]);
        }
        assert!(encoder.finish().len() < 300, "small numbers: {} bytes", encoder.finish().len());
    }
}
