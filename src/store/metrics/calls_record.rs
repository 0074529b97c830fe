//! The write-ahead record of applied calls (`docs/formats/metrics-block.md`).

use belfry_model::{Tenant, TimestampMs};

use super::varint::{self, Reader};
use crate::retried_calls::{CallKey, RememberedCalls, RetriedCalls, call_key};

/// Ids as text, each with its tenant. Read, no longer written.
const VERSION_IDS: u8 = 1;
/// Keys of one tenant.
const VERSION_KEYS: u8 = 2;

pub(super) fn encode(remembered: &RememberedCalls<()>) -> Vec<u8> {
    let mut out = vec![VERSION_KEYS];
    let tenant = &remembered.tenant;
    for text in [&*tenant.account, &*tenant.region] {
        varint::write_bytes(text.as_bytes(), &mut out);
    }
    varint::write(remembered.calls.len() as u64, &mut out);
    let mut before = 0i64;
    for (at, key, ()) in &remembered.calls {
        varint::write_signed(at.0.wrapping_sub(before), &mut out);
        before = at.0;
        varint::write_bytes(key, &mut out);
    }
    out
}

/// Notes the calls of a record. `None` if it is none.
pub(super) fn replay(record: &[u8], calls: &RetriedCalls<()>) -> Option<()> {
    let mut reader = Reader::new(record);
    match reader.u8()? {
        VERSION_IDS => {
            for _ in 0..reader.usize()? {
                let at = TimestampMs(reader.i64()?);
                let tenant = tenant(&mut reader)?;
                let id = std::str::from_utf8(reader.bytes()?).ok()?;
                calls.replay(&tenant, call_key(id), at, ());
            }
        }
        VERSION_KEYS => {
            let tenant = tenant(&mut reader)?;
            let mut at = 0i64;
            for _ in 0..reader.usize()? {
                at = at.wrapping_add(reader.i64()?);
                let key = CallKey::try_from(reader.bytes()?).ok()?;
                calls.replay(&tenant, key, TimestampMs(at), ());
            }
        }
        _ => return None,
    }
    reader.is_empty().then_some(())
}

fn tenant(reader: &mut Reader<'_>) -> Option<Tenant> {
    let mut text = || std::str::from_utf8(reader.bytes()?).ok();
    Some(Tenant::new(text()?, text()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimestampMs = TimestampMs(1_000_000_000);

    #[test]
    fn records_of_both_versions_read_back() {
        let tenant = Tenant::new("000000000000", "eu-west-1");
        let calls = RetriedCalls::default();
        for (i, id) in ["a", "b", "c"].into_iter().enumerate() {
            let at = NOW.saturating_add_ms(10 - i as i64);
            calls.replay(&tenant, call_key(id), at, ());
        }
        let expected = calls.remembered(NOW);
        let mut old = vec![VERSION_IDS, 3];
        for (i, id) in ["a", "b", "c"].into_iter().enumerate() {
            varint::write_signed(NOW.0 + 10 - i as i64, &mut old);
            for text in [&*tenant.account, &*tenant.region, id] {
                varint::write_bytes(text.as_bytes(), &mut old);
            }
        }
        for record in [encode(&expected[0]), old] {
            let restored = RetriedCalls::default();
            replay(&record, &restored).unwrap();
            assert_eq!(restored.remembered(NOW), expected);
            for cut in 0..record.len() {
                assert!(replay(&record[..cut], &RetriedCalls::default()).is_none());
            }
            let longer = [&record[..], &[0]].concat();
            assert!(replay(&longer, &RetriedCalls::default()).is_none());
        }
        let mut newer = encode(&expected[0]);
        newer[0] = 3;
        assert!(replay(&newer, &RetriedCalls::default()).is_none());
    }
}
