//! How a session ends: the emulator's last words, and what it all amounts to.
//!
//! The invariants are those of the session.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::{Event, Open, Session};
use crate::emulator::outcome::{End, Outcome};
use crate::emulator::start::Control;
use crate::emulator::streams::Said;
use crate::process;

/// How long the last words may take to arrive after the emulator is reaped:
/// they are in a pipe already.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn end_by_itself(&self, status: ExitStatus) -> End {
        match (&self.control, status.code(), status.signal()) {
            (Control::Bochs(monitor), ..) if monitor.saw_triple_fault() => End::Reset,
            (_, Some(code), _) => End::Exited(code),
            (_, None, signal) => End::Signalled(signal.unwrap_or_default()),
        }
    }

    /// Ends the emulator for this reason, after asking it what it still knows.
    pub(super) fn conclude(&mut self, end: End) {
        if self.end.is_some() {
            return;
        }
        let at = Instant::now();
        if let Some(companion) = &mut self.companion {
            // First, or it would complain that its machine is gone.
            companion.end(process::GRACE);
        }
        if matches!(end, End::Deadline(_) | End::Reset) {
            self.registers = match &mut self.control {
                Control::Qmp(qmp) => qmp.registers(),
                Control::Bochs(monitor) => monitor.registers(&self.child),
            };
        }
        if let (Control::Qmp(qmp), Some(file)) = (&mut self.control, &self.screenshot) {
            self.screenshot_error = qmp.screendump(&file.to_string_lossy()).err();
        }
        self.child.end(process::GRACE);
        self.settle(end, at);
    }

    /// Takes in the last words of an emulator that is gone.
    pub(super) fn settle(&mut self, end: End, at: Instant) {
        self.end = Some(end);
        self.elapsed = at.saturating_duration_since(self.started);
        let deadline = Instant::now() + LAST_WORDS;
        while self.console_open == Open::Yes {
            match self
                .events
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(Event::Console(Said::Bytes(at, bytes))) => {
                    self.console
                        .push(at.saturating_duration_since(self.started), &bytes);
                }
                Ok(Event::Console(Said::Nothing)) => self.console_open = Open::No,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        self.transcript.wait_for_end(deadline);
    }

    pub(super) fn into_outcome(mut self) -> Outcome {
        // QEMU reports each signal, our own SIGTERM too; that is no news.
        let our_own = format!("from pid {} (", std::process::id());
        let text = self.transcript.text();
        let mut stderr: String = text
            .split_inclusive('\n')
            .filter(|line| !line.contains(&our_own))
            .collect();
        if let Control::Bochs(monitor) = &self.control {
            stderr = monitor.complaints();
        }
        if let Some(error) = &self.screenshot_error {
            stderr.push_str(&format!("the screenshot failed: {error}\n"));
        }
        let console = std::mem::take(&mut self.console);
        Outcome {
            end: self.end.unwrap_or(End::Stopped),
            first_byte: console.first_byte(),
            serial: console.into_lines(),
            stderr,
            registers: self.registers.take(),
            elapsed: self.elapsed,
        }
    }
}
