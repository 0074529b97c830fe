//! Cutting text into tokens, and telling words from ids.
//!
//! A token is a run of ASCII letters and digits and of bytes beyond ASCII. Ids (long runs of
//! hexadecimal or decimal digits, UUIDs) are random: as terms of a dictionary each would cost
//! more than all words of its message together, so they go into compact filters instead.
//!
//! UUIDs are recognised by their inner hyphens, wherever they stand, so that a text with a UUID in
//! it contains that UUID's id whatever surrounds it.

/// Runs of hexadecimal digits from this length on, with at least one decimal digit, are ids.
const HEX_ID_LENGTH: usize = 8;

/// Runs of decimal digits from this length on are ids.
const DIGITS_ID_LENGTH: usize = 6;

/// Longer tokens are not indexed: rows that hold one are always candidates.
pub const TOKEN_BYTES_MAX: usize = 256;

const UUID_LENGTH: usize = 36;

/// A token of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub class: Class,
    pub text: &'a [u8],
    pub start: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Word,
    /// A run of hexadecimal or decimal digits.
    Id,
    /// A UUID; its five runs are not tokens of their own.
    Uuid,
    /// Longer than [`TOKEN_BYTES_MAX`].
    Long,
}

/// Whether a byte is part of tokens.
pub const fn is_token_byte(byte: u8) -> bool {
    KIND[byte as usize] != OTHER
}

const OTHER: u8 = 0;
const DIGIT: u8 = 1;
const HEX_LETTER: u8 = 2;
const LETTER: u8 = 4;

const KIND: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        table[b] = if byte.is_ascii_digit() {
            DIGIT
        } else if byte.is_ascii_hexdigit() {
            HEX_LETTER
        } else if byte.is_ascii_alphabetic() || byte >= 0x80 {
            LETTER
        } else {
            OTHER
        };
        b += 1;
    }
    table
};

const fn classify_kinds(length: usize, kinds: u8) -> Class {
    if length > TOKEN_BYTES_MAX {
        return Class::Long;
    }
    let is_id = match kinds {
        DIGIT => length >= DIGITS_ID_LENGTH,
        k if k == DIGIT | HEX_LETTER => length >= HEX_ID_LENGTH,
        _ => false,
    };
    if is_id { Class::Id } else { Class::Word }
}

/// Whether a run consists of hexadecimal digits only (any case).
pub fn is_hex(run: &[u8]) -> bool {
    run.iter()
        .all(|&b| KIND[usize::from(b)] & (DIGIT | HEX_LETTER) != 0)
}

/// Visits the tokens of `text` in order.
pub fn tokenize<'a>(text: &'a [u8], mut visit: impl FnMut(Token<'a>)) {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if KIND[usize::from(byte)] == OTHER {
            at += 1;
            continue;
        }
        let start = at;
        let mut kinds = 0;
        while let Some(&byte) = text.get(at) {
            let kind = KIND[usize::from(byte)];
            if kind == OTHER {
                break;
            }
            kinds |= kind;
            at += 1;
        }
        // The first run of a UUID may be preceded, and its last followed, by more token bytes.
        let uuid = (text.get(at) == Some(&b'-') && at - start >= 8)
            .then(|| uuid_at(text, at - 8))
            .flatten();
        if let Some(uuid) = uuid {
            visit(Token {
                class: Class::Uuid,
                text: uuid,
                start: at - 8,
            });
            let end = at - 8 + UUID_LENGTH;
            // Where another group follows, the last run may begin a UUID that overlaps.
            let is_whole = at - start == 8
                && !text
                    .get(end)
                    .is_some_and(|&b| b == b'-' || is_token_byte(b));
            if is_whole {
                at = end;
                continue;
            }
        }
        if let Some(run) = text.get(start..at) {
            visit(Token {
                class: classify_kinds(run.len(), kinds),
                text: run,
                start,
            });
        }
    }
}

/// The UUID that starts at `start`, if there is one.
fn uuid_at(text: &[u8], start: usize) -> Option<&[u8]> {
    let uuid = text.get(start..start.checked_add(UUID_LENGTH)?)?;
    let well_formed = uuid.iter().enumerate().all(|(i, &b)| match i {
        8 | 13 | 18 | 23 => b == b'-',
        _ => KIND[usize::from(b)] & (DIGIT | HEX_LETTER) != 0,
    });
    well_formed.then_some(uuid)
}

/// A hash of an id that never changes: it stands in segments.
pub fn id_hash(id: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = (id.len() as u64).wrapping_mul(K);
    let mut chunks = id.chunks_exact(8);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        hash = fold(hash ^ word, K);
    }
    let mut rest = [0; 8];
    for (to, from) in rest.iter_mut().zip(chunks.remainder()) {
        *to = *from;
    }
    hash = fold(hash ^ u64::from_le_bytes(rest), 0xbf58_476d_1ce4_e5b9);
    fold(hash ^ K, 0x94d0_49bb_1331_11eb)
}

const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128).wrapping_mul(b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A token of a text that is searched for: at the text's edges it may be part of a longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needle<'a> {
    pub token: Token<'a>,
    pub bounded_left: bool,
    pub bounded_right: bool,
}

/// The tokens that a message holding `text` must hold in full, or in part at the edges. With
/// `whole`, the text is a whole value: its edges are bounded.
pub fn needles(text: &[u8], whole: bool) -> Vec<Needle<'_>> {
    let mut found = Vec::new();
    tokenize(text, |token| {
        let end = token.start + token.text.len();
        let is_uuid = token.class == Class::Uuid;
        found.push(Needle {
            token,
            bounded_left: is_uuid || whole || token.start > 0,
            bounded_right: is_uuid || whole || end < text.len(),
        });
    });
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &str) -> Vec<(Class, &str)> {
        let mut found = Vec::new();
        tokenize(text.as_bytes(), |t| {
            found.push((t.class, std::str::from_utf8(t.text).unwrap()));
        });
        found
    }

    #[test]
    fn tells_words_from_ids() {
        use Class::{Id, Uuid, Word};
        assert_eq!(
            tokens("GET /api/v1 u_012345 obj_0123456789abcdef deadbeef 12345 é-ü"),
            [
                (Word, "GET"),
                (Word, "api"),
                (Word, "v1"),
                (Word, "u"),
                (Id, "012345"),
                (Word, "obj"),
                (Id, "0123456789abcdef"),
                (Word, "deadbeef"),
                (Word, "12345"),
                (Word, "é"),
                (Word, "ü"),
            ]
        );
        let uuid = "01234567-89ab-cdef-0123-456789ABCDEF";
        assert_eq!(tokens(uuid), [(Uuid, uuid)]);
        assert_eq!(tokens(&format!("id={uuid},")), [(Word, "id"), (Uuid, uuid)]);
        // Embedded in longer runs, it is found and its surroundings are tokens as well.
        let long = format!("x{uuid}y");
        assert!(tokens(&long).contains(&(Uuid, uuid)));
        assert!(
            tokens(&long).contains(&(Id, "456789ABCDEFy"))
                || tokens(&long).contains(&(Word, "456789ABCDEFy"))
        );
    }

    proptest! {
        #[test]
        fn tokens_of_a_part_are_tokens_of_the_whole(
            before in "[a-f0-9 -]{0,12}", inside in "[a-f0-9g -]{0,50}", after in "[a-f0-9 -]{0,12}",
        ) {
            let text = format!("{before}{inside}{after}");
            let mut all = Vec::new();
            tokenize(text.as_bytes(), |t| all.push(t));
            for needle in needles(inside.as_bytes(), false) {
                let at = before.len() + needle.token.start;
                let end = at + needle.token.text.len();
                let covered = all.iter().any(|t| {
                    let t_end = t.start + t.text.len();
                    let fits = t.start <= at && end <= t_end;
                    let exact = (!needle.bounded_left || t.start == at) && (!needle.bounded_right || t_end == end);
                    // Runs of a UUID are hidden in it; lookups know that.
                    fits && (exact || t.class == Class::Uuid)
                });
                prop_assert!(covered, "{:?} of {:?} in {:?}: {:?}", needle, inside, text, all);
                if needle.token.class == Class::Uuid {
                    let same = all.iter().any(|t| t.class == Class::Uuid && t.text == needle.token.text);
                    prop_assert!(same);
                }
            }
        }
    }
}
