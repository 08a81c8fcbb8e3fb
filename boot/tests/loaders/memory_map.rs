//! The memory map against a model that looks at every KiB by itself.

use std::ops::Range;

use boot::{
    loader::{LoaderInfo, Region, RegionKind},
    memory_map::{MAX_IN_USE, MAX_SPANS, MemoryMap, Span, SpanKind, TooManyInUse},
};
use proptest::prelude::*;

use crate::{
    block::{Block, map_entry, read},
    recorded,
    recording::Recording,
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const FRAME: u64 = 4096;

type Entry = (u64, u64, u32);

/// A loader's word with this map, by way of a Multiboot block.
fn told(entries: &[Entry], lower_upper_kib: Option<(u32, u32)>) -> Box<LoaderInfo> {
    let mut memory = Recording::blank();
    let map: Vec<u8> = entries
        .iter()
        .flat_map(|&(start, length, kind)| {
            let kind = RegionKind::from_e820(kind);
            map_entry(
                20,
                Region {
                    start,
                    length,
                    kind,
                },
            )
        })
        .collect();
    memory.put(0x6000, &map);
    let (lower, upper) = lower_upper_kib.unwrap_or((0, 0));
    Block::new(1 << 6 | u32::from(lower_upper_kib.is_some()))
        .with(4, lower)
        .with(8, upper)
        .with(44, u32::try_from(map.len()).expect("a short map"))
        .with(48, 0x6000)
        .read(&mut memory)
}

fn normalised(info: &LoaderInfo, in_use: &[Range<u64>]) -> Box<MemoryMap> {
    let mut map = Box::new(MemoryMap::EMPTY);
    map.normalise(info, in_use).expect("few ranges in use");
    assert_in_order(&map);
    map
}

/// The invariants that need no model.
fn assert_in_order(map: &MemoryMap) {
    let mut last = 0;
    for span in map.spans() {
        assert!(last <= span.start && span.start < span.end && span.end <= 4 * GIB);
        assert_ne!(span.kind, SpanKind::Firmware(RegionKind::Usable));
        if span.kind == SpanKind::Usable {
            assert!(span.start % FRAME == 0 && span.end % FRAME == 0);
        }
        last = span.end;
    }
}

fn usable(map: &MemoryMap) -> Vec<(u64, u64)> {
    map.usable().map(|span| (span.start, span.end)).collect()
}

const RAM: u32 = 1;
const RESERVED: u32 = 2;

#[test]
fn a_recorded_pc() {
    let info = read(&recorded!("multiboot-qemu"), 0x9500);
    let image = MIB..MIB + 0x5432;
    let mut in_use = vec![image, 0..FRAME];
    in_use.extend(info.modules.iter().map(|module| module.range()));
    let map = normalised(&info, &in_use);
    let span = |start, end, kind| Span { start, end, kind };
    let reserved = SpanKind::Firmware(RegionKind::Reserved);
    assert_eq!(
        map.spans(),
        [
            span(0, 0x1000, SpanKind::InUse),
            span(0x1000, 0x9_f000, SpanKind::Usable),
            span(0x9_fc00, 0xa_0000, reserved),
            span(0xf_0000, 0x10_0000, reserved),
            span(0x10_0000, 0x10_6000, SpanKind::InUse),
            span(0x10_6000, 0xffe_0000, SpanKind::Usable),
            span(0xffe_0000, 0x1000_0000, reserved),
            span(0xfffc_0000, 4 * GIB, reserved),
        ]
    );
    assert_eq!(map.usable_bytes(), 0x9_e000 + 0xfed_a000);
    assert_eq!((map.dropped_bytes(), map.bytes_above()), (0, 0));
}

#[test]
fn a_recorded_pc_with_3_gb() {
    let info = read(&recorded!("multiboot-qemu-3g"), 0x9500);
    let map = normalised(&info, &[]);
    // q35 puts what is above 2 GiB behind the 4 GiB that we see.
    assert_eq!(map.bytes_above(), GIB);
    assert_eq!(usable(&map), [(0, 0x9_f000), (MIB, 0x7ffd_f000)]);
}

#[test]
fn reserved_wins_and_wraps_reach_the_top() {
    let map = normalised(
        &told(
            &[
                (0, 16 * MIB, RAM),
                (4 * MIB, 4 * MIB, RESERVED),
                (6 * MIB, 4 * MIB, RAM),
                (12 * MIB, u64::MAX, RESERVED),
                (MIB, u64::MAX, RAM),
            ],
            None,
        ),
        &[],
    );
    assert_eq!(usable(&map), [(0, 4 * MIB), (8 * MIB, 12 * MIB)]);
}

#[test]
fn usable_entries_that_wrap_are_ignored() {
    let map = normalised(&told(&[(MIB, u64::MAX, RAM), (0, MIB, RAM)], None), &[]);
    assert_eq!(usable(&map), [(0, MIB)]);
    let map = normalised(&told(&[(u64::MAX, 1, RAM)], None), &[]);
    assert_eq!((usable(&map), map.bytes_above()), (vec![], 0));
}

#[test]
fn frames_are_whole_after_merging() {
    // Two halves of one frame make a frame; a lone half makes none.
    let map = normalised(
        &told(&[(0x1000, 0x800, RAM), (0x1800, 0x900, RAM)], None),
        &[],
    );
    assert_eq!(usable(&map), [(0x1000, 0x2000)]);
    let map = normalised(&told(&[(0x1800, 0x1000, RAM)], None), &[]);
    assert_eq!(usable(&map), []);
}

#[test]
fn the_older_fields_serve_when_the_map_offers_nothing() {
    let map = normalised(&told(&[], Some((639, 7 * 1024))), &[]);
    assert_eq!(usable(&map), [(0, 0x9_f000), (MIB, 8 * MIB)]);
    // What the map forbids stays forbidden.
    let map = normalised(
        &told(&[(4 * MIB, MIB, RESERVED)], Some((u32::MAX, u32::MAX))),
        &[],
    );
    assert_eq!(
        usable(&map),
        [(0, 640 * KIB), (MIB, 4 * MIB), (5 * MIB, 4 * GIB)]
    );
    // They are not asked when the map offers anything.
    let map = normalised(&told(&[(MIB, MIB, RAM)], Some((639, 7 * 1024))), &[]);
    assert_eq!(usable(&map), [(MIB, 2 * MIB)]);
}

#[test]
fn ranges_in_use_beyond_capacity_are_an_error() {
    let info = told(&[(0, 64 * MIB, RAM)], None);
    let mut map = Box::new(MemoryMap::EMPTY);
    let many = vec![0..1; MAX_IN_USE + 1];
    assert_eq!(map.normalise(&info, &many), Err(TooManyInUse));
    assert_eq!(usable(&map), []);
}

#[test]
fn odd_ranges_in_use_do_no_harm() {
    let info = told(&[(0, 64 * MIB, RAM)], None);
    #[expect(clippy::reversed_empty_ranges, reason = "a hostile range is reversed")]
    let odd = [
        5 * MIB..4 * MIB,
        MIB..MIB,
        63 * MIB + 1..u64::MAX,
        5 * GIB..6 * GIB,
    ];
    assert_eq!(usable(&normalised(&info, &odd)), [(0, 63 * MIB)]);
}

/// The map of 128 usable spans of these many frames, holes between them, ten
/// of which begin with a frame in use: ten spans too many.
fn overfull(frames: impl Fn(u64) -> u64) -> Box<MemoryMap> {
    let entries: Vec<Entry> = (0..128u64)
        .map(|index| (index * 16 * MIB, frames(index) * FRAME, RAM))
        .collect();
    let in_use: Vec<Range<u64>> = (20..30u64)
        .map(|index| index * 16 * MIB..index * 16 * MIB + FRAME)
        .collect();
    normalised(&told(&entries, None), &in_use)
}

#[test]
fn when_spans_run_out_the_smallest_usable_goes() {
    // Small ones first: they make room for the larger ones at the end.
    let map = overfull(|index| 300 + index);
    assert_eq!(map.spans().len(), MAX_SPANS);
    let smallest = map.usable().map(|span| span.end - span.start).min();
    assert_eq!(smallest, Some(310 * FRAME));
    assert_eq!(map.dropped_bytes(), (300..310).sum::<u64>() * FRAME);
    // Small ones last: they find no room.
    let map = overfull(|index| 500 - index);
    let smallest = map.usable().map(|span| span.end - span.start).min();
    assert_eq!(smallest, Some((500 - 117) * FRAME));
    let dropped = (118..128).map(|index| 500 - index).sum::<u64>();
    assert_eq!(map.dropped_bytes(), dropped * FRAME);
}

/// Starts, lengths and kinds in a small space, where they collide.
fn entries(most: usize) -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(
        (0..SPACE, 0..40u64, 0..7u32)
            .prop_map(|(start, length, kind)| (start * KIB, length * KIB, kind.max(1))),
        0..most,
    )
}

/// KiB in the small space.
const SPACE: u64 = 200;

/// What one KiB is, by the rules as the module states them.
fn model(entries: &[Entry], in_use: &[Range<u64>], kib: u64) -> Option<SpanKind> {
    let address = kib * KIB;
    let covers = |start: u64, end: u64| start <= address && address < end;
    let told: Vec<u32> = entries
        .iter()
        .filter(|(start, length, _)| covers(*start, start + length))
        .map(|entry| entry.2)
        .collect();
    // Which of several forbidding kinds is named: 5, then unknown ones by
    // number, then 2, 4, 3.
    let forbidding = [5, 6, 2, 4, 3].into_iter().find(|kind| told.contains(kind));
    if let Some(kind) = forbidding {
        return Some(SpanKind::Firmware(RegionKind::from_e820(kind)));
    }
    if !told.contains(&1) {
        return None;
    }
    let frame_covered = |range: &Range<u64>| {
        range.start < range.end
            && covers(
                range.start / FRAME * FRAME,
                range.end.next_multiple_of(FRAME),
            )
    };
    if in_use.iter().any(frame_covered) {
        Some(SpanKind::InUse)
    } else {
        Some(SpanKind::Usable)
    }
}

fn kind_at(map: &MemoryMap, kib: u64) -> Option<SpanKind> {
    let address = kib * KIB;
    map.spans()
        .iter()
        .find(|span| span.start <= address && address < span.end)
        .map(|span| span.kind)
}

proptest! {
    /// Frame for frame what the model says.
    #[test]
    fn agrees_with_the_model(
        entries in entries(20),
        in_use in prop::collection::vec((0..SPACE, 0..20u64), 0..6),
    ) {
        let in_use: Vec<Range<u64>> = in_use
            .into_iter()
            .map(|(start, length)| start * KIB..(start + length) * KIB)
            .collect();
        let map = normalised(&told(&entries, None), &in_use);
        for frame in 0..SPACE / 4 + 12 {
            let kibs = frame * 4..frame * 4 + 4;
            let expected: Vec<_> = kibs.clone().map(|kib| model(&entries, &in_use, kib)).collect();
            let whole = expected.iter().all(|kind| *kind == Some(SpanKind::Usable));
            for (kib, expected) in kibs.zip(expected) {
                let expected = match expected {
                    Some(SpanKind::Usable) if !whole => None,
                    other => other,
                };
                prop_assert_eq!(kind_at(&map, kib), expected, "KiB {}", kib);
            }
        }
    }

    /// With more entries than fit: nothing that the model forbids is offered.
    #[test]
    fn never_offers_what_is_forbidden(entries in entries(400)) {
        let map = normalised(&told(&entries, None), &[]);
        for range in map.usable() {
            for kib in range.start / KIB..range.end / KIB {
                prop_assert_eq!(model(&entries, &[], kib), Some(SpanKind::Usable));
            }
        }
    }

    /// Numbers of any size: in order, and clear of what is in use.
    #[test]
    fn any_numbers(
        entries in prop::collection::vec(
            (any::<u64>(), any::<u64>(), 0..7u32).prop_map(|(start, length, kind)| {
                // Spread over all magnitudes.
                (start >> (start & 63), length >> (length & 63), kind)
            }),
            0..60,
        ),
        in_use in prop::collection::vec(any::<(u32, u32)>(), 0..MAX_IN_USE),
        older in any::<Option<(u32, u32)>>(),
    ) {
        let in_use: Vec<Range<u64>> = in_use
            .into_iter()
            .map(|(start, end)| u64::from(start)..u64::from(end))
            .collect();
        let map = normalised(&told(&entries, older), &in_use);
        for usable in map.usable() {
            for used in in_use.iter().filter(|used| used.start < used.end) {
                prop_assert!(used.end <= usable.start || usable.end <= used.start);
            }
            for (start, length, kind) in &entries {
                let end = start.saturating_add(*length);
                let clear = end <= usable.start || usable.end <= *start;
                prop_assert!(*kind == 1 || *length == 0 || clear);
            }
        }
    }
}
