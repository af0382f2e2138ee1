//! Finite state entropy (RFC 8878 §4.1).

use super::Damaged;
use super::bits::{Backward, Forward};

/// The predefined distributions (§3.1.1.3.2.2).
pub(super) const LITERALS: [i16; 36] = [
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1,
    -1, -1,
];
pub(super) const MATCHES: [i16; 53] = [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
];
pub(super) const OFFSETS: [i16; 29] = [
    1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
];

#[derive(Clone, Copy, Default)]
struct Cell {
    symbol: u8,
    /// How many bits lead to the next state.
    bits: u8,
    base: u16,
}

/// A decoding table.
pub(super) struct Fse {
    accuracy: u32,
    cells: Vec<Cell>,
}

impl Fse {
    /// The one that always says the same.
    pub(super) fn constant(symbol: u8) -> Self {
        let cell = Cell {
            symbol,
            ..Cell::default()
        };
        Self {
            accuracy: 0,
            cells: vec![cell],
        }
    }

    /// Reads a table's description off the front.
    pub(super) fn read(input: &mut &[u8], most_accurate: u32, symbols: usize) -> Result<Self, Damaged> {
        let mut bits = Forward::new(input);
        let accuracy = u32::try_from(bits.peek(4)).map_err(|_| Damaged)? + 5;
        bits.skip(4);
        if accuracy > most_accurate {
            return Err(Damaged);
        }
        let mut left = 1usize << accuracy;
        let mut shares: Vec<i16> = Vec::new();
        while left > 0 {
            if shares.len() >= symbols {
                return Err(Damaged);
            }
            // Small values take a bit less, where that is enough to tell them apart.
            let width = (left + 1).ilog2() + 1;
            let mut value = bits.peek(width);
            let low = value & ((1 << (width - 1)) - 1);
            let short = (1usize << width) - 1 - (left + 1);
            if low < short {
                value = low;
                bits.skip(width - 1);
            } else {
                bits.skip(width);
                if value >= 1 << (width - 1) {
                    value -= short;
                }
            }
            // 0 is "less than one", which takes one.
            let share = i16::try_from(value).map_err(|_| Damaged)? - 1;
            left = left.checked_sub(share.unsigned_abs().into()).ok_or(Damaged)?;
            shares.push(share);
            if share == 0 {
                loop {
                    let zeros = bits.peek(2);
                    bits.skip(2);
                    shares.resize(shares.len() + zeros, 0);
                    if zeros < 3 || shares.len() > symbols {
                        break;
                    }
                }
            }
        }
        if shares.len() > symbols {
            return Err(Damaged);
        }
        *input = bits.rest()?;
        Self::new(accuracy, &shares)
    }

    /// Spreads symbols over the states by their shares.
    pub(super) fn new(accuracy: u32, shares: &[i16]) -> Result<Self, Damaged> {
        let size = 1usize << accuracy;
        let mut cells = vec![Cell::default(); size];
        let mut high = size;
        for (symbol, _) in shares.iter().enumerate().filter(|(_, share)| **share == -1) {
            high = high.checked_sub(1).ok_or(Damaged)?;
            cells.get_mut(high).ok_or(Damaged)?.symbol = u8::try_from(symbol).map_err(|_| Damaged)?;
        }
        let step = (size >> 1) + (size >> 3) + 3;
        let mut at = 0;
        for (symbol, share) in shares.iter().enumerate() {
            for _ in 0..(*share).max(0) {
                cells.get_mut(at).ok_or(Damaged)?.symbol = u8::try_from(symbol).map_err(|_| Damaged)?;
                loop {
                    at = (at + step) & (size - 1);
                    if at < high {
                        break;
                    }
                }
            }
        }
        let mut next: Vec<_> = shares.iter().map(|share| share.unsigned_abs()).collect();
        for cell in &mut cells {
            let state = next.get_mut(usize::from(cell.symbol)).ok_or(Damaged)?;
            let bits = accuracy - state.checked_ilog2().ok_or(Damaged)?;
            cell.bits = u8::try_from(bits).map_err(|_| Damaged)?;
            cell.base = u16::try_from((usize::from(*state) << bits) - size).map_err(|_| Damaged)?;
            *state += 1;
        }
        Ok(Self { accuracy, cells })
    }

    /// The first state.
    pub(super) fn begin(&self, bits: &mut Backward<'_>) -> usize {
        bits.read(self.accuracy)
    }

    /// What a state says.
    pub(super) fn symbol(&self, state: usize) -> Result<u8, Damaged> {
        Ok(self.cells.get(state).ok_or(Damaged)?.symbol)
    }

    /// How many bits the next state takes.
    pub(super) fn bits(&self, state: usize) -> Result<u8, Damaged> {
        Ok(self.cells.get(state).ok_or(Damaged)?.bits)
    }

    /// The next state.
    pub(super) fn next(&self, state: usize, bits: &mut Backward<'_>) -> Result<usize, Damaged> {
        let cell = self.cells.get(state).ok_or(Damaged)?;
        Ok(usize::from(cell.base) + bits.read(cell.bits.into()))
    }
}
