//! What the directory of a log holds, found out without changing anything.

use super::{Lsn, WalDir, WalRecord, segment};
use crate::error::{Error, Result};

/// One segment file.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub name: String,
    /// The lsn after its last durable record.
    pub end_lsn: Lsn,
    /// Up to the end of its last durable record.
    pub bytes: u64,
}

/// Segments that are sound and join.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// In order.
    pub segments: Vec<Segment>,
    /// A last segment whose creation a crash cut off: it holds nothing.
    pub unborn: Option<String>,
    /// Why the last segment goes on after its last record, if it does: a torn write.
    pub torn: Option<String>,
    pub records: u64,
    /// Bytes of the records' payloads.
    pub payload_bytes: u64,
}

/// Reads every segment, and calls `visit` for each record, in order.
///
/// # Errors
/// If a file cannot be read, a segment between others is not there, or what was acknowledged
/// is damaged; those of `visit`.
pub(super) fn survey(
    dir: &dyn WalDir,
    visit: &mut dyn FnMut(&WalRecord) -> Result<()>,
) -> Result<Survey> {
    let mut firsts: Vec<Lsn> = dir
        .list()
        .map_err(|e| Error::io("write-ahead log", "directory", e))?
        .iter()
        .filter_map(|name| segment::parse_file_name(name))
        .collect();
    firsts.sort_unstable();

    let mut survey = Survey::default();
    if let Some(last) = firsts.last().copied() {
        let name = segment::file_name(last);
        if segment::is_unborn(dir, &name)? {
            survey.unborn = Some(name);
            firsts.pop();
        }
    }
    for (i, first) in firsts.iter().copied().enumerate() {
        let name = segment::file_name(first);
        if let Some(before) = survey.segments.last()
            && before.end_lsn != first
        {
            return Err(Error::WalCorrupt {
                file: name,
                offset: 0,
                why: format!("expected the segment of lsn {}", before.end_lsn.0),
            });
        }
        let content = segment::read(dir, &name)?;
        let is_last = i + 1 == firsts.len();
        if let Some(damage) = content.damage {
            if damage.middle || !is_last {
                return Err(Error::WalCorrupt {
                    file: name,
                    offset: content.good_bytes,
                    why: format!(
                        "{}; acknowledged records follow, so this is no torn write",
                        damage.why
                    ),
                });
            }
            survey.torn = Some(damage.why);
        }
        for record in &content.records {
            survey.records += 1;
            survey.payload_bytes += record.payload.len() as u64;
            visit(record)?;
        }
        survey.segments.push(Segment {
            name,
            end_lsn: content.end_lsn,
            bytes: content.good_bytes,
        });
    }
    Ok(survey)
}

impl Survey {
    /// Whether every record from the checkpoint on is there. The checkpoint is 0 only until the
    /// log was created; a log never ends below its checkpoint, and its last segment is never deleted.
    ///
    /// # Errors
    /// [`Error::WalIncomplete`].
    pub fn reaches(&self, name: &str, checkpoint: Lsn) -> Result<()> {
        let lost = |why: String| {
            Err(Error::WalIncomplete {
                name: name.to_owned(),
                why,
            })
        };
        let first = self
            .segments
            .first()
            .and_then(|s| segment::parse_file_name(&s.name));
        let (Some(first), Some(last)) = (first, self.segments.last()) else {
            if checkpoint < Lsn::FIRST {
                return Ok(());
            }
            return lost(format!(
                "there is no segment, records from {} on are missing",
                checkpoint.0
            ));
        };
        if first > checkpoint.max(Lsn::FIRST) {
            return lost(format!(
                "records {} to {} are missing, the oldest segment is {}",
                checkpoint.max(Lsn::FIRST).0,
                first.0 - 1,
                segment::file_name(first)
            ));
        }
        if last.end_lsn < checkpoint {
            return lost(format!(
                "records from {} on are missing, and there have been {} at least",
                last.end_lsn.0,
                checkpoint.0 - 1
            ));
        }
        Ok(())
    }
}
