//! Streams of bits, least significant bit first, and the variable-length numbers of the delta codec.

/// A stream that ended too early, or a number that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bit stream is cut off or holds a number out of range")]
pub struct BitsError;

/// Appends bits to a byte vector.
#[derive(Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    pending_bits: u32,
}

impl BitWriter {
    /// Starts again, keeping the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.pending = 0;
        self.pending_bits = 0;
    }

    /// Writes the low `count` bits of `value`, at most 32.
    pub fn bits(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 32 && (count == 32 || value >> count == 0), "{value} has over {count} bits");
        self.pending |= u64::from(value) << self.pending_bits;
        self.pending_bits += count;
        while self.pending_bits >= 8 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.pending_bits -= 8;
        }
    }

    /// Writes one bit.
    pub fn flag(&mut self, value: bool) {
        self.bits(u32::from(value), 1);
    }

    /// Writes `value` in two's complement of `count` bits; it must fit.
    pub fn signed(&mut self, value: i32, count: u32) {
        debug_assert!(fits_signed(value, count), "{value} has over {count} bits");
        self.bits(value.cast_unsigned() & mask(count), count);
    }

    /// Writes a number of any size, small ones short: groups of `group` bits, each with a bit behind it that
    /// says whether another follows, the least significant first.
    pub fn varying(&mut self, mut value: u32, group: u32) {
        loop {
            self.bits(value & mask(group), group);
            value = value.checked_shr(group).unwrap_or(0);
            self.flag(value != 0);
            if value == 0 {
                return;
            }
        }
    }

    /// The bytes written so far, the last one filled with zero bits.
    pub fn finish(&mut self) -> &[u8] {
        if self.pending_bits > 0 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
            self.pending = 0;
            self.pending_bits = 0;
        }
        &self.bytes
    }
}

/// Reads what [`BitWriter`] wrote.
#[derive(Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> BitReader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The next `count` bits, at most 32.
    pub fn bits(&mut self, count: u32) -> Result<u32, BitsError> {
        let mut value = 0_u64;
        let first = self.position / 8;
        let shift = self.position % 8;
        let end = self.position + count as usize;
        if end > self.bytes.len() * 8 {
            return Err(BitsError);
        }
        for (index, byte) in self.bytes[first..end.div_ceil(8)].iter().enumerate() {
            value |= u64::from(*byte) << (index * 8);
        }
        self.position = end;
        u32::try_from((value >> shift) & u64::from(mask(count))).map_err(|_| BitsError)
    }

    /// The next bit.
    pub fn flag(&mut self) -> Result<bool, BitsError> {
        Ok(self.bits(1)? == 1)
    }

    /// A number in two's complement of `count` bits.
    pub fn signed(&mut self, count: u32) -> Result<i32, BitsError> {
        let spare = 32 - count;
        Ok((self.bits(count)? << spare).cast_signed() >> spare)
    }

    /// A number written by [`BitWriter::varying`].
    pub fn varying(&mut self, group: u32) -> Result<u32, BitsError> {
        let mut value = 0_u64;
        let mut shift = 0;
        loop {
            value |= u64::from(self.bits(group)?) << shift;
            shift += group;
            if !self.flag()? {
                return u32::try_from(value).map_err(|_| BitsError);
            }
            if shift >= 32 {
                return Err(BitsError);
            }
        }
    }

    /// Whether all is read but for the zero bits that fill the last byte.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.bytes.len() == self.position.div_ceil(8)
    }
}

/// Whether `value` is a number of `count` bits in two's complement.
#[must_use]
pub const fn fits_signed(value: i32, count: u32) -> bool {
    let spare = 32 - count;
    (value << spare) >> spare == value
}

const fn mask(count: u32) -> u32 {
    if count >= 32 { u32::MAX } else { (1 << count) - 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(values in prop::collection::vec((any::<u32>(), 1..=32_u32, 1..=8_u32), 0..50)) {
            let mut writer = BitWriter::default();
            for (value, count, group) in &values {
                writer.bits(value & mask(*count), *count);
                writer.varying(*value, *group);
                writer.signed((value << (32 - count)).cast_signed() >> (32 - count), *count);
            }
            let bytes = writer.finish().to_vec();
            let mut reader = BitReader::new(&bytes);
            for (value, count, group) in &values {
                prop_assert_eq!(reader.bits(*count)?, value & mask(*count));
                prop_assert_eq!(reader.varying(*group)?, *value);
                prop_assert_eq!(reader.signed(*count)?, (value << (32 - count)).cast_signed() >> (32 - count));
            }
            prop_assert!(reader.is_done());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..20), group in 1..=8_u32) {
            let mut reader = BitReader::new(&bytes);
            while reader.varying(group).is_ok() && reader.signed(7).is_ok() {}
        }
    }
}
