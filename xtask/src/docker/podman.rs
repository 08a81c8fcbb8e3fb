//! What podman says while it builds.
//!
//! Owns the reading of `podman build`'s plain lines, into the same
//! [`Heard`] that buildx's documents go into. Pure.

use super::progress::{End, Event, Heard};

/// Reads the next line of podman's output.
pub fn line(heard: &mut Heard, line: &str) -> Vec<Event> {
    if let Some(name) = step(line) {
        return heard.begin(name);
    }
    if line.starts_with("--> Using cache") {
        return heard.end(End::Cached);
    }
    if let Some(id) = line.strip_prefix("--> ") {
        // Also "--> Pushing cache": no end of a step.
        let is_id = id.len() >= 10 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        return if is_id {
            heard.end(End::Built)
        } else {
            Vec::new()
        };
    }
    if line.starts_with("Error: ") || line.starts_with("error: ") {
        return heard.fail(line);
    }
    heard.say(line)
}

/// `[2/4] STEP 3/7: RUN x` and `STEP 3/7: RUN x`, as buildx would name it.
fn step(line: &str) -> Option<String> {
    let (stage, rest) = match line.strip_prefix('[') {
        Some(rest) => {
            let (stage, rest) = rest.split_once("] ")?;
            (format!("{stage} "), rest)
        }
        None => (String::new(), line),
    };
    let (number, instruction) = rest.strip_prefix("STEP ")?.split_once(": ")?;
    Some(format!("[{stage}{number}] {instruction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Heard, Vec<Event>) {
        let mut heard = Heard::default();
        let events = text
            .lines()
            .flat_map(|text| line(&mut heard, text))
            .collect();
        (heard, events)
    }

    #[test]
    fn cached_and_built_steps_are_told_apart() {
        let (heard, events) = read(
            "[1/2] STEP 1/3: FROM i386/debian:bookworm AS toolchain\n\
             [1/2] STEP 2/3: COPY a b\n\
             --> Using cache 0f0f0f0f0f0f0f0f\n\
             --> 0f0f0f0f0f0\n\
             [1/2] STEP 3/3: RUN make\n\
             cc -o x x.c\n\
             --> 00aa11bb22cc\n\
             COMMIT exov6-i386:test\n\
             Successfully tagged localhost/exov6-i386:test\n",
        );
        let layers = heard.layers();
        assert_eq!((layers.cached, layers.built), (1, 1));
        assert!(events.contains(&Event::Said("cc -o x x.c".to_owned())));
        assert!(events.contains(&Event::Cached("[1/2 2/3] COPY a b".to_owned())));
    }

    #[test]
    fn a_failed_step_is_named_with_its_last_words() {
        let (heard, _) = read(
            "STEP 2/2: RUN false\n\
             no luck\n\
             Error: building at STEP \"RUN false\": while running runtime: exit status 1\n",
        );
        let broken = heard.broken().expect("one failed");
        assert_eq!(broken.name, "[2/2] RUN false");
        assert_eq!(broken.said, ["no luck"]);
        assert!(broken.error.contains("exit status 1"));
    }
}
