//! Huffman coding of literals (RFC 8878 §4.2).

use super::bits::Backward;
use super::fse::Fse;
use super::{Damaged, split};

/// The longest code there may be.
const MAX_BITS: u32 = 11;

/// A decoding table: for each value of `width` bits the symbol they begin with and how many bits that is.
pub(super) struct Huffman {
    width: u32,
    codes: Vec<(u8, u8)>,
}

impl Huffman {
    /// Reads a tree's description off the front.
    pub(super) fn read(input: &mut &[u8]) -> Result<Self, Damaged> {
        let header = *split(input, 1)?.first().ok_or(Damaged)?;
        let mut weights = if header < 128 {
            packed_weights(split(input, header.into())?)?
        } else {
            let count = usize::from(header - 127);
            let nibbles = split(input, count.div_ceil(2))?
                .iter()
                .flat_map(|byte| [byte >> 4, byte & 15]);
            nibbles.take(count).collect()
        };
        let mut sum = 0usize;
        for weight in &weights {
            if u32::from(*weight) > MAX_BITS {
                return Err(Damaged);
            }
            sum += (1 << weight) >> 1;
        }
        // The last weight is what is missing to a power of two.
        let width = sum.checked_ilog2().ok_or(Damaged)? + 1;
        let missing = (1usize << width) - sum;
        if width > MAX_BITS || !missing.is_power_of_two() || weights.len() > 255 {
            return Err(Damaged);
        }
        weights.push(u8::try_from(missing.ilog2() + 1).map_err(|_| Damaged)?);
        let mut codes = Vec::with_capacity(1 << width);
        for weight in 1..=width {
            for (symbol, _) in weights
                .iter()
                .enumerate()
                .filter(|(_, it)| u32::from(**it) == weight)
            {
                let symbol = u8::try_from(symbol).map_err(|_| Damaged)?;
                let bits = u8::try_from(width + 1 - weight).map_err(|_| Damaged)?;
                codes.resize(codes.len() + (1 << (weight - 1)), (symbol, bits));
            }
        }
        Ok(Self { width, codes })
    }

    /// Decodes a stream of exactly `count` symbols.
    pub(super) fn decode(&self, stream: &[u8], count: usize, to: &mut Vec<u8>) -> Result<(), Damaged> {
        let mut bits = Backward::new(stream)?;
        for _ in 0..count {
            let (symbol, length) = *self.codes.get(bits.peek(self.width)).ok_or(Damaged)?;
            to.push(symbol);
            bits.skip(length.into());
        }
        if bits.is_at_end() { Ok(()) } else { Err(Damaged) }
    }
}

/// Weights as two states that take turns wrote them (§4.2.1.2).
fn packed_weights(mut packed: &[u8]) -> Result<Vec<u8>, Damaged> {
    let table = Fse::read(&mut packed, 6, 13)?;
    let mut bits = Backward::new(packed)?;
    let mut state = table.begin(&mut bits);
    let mut other = table.begin(&mut bits);
    let mut weights = Vec::new();
    while weights.len() < 255 {
        weights.push(table.symbol(state)?);
        if bits.left() < isize::from(table.bits(state)?) {
            weights.push(table.symbol(other)?);
            return Ok(weights);
        }
        state = table.next(state, &mut bits)?;
        std::mem::swap(&mut state, &mut other);
    }
    Err(Damaged)
}
