//! How long to wait for what, and which limit expires next.
//!
//! Owns the default limits. Pure: the session asks before each wait.

use std::time::{Duration, Instant};

use super::console::Console;
use super::outcome::Limit;

/// How long to wait for what. [`Duration::MAX`] is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start to the first byte on the console.
    pub boot: Duration,
    /// From one byte to the next.
    pub silence: Duration,
    /// From the start to the end.
    pub total: Duration,
    /// From the end marker to the end.
    pub leave: Duration,
}

impl Limits {
    /// For people: none but the command's own deadline.
    pub const NONE: Limits = Limits {
        boot: Duration::MAX,
        silence: Duration::MAX,
        total: Duration::MAX,
        leave: Duration::MAX,
    };
}

impl Default for Limits {
    /// For scripts: generous to a loaded machine and to nested KVM, which
    /// takes seconds to start.
    fn default() -> Self {
        Limits {
            boot: Duration::from_secs(60),
            silence: Duration::from_secs(60),
            total: Duration::from_secs(300),
            leave: Duration::from_secs(3),
        }
    }
}

impl Limits {
    /// The limit that expires first, and when; never if there is no time.
    /// `deadline` is the end of the run as a whole.
    pub fn next(
        &self,
        started: Instant,
        deadline: Option<Instant>,
        console: &Console,
    ) -> (Limit, Option<Instant>) {
        let after = |at: Duration, length: Duration| started.checked_add(at)?.checked_add(length);
        let waiting = match console.last_byte() {
            None => (Limit::Boot, after(Duration::ZERO, self.boot)),
            Some(last) => (Limit::Silence, after(last, self.silence)),
        };
        let leaving = console
            .end_marker()
            .map(|marker| (Limit::Leave, after(marker, self.leave)));
        let all = [Some((Limit::Total, deadline)), Some(waiting), leaving];
        let expiring = all
            .into_iter()
            .flatten()
            .filter_map(|(limit, at)| Some((limit, at?)));
        match expiring.min_by_key(|(_, at)| *at) {
            Some((limit, at)) => (limit, Some(at)),
            None => (Limit::Total, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> Limits {
        Limits {
            boot: SECOND * 10,
            silence: SECOND * 5,
            total: SECOND * 100,
            leave: SECOND,
        }
    }

    #[test]
    fn the_one_that_expires_first_counts() {
        let started = Instant::now();
        let deadline = Some(started + SECOND * 100);
        let mut console = Console::default();
        assert_eq!(
            limits().next(started, deadline, &console),
            (Limit::Boot, Some(started + SECOND * 10))
        );
        console.push(SECOND * 2, b"ExoV6\n");
        assert_eq!(
            limits().next(started, deadline, &console),
            (Limit::Silence, Some(started + SECOND * 7))
        );
        console.push(SECOND * 99, b"exov6: done ok\n");
        assert_eq!(
            limits().next(started, deadline, &console),
            (Limit::Total, deadline)
        );
        console.push(SECOND * 99, b"still here\n");
        assert_eq!(
            limits().next(started, None, &console),
            (Limit::Leave, Some(started + SECOND * 100))
        );
    }

    #[test]
    fn without_limits_it_waits_for_ever() {
        assert_eq!(
            Limits::NONE.next(Instant::now(), None, &Console::default()),
            (Limit::Total, None)
        );
    }
}
