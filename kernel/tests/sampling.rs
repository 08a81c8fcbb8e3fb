//! Samples of where threads are.

use abi::layout::thread::{SAMPLED_PC_PERIODIC, SAMPLED_PC_VM_FAULTS_ANY};
use alloc::vec::Vec;
use kernel_core::addr::PAGE_SIZE;
use kernel_core::vm::map::Protection;

use super::threads::{mapped, until_ended};
use super::user::{CODE, prepare, resume};
use crate::ktest::case;
use crate::mm::heap;
use crate::sched;
use crate::task::UserThread;
use crate::task::sampling::{MOST, NotSampled, Sampler};

/// `jmp .`
const SPINS: &[u8] = &[0xeb, 0xfe];

/// Writes to each of 540 pages from 0x10000000 on; then spins.
const TOUCHES: &[u8] = &[
    0xbf, 0, 0, 0, 0x10, 0xb9, 0x1c, 0x02, 0, 0, // mov edi, 0x10000000; mov ecx, 540
    0x89, 0x07, 0x81, 0xc7, 0, 0x10, 0, 0, // mov [edi], eax; add edi, 4096
    0x49, 0x75, 0xf5, 0xeb, 0xfe, // dec ecx; jnz: mov; jmp .
];

fn pcs(sampler: &Sampler, from: u32) -> Result<(Vec<u32>, u32), NotSampled> {
    let mut samples = Vec::with_capacity(MOST);
    let next = sampler.samples(from, &mut samples)?;
    Ok((samples.iter().map(|sample| sample.pc).collect(), next))
}

fn until_there_are(sampler: &Sampler, count: u32) {
    const PATIENCE: u32 = 2000;
    for _ in 0..PATIENCE {
        if pcs(sampler, 0).is_ok_and(|(_, next)| next >= count) {
            return;
        }
        sched::assert_wait();
        sched::block_for(1);
    }
    panic!("it is not sampled");
}

case! {
    fn are_of_ticks() {
        let before = mapped();
        let (task, thread) = prepare(SPINS);
        let user = thread.upper::<UserThread>().expect("it is a user's");
        let both = [task.sampler(), user.sampler()];
        for sampler in both {
            assert_eq!(pcs(sampler, 0), Err(NotSampled));
            assert_eq!(sampler.enable(SAMPLED_PC_PERIODIC), Ok(()));
        }
        resume(&thread);
        for sampler in both {
            until_there_are(sampler, 8);
            let (found, next) = pcs(sampler, 0).expect("it is sampled");
            assert!(found.iter().all(|pc| *pc == CODE.as_u32()), "{found:x?}");
            assert_eq!(pcs(sampler, u32::MAX).map(|(found, _)| found.len()), Ok(0));
            // Only the last, and those that came meanwhile.
            let (last, later) = pcs(sampler, next - 1).expect("it is sampled");
            assert_eq!(last.len() as u32, later - (next - 1));
            assert!(sampler.disable() >= next);
            assert_eq!(pcs(sampler, 0), Err(NotSampled));
        }
        task.terminate();
        drop((task, thread));
        until_ended(before);
    }

    fn are_the_last_ones() {
        const PAGES: u32 = MOST as u32 + 28;
        assert_eq!(TOUCHES[6..10], PAGES.to_le_bytes());
        let (task, thread) = prepare(TOUCHES);
        let size = PAGES * PAGE_SIZE;
        let at = task.space().allocate_at(0x1000_0000, size, Protection::DEFAULT);
        assert_eq!(at, Ok(0x1000_0000));
        assert_eq!(task.sampler().enable(SAMPLED_PC_VM_FAULTS_ANY), Ok(()));
        resume(&thread);
        until_there_are(task.sampler(), PAGES);
        let (found, next) = pcs(task.sampler(), 0).expect("it is sampled");
        assert_eq!(found.len(), MOST);
        assert!(next >= PAGES);
        assert!(found.iter().all(|pc| *pc == CODE.as_u32() + 10), "{found:x?}");
        // Another kind from now on, and the same count.
        assert_eq!(task.sampler().enable(SAMPLED_PC_PERIODIC), Ok(()));
        until_there_are(task.sampler(), next + 2);
        task.terminate();
    }

    fn go_with_the_task() {
        let before = mapped();
        let used = heap::used_bytes();
        for _ in 0..4 {
            let (task, thread) = prepare(SPINS);
            let user = thread.upper::<UserThread>().expect("it is a user's");
            assert_eq!(user.sampler().enable(SAMPLED_PC_PERIODIC), Ok(()));
            assert_eq!(task.sampler().enable(SAMPLED_PC_PERIODIC), Ok(()));
            resume(&thread);
            until_there_are(task.sampler(), 1);
            task.terminate();
            drop((task, thread));
            until_ended(before);
        }
        // Tables may have grown, by less than the samples of one.
        assert!(heap::used_bytes() < used + MOST * 12);
    }
}
