//! Bits, forwards for tables and backwards for what they encode.

use super::Damaged;

/// So many bits from a place, the lowest first; what is beyond the end is zero. At most 56.
fn bits_at(bytes: &[u8], at: usize, count: u32) -> usize {
    let mut eight = [0u8; 8];
    for (to, from) in eight.iter_mut().zip(bytes.get(at / 8..).unwrap_or_default()) {
        *to = *from;
    }
    let mask = (1u64 << count) - 1;
    // At most 32 are asked for by those who need the number.
    usize::try_from((u64::from_le_bytes(eight) >> (at % 8)) & mask).unwrap_or(usize::MAX)
}

/// Reads from the first bit to the last.
pub(super) struct Forward<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Forward<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn peek(&self, count: u32) -> usize {
        bits_at(self.bytes, self.at, count)
    }

    pub(super) fn skip(&mut self, count: u32) {
        self.at += count as usize;
    }

    /// What follows the byte in which the last bit was.
    pub(super) fn rest(self) -> Result<&'a [u8], Damaged> {
        self.bytes.get(self.at.div_ceil(8)..).ok_or(Damaged)
    }
}

/// Reads from the last bit to the first; a one marks where the bits begin. What is before the first is zero.
pub(super) struct Backward<'a> {
    bytes: &'a [u8],
    /// How many bits are left; negative once more were read than there are.
    left: isize,
}

impl<'a> Backward<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let last = *bytes.last().ok_or(Damaged)?;
        let bits = bytes.len() * 8;
        // Without a mark the last byte is zero.
        let padding = if last == 0 {
            return Err(Damaged);
        } else {
            last.leading_zeros() as usize + 1
        };
        Ok(Self {
            bytes,
            left: isize::try_from(bits - padding).map_err(|_| Damaged)?,
        })
    }

    pub(super) fn left(&self) -> isize {
        self.left
    }

    /// Exactly everything was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.left == 0
    }

    pub(super) fn peek(&self, count: u32) -> usize {
        let from = self.left - count as isize;
        match (usize::try_from(from), u32::try_from(self.left)) {
            (Ok(from), _) => bits_at(self.bytes, from, count),
            // Fewer are left than were asked for.
            (Err(_), Ok(left)) => bits_at(self.bytes, 0, left) << (count - left),
            _ => 0,
        }
    }

    pub(super) fn skip(&mut self, count: u32) {
        self.left -= count as isize;
    }

    pub(super) fn read(&mut self, count: u32) -> usize {
        let value = self.peek(count);
        self.skip(count);
        value
    }
}
