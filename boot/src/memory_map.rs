//! The memory map put in order: disjoint, sorted, below 4 GiB.
//!
//! Owns the rules by which a loader's contradictory entries become spans, of
//! which the usable ones are whole frames that nobody else claims. The caller
//! says what is in use (kernel image, modules, the first MiB if it likes).
//!
//! The rules: what any entry forbids is forbidden; then what is in use is in
//! use; then usable; what no entry mentions is in no span. Forbidding entries
//! that wrap reach to the top, usable ones that wrap are ignored.
//!
//! **Invariants**: spans ascend and don't overlap; usable ones are multiples of
//! whole frames and contain no forbidden byte and no byte in use. Kept by
//! [`MemoryMap::normalise`], the only writer; the frame allocator relies on it.

#![forbid(unsafe_code)]

use core::ops::Range;

use kernel_core::fixed_vec::FixedVec;

use crate::loader::{LoaderInfo, MAX_REGIONS, Region, RegionKind};

/// Spans that are kept at most. A BIOS map has some 20.
pub const MAX_SPANS: usize = 128;
/// Ranges in use that a caller may name.
pub const MAX_IN_USE: usize = 80;

/// Bytes of a frame.
const FRAME: u64 = kernel_core::addr::PAGE_SIZE as u64;
/// Where a 32-bit machine's memory ends.
const TOP: u64 = 1 << 32;
/// Regions to lay out: the loader's, or two made from the old fields as well.
const MAX_SOURCES: usize = MAX_REGIONS + 2;
/// Every region and range has two ends.
const MAX_CUTS: usize = 2 * (MAX_SOURCES + MAX_IN_USE);

/// What a span of memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// RAM for the taking.
    Usable,
    /// RAM that the caller said is in use.
    InUse,
    /// Not for use, in the loader's words; never [`RegionKind::Usable`].
    Firmware(RegionKind),
}

/// A piece of physical memory of one kind, `start < end <= 4 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Physical address of the first byte.
    pub start: u64,
    /// Physical address after the last byte.
    pub end: u64,
    /// What it is.
    pub kind: SpanKind,
}

/// More ranges in use than [`MAX_IN_USE`]: nothing was laid out, for what is in
/// use must not be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyInUse;

/// The memory map put in order. About 9 KiB, all zero at first: it belongs in a
/// static.
#[derive(Clone, Debug)]
pub struct MemoryMap {
    spans: FixedVec<Span, MAX_SPANS>,
    dropped_bytes: u64,
    bytes_above: u64,
    /// Here for its 6 KiB only: on a stack it would be cleared each time.
    claims: Claims,
}

impl MemoryMap {
    /// No memory.
    pub const EMPTY: Self = Self {
        spans: FixedVec::new(Span {
            start: 0,
            end: 0,
            kind: SpanKind::Firmware(RegionKind::Usable),
        }),
        dropped_bytes: 0,
        bytes_above: 0,
        claims: Claims {
            regions: FixedVec::new(Claim {
                start: 0,
                end: 0,
                kind: RegionKind::Usable,
            }),
            in_use: FixedVec::new((0, 0)),
            cuts: FixedVec::new(0),
        },
    };

    /// The spans, ascending.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The usable spans, ascending: whole frames.
    pub fn usable(&self) -> impl Iterator<Item = Range<u64>> {
        self.spans
            .iter()
            .filter(|span| span.kind == SpanKind::Usable)
            .map(|span| span.start..span.end)
    }

    /// Bytes in usable spans.
    pub fn usable_bytes(&self) -> u64 {
        self.usable().map(|span| span.end - span.start).sum()
    }

    /// Usable bytes that were left out because there were too many spans.
    pub const fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes
    }

    /// Bytes that the loader calls usable from 4 GiB on, out of our reach.
    pub const fn bytes_above(&self) -> u64 {
        self.bytes_above
    }

    /// Lays out the loader's map. `in_use` ranges are widened to whole frames;
    /// empty ones count for nothing. If the loader's map offers nothing usable,
    /// its older fields for memory below and above 1 MiB count as well.
    ///
    /// When [`MAX_SPANS`] are full the smallest usable span goes, and spans
    /// that are not usable go unmentioned: too little memory is handed out
    /// then, never wrong memory.
    ///
    /// # Errors
    /// If there are more ranges in use than can be respected.
    pub fn normalise(
        &mut self,
        info: &LoaderInfo,
        in_use: &[Range<u64>],
    ) -> Result<(), TooManyInUse> {
        self.spans.clear();
        self.dropped_bytes = 0;
        self.bytes_above = info
            .regions
            .iter()
            .map(bytes_above)
            .fold(0, u64::saturating_add);
        if in_use.len() > MAX_IN_USE {
            return Err(TooManyInUse);
        }
        self.claims.collect(info, in_use);
        let mut open: Option<Span> = None;
        for index in 1..self.claims.cuts.len() {
            let (Some(&start), Some(&end)) =
                (self.claims.cuts.get(index - 1), self.claims.cuts.get(index))
            else {
                break;
            };
            let Some(kind) = self.claims.kind_of(start) else {
                continue;
            };
            match &mut open {
                Some(span) if span.end == start && span.kind == kind => span.end = end,
                _ => {
                    let span = Span { start, end, kind };
                    if let Some(finished) = open.replace(span) {
                        self.add(finished);
                    }
                }
            }
        }
        if let Some(finished) = open {
            self.add(finished);
        }
        Ok(())
    }

    /// Adds a span above all others, or drops what is worth least.
    fn add(&mut self, mut span: Span) {
        if span.kind == SpanKind::Usable {
            // Below 4 GiB: can't wrap.
            span.start = span.start.next_multiple_of(FRAME);
            span.end -= span.end % FRAME;
            if span.start >= span.end {
                return;
            }
        }
        let Err(span) = self.spans.push(span) else {
            return;
        };
        if span.kind != SpanKind::Usable {
            return;
        }
        let size = |span: &Span| span.end - span.start;
        let smallest = self
            .spans
            .iter()
            .enumerate()
            .filter(|(_, kept)| kept.kind == SpanKind::Usable)
            .min_by_key(|(_, kept)| size(kept))
            .filter(|(_, kept)| size(kept) < size(&span));
        let dropped = match smallest {
            Some((index, &kept)) => {
                self.spans.remove(index);
                // There is room now: the push succeeds.
                self.spans.push(span).err().unwrap_or(kept)
            }
            None => span,
        };
        self.dropped_bytes = self.dropped_bytes.saturating_add(size(&dropped));
    }
}

/// Bytes of a usable region from 4 GiB on.
fn bytes_above(region: &Region) -> u64 {
    match region.start.checked_add(region.length) {
        Some(end) if region.kind == RegionKind::Usable => end.saturating_sub(region.start.max(TOP)),
        _ => 0,
    }
}

/// A claim on memory below 4 GiB, of one kind: `start < end`.
#[derive(Clone, Copy, Debug)]
struct Claim {
    start: u64,
    end: u64,
    kind: RegionKind,
}

/// Everything that is claimed, and every address at which a claim ends or
/// begins, ascending: between two such cuts memory is of one kind.
#[derive(Clone, Debug)]
struct Claims {
    regions: FixedVec<Claim, MAX_SOURCES>,
    in_use: FixedVec<(u64, u64), MAX_IN_USE>,
    cuts: FixedVec<u64, MAX_CUTS>,
}

impl Claims {
    /// Takes in the loader's regions and the caller's ranges.
    fn collect(&mut self, info: &LoaderInfo, in_use: &[Range<u64>]) {
        self.regions.clear();
        self.in_use.clear();
        self.cuts.clear();
        for region in info.regions.iter() {
            self.claim(region);
        }
        let offers = |claim: &Claim| claim.kind == RegionKind::Usable;
        if !self.regions.iter().any(offers) {
            for region in lower_and_upper(info) {
                self.claim(&region);
            }
        }
        for range in in_use {
            let start = (range.start - range.start % FRAME).min(TOP);
            let end = range.end.min(TOP).next_multiple_of(FRAME);
            // As many fit as normalise lets pass.
            if range.start < range.end && start < end && self.in_use.push((start, end)).is_ok() {
                self.cut(start);
                self.cut(end);
            }
        }
    }

    fn claim(&mut self, region: &Region) {
        let end = match region.start.checked_add(region.length) {
            Some(end) => end.min(TOP),
            None if region.kind == RegionKind::Usable => return,
            None => TOP,
        };
        let claim = Claim {
            start: region.start,
            end,
            kind: region.kind,
        };
        // All fit: there are no more than MAX_SOURCES regions.
        if claim.start < claim.end && self.regions.push(claim).is_ok() {
            self.cut(claim.start);
            self.cut(claim.end);
        }
    }

    /// Puts a cut in its place: firmware lists regions in order, so that place
    /// is nearly always at the end.
    fn cut(&mut self, address: u64) {
        let place = self.cuts.iter().rposition(|&cut| cut <= address);
        if place.and_then(|place| self.cuts.get(place)) == Some(&address) {
            return;
        }
        let place = place.map_or(0, |place| place + 1);
        // All fit: MAX_CUTS is two for each claim.
        if self.cuts.push(address).is_ok() {
            if let Some(above) = self.cuts.as_mut_slice().get_mut(place..) {
                above.rotate_right(1);
            }
        }
    }

    /// The kind of memory at a cut, up to the next one.
    fn kind_of(&self, address: u64) -> Option<SpanKind> {
        let told = self
            .regions
            .iter()
            .filter(|claim| claim.start <= address && address < claim.end)
            .map(|claim| claim.kind)
            .max_by_key(|&kind| strength(kind))?;
        Some(match told {
            RegionKind::Usable => {
                let used = |&(start, end): &(u64, u64)| start <= address && address < end;
                if self.in_use.iter().any(used) {
                    SpanKind::InUse
                } else {
                    SpanKind::Usable
                }
            }
            forbidden => SpanKind::Firmware(forbidden),
        })
    }
}

/// Which of two contradicting entries is believed: the one that allows less.
fn strength(kind: RegionKind) -> u32 {
    match kind {
        RegionKind::Usable => 0,
        RegionKind::AcpiReclaimable => 1,
        RegionKind::AcpiNvs => 2,
        RegionKind::Reserved => 3,
        // Equal for no two kinds, so that the order of entries can't matter.
        RegionKind::Other(number) => number.saturating_add(4).min(u32::MAX - 1),
        RegionKind::Bad => u32::MAX,
    }
}

/// What the older fields say: KiB from 0 on, at most 640, and from 1 MiB on.
fn lower_and_upper(info: &LoaderInfo) -> impl Iterator<Item = Region> {
    const KIB: u64 = 1024;
    const MIB: u64 = 1 << 20;
    let region = |start, kib: u32| Region {
        start,
        length: u64::from(kib) * KIB,
        kind: RegionKind::Usable,
    };
    info.lower_upper_kib
        .into_iter()
        .flat_map(move |(lower, upper)| [region(0, lower.min(640)), region(MIB, upper)])
}
