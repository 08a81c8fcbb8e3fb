//! QEMU's machine protocol: questions about a machine that no longer answers.
//!
//! Owns the control connection of one QEMU. The far end is inherited by QEMU
//! as a descriptor, so there is no socket file to find, to race for or to
//! leave behind.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// How long QEMU may take to answer. It does at once, unless it is stopped or
/// the host is overloaded.
const ANSWER: Duration = Duration::from_secs(5);

/// What QEMU tells without being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The guest reset itself; `-no-reboot` turned that into a pause.
    Reset,
    /// The guest switched the machine off, or newer QEMUs: wrote to the exit
    /// port. `quit` then ends QEMU with the exit code that belongs to it.
    Off,
    /// Somebody closed the window, or said `quit` in the monitor behind it.
    Left,
}

/// The connection.
#[derive(Debug)]
pub struct Qmp {
    stream: UnixStream,
    answers: Receiver<Value>,
}

impl Qmp {
    /// Takes over `stream`; `on_event` is called on another thread.
    pub fn new(
        mut stream: UnixStream,
        on_event: impl Fn(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let reader = BufReader::new(stream.try_clone()?);
        let (tell, answers) = mpsc::channel();
        thread::Builder::new().name("qmp".into()).spawn(move || {
            for line in reader.lines() {
                let Ok(line) = line else { break };
                let Ok(message) = serde_json::from_str::<Value>(&line) else {
                    continue;
                };
                if let Some(event) = event(&message) {
                    on_event(event);
                } else if message.get("return").is_some() || message.get("error").is_some() {
                    // Nobody waits for an answer that came too late.
                    let _ = tell.send(message);
                }
            }
        })?;
        // Answered in order, so nobody needs to wait for it now.
        let hello = json!({ "execute": "qmp_capabilities", "id": "capabilities" });
        match writeln!(stream, "{hello}") {
            // It ended at once: how, and what it said, its end tells.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
        Ok(Qmp { stream, answers })
    }

    /// The registers of all processors, as `info registers -a` prints them.
    pub fn registers(&mut self) -> Option<String> {
        // Stopped, so that all of them are of the same moment.
        self.execute("stop", json!({}))?;
        let answer = self.execute(
            "human-monitor-command",
            json!({ "command-line": "info registers -a" }),
        )?;
        Some(essential(answer.as_str()?))
    }

    /// Writes what the screen shows to `file`, as PNG if it is named so.
    pub fn screendump(&mut self, file: &str) -> Result<(), String> {
        let format = if file.to_ascii_lowercase().ends_with(".png") {
            "png"
        } else {
            "ppm"
        };
        let answer = self.ask("screendump", json!({ "filename": file, "format": format }));
        answer
            .ok_or_else(|| "QEMU did not answer".to_owned())?
            .map(|_| ())
    }

    /// Asks QEMU to end, with the guest's exit code if it has one.
    pub fn quit(&mut self) {
        // It may be gone already, which is what was asked for.
        let _ = writeln!(
            self.stream,
            "{}",
            json!({ "execute": "quit", "id": "quit" })
        );
    }

    fn execute(&mut self, command: &str, arguments: Value) -> Option<Value> {
        self.ask(command, arguments)?.ok()
    }

    /// `None` if QEMU does not answer, `Err` if it says no.
    fn ask(&mut self, command: &str, arguments: Value) -> Option<Result<Value, String>> {
        writeln!(
            self.stream,
            "{}",
            json!({ "execute": command, "arguments": arguments, "id": command })
        )
        .ok()?;
        loop {
            let mut answer = self.answers.recv_timeout(ANSWER).ok()?;
            if answer.get("id").and_then(Value::as_str) != Some(command) {
                continue;
            }
            if let Some(error) = answer.get("error") {
                return Some(Err(error["desc"]
                    .as_str()
                    .unwrap_or("no reason given")
                    .to_owned()));
            }
            return Some(Ok(answer["return"].take()));
        }
    }
}

fn event(message: &Value) -> Option<Event> {
    if message.get("event")?.as_str()? != "SHUTDOWN" {
        return None;
    }
    match message["data"]["reason"].as_str()? {
        "guest-reset" => Some(Event::Reset),
        "guest-shutdown" | "guest-panic" => Some(Event::Off),
        "host-ui" | "host-qmp-quit" => Some(Event::Left),
        // A signal: it ends QEMU by itself.
        _ => None,
    }
}

/// Without the floating-point and vector registers: the kernel has none, and
/// they are two thirds of the text.
fn essential(registers: &str) -> String {
    let keep = |line: &&str| {
        !["FCW=", "FPR", "XMM", "YMM"]
            .iter()
            .any(|unused| line.starts_with(unused))
    };
    let lines: Vec<_> = registers
        .lines()
        .map(str::trim_end)
        .filter(keep)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_guests_own_shutdowns_are_events() {
        for (reason, expected) in [
            ("guest-reset", Some(Event::Reset)),
            ("guest-shutdown", Some(Event::Off)),
            ("host-ui", Some(Event::Left)),
            ("host-signal", None),
        ] {
            let message =
                json!({ "event": "SHUTDOWN", "data": { "guest": true, "reason": reason } });
            assert_eq!(event(&message), expected, "{reason}");
        }
        assert_eq!(event(&json!({ "event": "STOP" })), None);
        assert_eq!(event(&json!({ "return": {} })), None);
    }

    #[test]
    fn floating_point_registers_are_left_out() {
        let text = "\r\nCPU#0\r\nEAX=1 EBX=2\r\nFCW=037f FSW=0000\r\nFPR0=0 FPR1=0\r\nXMM00=0 XMM01=0\r\nEFER=0\r\n";
        assert_eq!(essential(text), "CPU#0\nEAX=1 EBX=2\nEFER=0");
    }

    #[test]
    fn a_late_answer_is_not_taken_for_another_ones() {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let mut qmp = Qmp::new(ours, |_| ()).expect("a thread starts");
        let answers = "{\"return\": {}, \"id\": \"capabilities\"}\n{\"return\": \"late\", \"id\": \"x\"}\n\
                       {\"error\": {\"desc\": \"no\"}, \"id\": \"stop\"}\n";
        (&theirs)
            .write_all(answers.as_bytes())
            .expect("the buffer is large enough");
        assert_eq!(qmp.ask("stop", json!({})), Some(Err("no".to_owned())));
    }

    #[test]
    fn an_emulator_that_ended_at_once_is_no_error_of_ours() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        drop(theirs);
        let mut qmp = Qmp::new(ours, |_| {}).expect("its end tells more");
        assert_eq!(qmp.registers(), None);
    }
}
