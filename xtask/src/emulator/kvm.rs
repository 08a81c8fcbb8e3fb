//! Whether a host's KVM can run an i386 kernel at all.
//!
//! Owns the question that is asked after a machine under KVM reset itself:
//! some KVMs (PVM, on hosts that are guests themselves) start a 32-bit guest
//! and then refuse it any paging outside of long mode. Without the answer, a
//! person looks for a fault in the kernel that is not there.

use std::fs;
use std::time::Duration;

use crate::context::Context;
use crate::failure::{Doing, Result};
use crate::machine::Accel;
use crate::testing::verdict::{self, Verdict};
use crate::tiny::Behaviour;

use super::spec::{Boot, Leaving, MachineSpec};
use super::{End, Limits, Outcome, Session};

/// What to say when it is the host's KVM that cannot.
const CANNOT_PAGE: &str = "this host's KVM cannot run an i386 kernel: a program that only turns 32-bit \
     paging on ends the same way\nuse --accel tcg, the default";

/// Nested KVM takes seconds to start a machine.
const LONGEST: Duration = Duration::from_secs(20);

/// The advice for a run that ended so; none unless KVM was used, the machine
/// reset itself, and the smallest program does the same.
///
/// # Errors
/// If the program could not be tried.
pub fn advice(cx: &Context, spec: &MachineSpec, outcome: &Outcome) -> Result<Option<&'static str>> {
    if !is_in_question(spec.accel, &outcome.end) {
        return Ok(None);
    }
    let folder = cx.project.target();
    fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
    let kernel = folder.join("paging.elf");
    fs::write(&kernel, Behaviour::Paging.elf())
        .doing(format_args!("writing {}", kernel.display()))?;
    let probe = MachineSpec {
        cpu: spec.cpu,
        accel: Accel::Kvm,
        smp: 1,
        ..MachineSpec::new(Boot::Kernel(kernel))
    };
    let limits = Limits {
        total: LONGEST,
        ..Limits::default()
    };
    let probed = Session::start(cx, &probe, limits)?.finish();
    let can = verdict::judge(&probed, Leaving::ExitPort) == Verdict::Passed;
    Ok((!can).then_some(CANNOT_PAGE))
}

fn is_in_question(accel: Accel, end: &End) -> bool {
    accel == Accel::Kvm && *end == End::Reset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reset_under_kvm_raises_the_question() {
        assert!(is_in_question(Accel::Kvm, &End::Reset));
        assert!(!is_in_question(Accel::Tcg, &End::Reset));
        assert!(!is_in_question(Accel::Kvm, &End::Exited(35)));
    }
}
