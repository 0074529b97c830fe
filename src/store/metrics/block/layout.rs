//! Header, footer, sections, checksums.

use belfry_model::TimestampMs;
use bytes::Bytes;

use crate::metrics::tier::Tier;
use crate::metrics::varint::{self, Reader};

pub(super) const MAGIC: &[u8; 8] = b"BELFRYMB";
pub(super) const VERSION: u32 = 1;
/// Magic, version, four zero bytes.
pub(super) const HEADER_BYTES: usize = 16;
/// Length and checksum of the footer, version, magic.
pub(super) const TAIL_BYTES: usize = 20;
/// Ours: nothing larger is unpacked, whatever a damaged length says.
const SECTION_RAW_BYTES_MAX: u64 = 1 << 30;
const SECTION_LEVEL: i32 = 3;

/// Where a section lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    pub offset: u64,
    pub bytes: u64,
    pub raw_bytes: u64,
    pub crc: u32,
}

/// What a block holds, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSummary {
    pub tier: Tier,
    pub series: u64,
    pub samples: u64,
    pub min_ts: TimestampMs,
    pub max_ts: TimestampMs,
}

/// The last part of a block: all that is needed to find the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub summary: BlockSummary,
    pub series: Section,
    pub clocks: Section,
    pub chunks: Section,
    pub postings: Section,
}

pub(super) fn header() -> Bytes {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&[0; 4]);
    Bytes::from(header)
}

/// Packs a section that will lie at `offset`.
pub(super) fn pack_section(raw: &[u8], offset: u64) -> std::io::Result<(Section, Bytes)> {
    let packed = zstd::bulk::compress(raw, SECTION_LEVEL)?;
    let section = Section {
        offset,
        bytes: packed.len() as u64,
        raw_bytes: raw.len() as u64,
        crc: crc32c::crc32c(&packed),
    };
    Ok((section, Bytes::from(packed)))
}

/// Unpacks a section, or says why not.
pub(super) fn unpack_section(section: &Section, packed: &[u8]) -> Result<Vec<u8>, String> {
    let crc = crc32c::crc32c(packed);
    if crc != section.crc {
        return Err(format!(
            "section checksum is {crc:08x}, expected {:08x}",
            section.crc
        ));
    }
    if section.raw_bytes > SECTION_RAW_BYTES_MAX {
        return Err(format!("section of {} bytes", section.raw_bytes));
    }
    let capacity = usize::try_from(section.raw_bytes).unwrap_or(usize::MAX);
    let raw = zstd::bulk::decompress(packed, capacity).map_err(|e| e.to_string())?;
    if raw.len() != capacity {
        return Err("section is shorter than its directory says".to_owned());
    }
    Ok(raw)
}

impl Footer {
    /// The footer and the tail.
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        let tier = Tier::ALL.iter().position(|t| *t == self.summary.tier);
        out.push(tier.unwrap_or_default() as u8);
        varint::write(self.summary.series, &mut out);
        varint::write(self.summary.samples, &mut out);
        varint::write_signed(self.summary.min_ts.0, &mut out);
        varint::write_signed(self.summary.max_ts.0, &mut out);
        for section in [&self.series, &self.clocks, &self.chunks, &self.postings] {
            varint::write(section.offset, &mut out);
            varint::write(section.bytes, &mut out);
            varint::write(section.raw_bytes, &mut out);
            out.extend_from_slice(&section.crc.to_le_bytes());
        }
        let crc = crc32c::crc32c(&out);
        let length = out.len() as u32;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(MAGIC);
        Bytes::from(out)
    }

    /// How many bytes before the tail the footer begins, from the tail.
    pub(super) fn length_in_tail(tail: &[u8; TAIL_BYTES]) -> Result<usize, String> {
        if tail[12..] != MAGIC[..] {
            return Err("not a metrics block: wrong magic at the end".to_owned());
        }
        let number = |at: usize| {
            let bytes = tail.get(at..at + 4).and_then(|b| b.first_chunk());
            bytes.map_or(0, |b| u32::from_le_bytes(*b))
        };
        if number(8) != VERSION {
            return Err(format!("block version {} is not supported", number(8)));
        }
        usize::try_from(number(0)).map_err(|e| e.to_string())
    }

    /// Reads the footer; `object_bytes` is the size of the whole block.
    pub(super) fn parse(
        bytes: &[u8],
        tail: &[u8; TAIL_BYTES],
        object_bytes: u64,
    ) -> Result<Self, String> {
        let crc = crc32c::crc32c(bytes);
        if crc.to_le_bytes() != tail[4..8] {
            return Err(format!("footer checksum is {crc:08x}"));
        }
        let footer = Self::parse_fields(bytes).ok_or("footer is malformed")?;
        let end = object_bytes.saturating_sub((bytes.len() + TAIL_BYTES) as u64);
        for section in [footer.series, footer.clocks, footer.chunks, footer.postings] {
            if section.offset.saturating_add(section.bytes) > end {
                return Err("a section lies beyond the footer".to_owned());
            }
        }
        Ok(footer)
    }

    fn parse_fields(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let summary = BlockSummary {
            tier: *Tier::ALL.get(usize::from(reader.u8()?))?,
            series: reader.u64()?,
            samples: reader.u64()?,
            min_ts: TimestampMs(reader.i64()?),
            max_ts: TimestampMs(reader.i64()?),
        };
        let mut section = || {
            Some(Section {
                offset: reader.u64()?,
                bytes: reader.u64()?,
                raw_bytes: reader.u64()?,
                crc: u32::from_le_bytes(*reader.take(4)?.first_chunk()?),
            })
        };
        let footer = Self {
            summary,
            series: section()?,
            clocks: section()?,
            chunks: section()?,
            postings: section()?,
        };
        reader.is_empty().then_some(footer)
    }
}
