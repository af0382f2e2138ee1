//! Signatures of those who sign often, verified in half the time.
//!
//! Verifying is multiplying the sender's public key by a number that the message decides, and most of that is doubling. For a
//! key that keeps coming back the doublings of the key itself are done once and kept, and what is left is adding.
//! What is accepted is what `ed25519-dalek` accepts with `verify_strict`, which OpenMLS's own provider calls.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::traits::Identity as _;
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha512};

/// After how many messages of a key its multiples are computed, which takes as long as verifying five.
const OFTEN: u8 = 8;
/// Of how many keys multiples are kept, 220 KB each.
const MAX_KNOWN: usize = 32;
/// A key gives way to another when so many signatures of others came since its last: of more than there is room for that take
/// turns, some stay.
const LONG_AGO: u64 = 256;
/// How many keys are counted.
const MAX_MET: usize = 1_024;

type PublicKey = [u8; 32];

/// Who has spoken how often, and the multiples of those who speak often.
#[derive(Default)]
pub(super) struct Signers {
    met: Mutex<Met>,
}

#[derive(Default)]
struct Met {
    times: HashMap<PublicKey, u8>,
    known: HashMap<PublicKey, Known>,
    /// How many messages there were, and other signatures of those who are known.
    signatures: u64,
}

struct Known {
    verifier: Arc<Verifier>,
    /// At which signature it was last used.
    last: u64,
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signers").finish_non_exhaustive()
    }
}

impl Signers {
    /// Whether a signature is right, if its key is known and it has the length of one.
    pub(super) fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
        let signature = <&[u8; 64]>::try_from(signature).ok()?;
        let verifier = self.lock().verifier(key)?;
        Some(verifier.verify(message, signature))
    }

    /// Counts a message whose signature was found right without us: its key is a point, and not one of the few of small
    /// order.
    pub(super) fn count(&self, key: &[u8]) {
        let Ok(key) = PublicKey::try_from(key) else { return };
        let mut met = self.lock();
        if met.speaks_often(key)
            && met.has_room()
            && let Some(verifier) = Verifier::of(&key)
        {
            let known = Known {
                verifier: Arc::new(verifier),
                last: met.signatures,
            };
            met.known.insert(key, known);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Met> {
        // What is kept is whole at any time.
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Met {
    fn verifier(&mut self, key: &[u8]) -> Option<Arc<Verifier>> {
        let known = self.known.get_mut(key)?;
        self.signatures += 1;
        known.last = self.signatures;
        Some(Arc::clone(&known.verifier))
    }

    /// Counts a message. Each time that it says yes it begins anew.
    fn speaks_often(&mut self, key: PublicKey) -> bool {
        self.signatures += 1;
        if self.times.len() >= MAX_MET {
            self.times.clear();
        }
        let times = self.times.entry(key).or_default();
        *times += 1;
        let often = *times >= OFTEN;
        if often {
            self.times.remove(&key);
        }
        often
    }

    /// Whether there is room for one more, if need be in place of one that has not been used for long.
    fn has_room(&mut self) -> bool {
        if self.known.len() < MAX_KNOWN {
            return true;
        }
        let oldest = self.known.iter().min_by_key(|(_, known)| known.last);
        let Some((key, _)) = oldest.filter(|(_, known)| self.signatures - known.last > LONG_AGO) else {
            return false;
        };
        let key = *key;
        self.known.remove(&key).is_some()
    }
}

/// What verifying with one key needs.
struct Verifier {
    key: PublicKey,
    /// Of the point of the key, negated.
    multiples: Multiples,
}

impl Verifier {
    /// `None` if the key is not a point, or one of small order, which `verify_strict` refuses.
    fn of(key: &PublicKey) -> Option<Self> {
        let verifying = VerifyingKey::from_bytes(key).ok().filter(|key| !key.is_weak())?;
        Some(Self {
            key: *key,
            multiples: Multiples::of(-verifying.to_edwards(), KEY_WINDOW),
        })
    }

    /// RFC 8032 §5.1.7 without the cofactor, and nothing of small order.
    fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        static BASE: LazyLock<Multiples> =
            LazyLock::new(|| Multiples::of(ED25519_BASEPOINT_POINT, BASE_WINDOW));
        let (r, s) = signature.split_at(32);
        let s = <[u8; 32]>::try_from(s)
            .ok()
            .and_then(|s| Scalar::from_canonical_bytes(s).into());
        let Some(s): Option<Scalar> = s else { return false };
        let k = Scalar::from_hash(
            Sha512::new()
                .chain_update(r)
                .chain_update(self.key)
                .chain_update(message),
        );
        let expected = BASE.times(&s) + self.multiples.times(&k);
        // That it is written as `r` says that `r` is a point, written the one way.
        expected.compress().as_bytes() == r && !expected.is_small_order()
    }
}

/// How many bits of a scalar are one digit, where a key is multiplied: more make adding faster, and the multiples more.
const KEY_WINDOW: usize = 6;
/// The same for the base point, whose multiples are computed once: 655 KB.
const BASE_WINDOW: usize = 8;

/// Multiples of a point, for each digit of a scalar: of the digit at `i`, `rows[i][j]` is `j + 1` times what one is worth
/// there. The negative ones are these with another sign.
struct Multiples {
    window: usize,
    rows: Vec<Vec<EdwardsPoint>>,
}

impl Multiples {
    fn of(point: EdwardsPoint, window: usize) -> Self {
        let mut one = point;
        let rows = (0..256_usize.div_ceil(window)).map(|_| {
            let row: Vec<_> = std::iter::successors(Some(one), |last| Some(last + one))
                .take(1 << (window - 1))
                .collect();
            one = row.last().map_or(one, |half| half + half);
            row
        });
        let rows = rows.collect();
        Self { window, rows }
    }

    /// The point times a scalar. Takes a time that depends on the scalar: it must be no secret.
    fn times(&self, scalar: &Scalar) -> EdwardsPoint {
        let mut sum = EdwardsPoint::identity();
        for (row, digit) in self.rows.iter().zip(digits(scalar, self.window)) {
            let multiple = usize::from(digit.unsigned_abs())
                .checked_sub(1)
                .and_then(|at| row.get(at));
            match multiple {
                Some(multiple) if digit > 0 => sum += multiple,
                Some(multiple) => sum -= multiple,
                None => {}
            }
        }
        sum
    }
}

/// The digits of a scalar, lowest first: of `window` bits each, at most 8, and signed, so that none is larger than half of what
/// they can say. A scalar is below 2^253: nothing is carried out of the last one.
fn digits(scalar: &Scalar, window: usize) -> impl Iterator<Item = i16> {
    let bytes = *scalar.as_bytes();
    let byte = move |at: usize| bytes.get(at).copied().unwrap_or_default();
    let mut carried = 0;
    (0..256).step_by(window).map(move |bit| {
        let two = i32::from(u16::from_le_bytes([byte(bit / 8), byte(bit / 8 + 1)]));
        let digit = (two >> (bit % 8) & ((1 << window) - 1)) + carried;
        carried = i32::from(digit > 1 << (window - 1));
        i16::try_from(digit - (carried << window)).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use ed25519_dalek::{Signature, Signer as _, SigningKey};
    use proptest::prelude::*;

    use super::*;

    /// What the library says, and what we do with the multiples of the same key; `None` for a key that is refused.
    fn both(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> (bool, Option<bool>) {
        let library = VerifyingKey::from_bytes(key).is_ok_and(|key| {
            key.verify_strict(message, &Signature::from_bytes(signature))
                .is_ok()
        });
        (
            library,
            Verifier::of(key).map(|known| known.verify(message, signature)),
        )
    }

    fn challenge(r: &[u8], key: &PublicKey, message: &[u8]) -> Scalar {
        Scalar::from_hash(
            Sha512::new()
                .chain_update(r)
                .chain_update(key)
                .chain_update(message),
        )
    }

    /// A signature whose nonce point and key may have a part of small order: what nobody signs who means well.
    fn crooked(secret: Scalar, nonce: Scalar, message: &[u8], torsion: [usize; 2]) -> (PublicKey, [u8; 64]) {
        let point = |scalar, torsion: usize| ED25519_BASEPOINT_POINT * scalar + EIGHT_TORSION[torsion];
        let key = point(secret, torsion[0]).compress().to_bytes();
        let r = point(nonce, torsion[1]).compress().to_bytes();
        let s = nonce + challenge(&r, &key, message) * secret;
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(s.as_bytes());
        (key, signature)
    }

    proptest! {
        #[test]
        fn what_is_signed_is_right_and_nothing_that_differs_by_a_bit(
            secret: [u8; 32],
            message: Vec<u8>,
            bit in 0..512_usize,
        ) {
            let signing = SigningKey::from_bytes(&secret);
            let key = signing.verifying_key().to_bytes();
            let mut signature = signing.sign(&message).to_bytes();
            prop_assert_eq!(both(&key, &message, &signature), (true, Some(true)));
            let longer = [message.as_slice(), &[0]].concat();
            prop_assert_eq!(both(&key, &longer, &signature), (false, Some(false)));
            signature[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(both(&key, &message, &signature), (false, Some(false)));
        }

        #[test]
        fn any_bytes_are_judged_as_the_library_does(key: [u8; 32], message: Vec<u8>, r: [u8; 32], s: [u8; 32]) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            signature[32..].copy_from_slice(&s);
            let (library, ours) = both(&key, &message, &signature);
            prop_assert_eq!(library, ours.unwrap_or(false));
        }

        #[test]
        fn digits_make_up_their_scalar(bytes: [u8; 32]) {
            let scalar = Scalar::from_bytes_mod_order(bytes);
            for window in 1..=8_usize {
                let digits: Vec<_> = digits(&scalar, window).collect();
                let sum = digits.iter().rev().fold(Scalar::ZERO, |sum, digit| {
                    let size = Scalar::from(digit.unsigned_abs());
                    sum * Scalar::from(1_u16 << window) + if *digit < 0 { -size } else { size }
                });
                prop_assert_eq!(sum, scalar);
                let half = 1_i16 << (window - 1);
                prop_assert!(digits.iter().all(|digit| (1 - half..=half).contains(digit)));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn parts_of_small_order_are_judged_as_the_library_does(secret: [u8; 32], nonce: [u8; 32], message: Vec<u8>) {
            for torsion in (0..8).flat_map(|key| (0..8).map(move |r| [key, r])) {
                let (secret, nonce) = (Scalar::from_bytes_mod_order(secret), Scalar::from_bytes_mod_order(nonce));
                let (key, signature) = crooked(secret, nonce, &message, torsion);
                let (library, ours) = both(&key, &message, &signature);
                prop_assert_eq!(Some(library), ours);
                if torsion == [0, 0] {
                    prop_assert!(library);
                }
                // The key's part of small order alone, which everything verifies with that cofactors are lost on.
                for (secret, nonce) in [(Scalar::ZERO, nonce), (secret, Scalar::ZERO), (Scalar::ZERO, Scalar::ZERO)] {
                    let (key, signature) = crooked(secret, nonce, &message, torsion);
                    let (library, ours) = both(&key, &message, &signature);
                    prop_assert!(!library);
                    prop_assert_eq!(ours.unwrap_or(false), library);
                }
            }
        }
    }

    #[test]
    fn a_scalar_that_is_not_reduced_and_points_written_another_way_are_refused() {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let key = signing.verifying_key().to_bytes();
        let signature = signing.sign(b"once").to_bytes();
        // The order of the group, added to what is signed: the same number to all who reduce it.
        let order = (-Scalar::ONE).to_bytes();
        let mut carried = 1_u16;
        let mut larger = signature;
        for (byte, add) in larger[32..].iter_mut().zip(order) {
            carried += u16::from(*byte) + u16::from(add);
            *byte = carried.to_le_bytes()[0];
            carried >>= 8;
        }
        assert_eq!(both(&key, b"once", &larger), (false, Some(false)));

        // y = p + 1 is y = 1 written another way; the point at infinity, and with the sign nothing.
        for first in [0xee, 0xed, 0x01] {
            for last in [0x7f, 0xff, 0x00, 0x80] {
                let mut written = [if last & 0x7f == 0 { 0 } else { 0xff }; 32];
                (written[0], written[31]) = (first, last);
                let mut odd = signature;
                odd[..32].copy_from_slice(&written);
                assert_eq!(both(&key, b"once", &odd), (false, Some(false)));
                let (library, ours) = both(&written, b"once", &signature);
                assert_eq!((library, ours.unwrap_or(false)), (false, false));
            }
        }
    }

    #[test]
    fn keys_that_sign_often_are_known_and_no_more_than_there_is_room_for() {
        let signers = Signers::default();
        let key = |number: u8| SigningKey::from_bytes(&[number; 32]);
        let is_known = |number| {
            let key = key(number);
            let signature = key.sign(b"again").to_bytes();
            signers.verify(key.verifying_key().as_bytes(), b"again", &signature)
        };
        for time in 1..=OFTEN {
            assert_eq!(is_known(0), None);
            signers.count(key(0).verifying_key().as_bytes());
            assert_eq!(is_known(0).is_some(), time == OFTEN);
        }
        assert_eq!(is_known(0), Some(true));
        let first = key(0).verifying_key().to_bytes();
        let signature = key(0).sign(b"again").to_bytes();
        assert_eq!(signers.verify(&first, b"never", &signature), Some(false));
        assert_eq!(signers.verify(&first, b"again", &signature[..63]), None);

        let speak = |number: u8| {
            for _ in 0..OFTEN {
                signers.count(key(number).verifying_key().as_bytes());
            }
        };
        (1_u8..).take(MAX_KNOWN).for_each(speak);
        assert_eq!(signers.lock().known.len(), MAX_KNOWN);
        assert_eq!(is_known(32), None, "nobody gives way who spoke just now");
        for _ in 0..=LONG_AGO {
            assert_eq!(is_known(1), Some(true));
        }
        speak(32);
        assert_eq!(is_known(32), Some(true));
        assert_eq!(signers.lock().known.len(), MAX_KNOWN);
        assert_eq!(is_known(1), Some(true));

        for number in (0_u32..).take(MAX_MET + 1) {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_le_bytes());
            signers.count(&key);
        }
        assert_eq!(signers.lock().times.len(), 1);
    }
}
