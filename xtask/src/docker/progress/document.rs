//! The documents of `--progress rawjson`, as buildx writes them.
//!
//! Plain values, for the reader alone.

use serde::Deserialize;

/// One of them.
#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    pub(super) vertexes: Vec<Vertex>,
    #[serde(default)]
    pub(super) statuses: Vec<Status>,
    #[serde(default)]
    pub(super) logs: Vec<Log>,
}

/// A step.
#[derive(Deserialize)]
pub(super) struct Vertex {
    pub(super) digest: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) cached: bool,
    pub(super) started: Option<String>,
    pub(super) completed: Option<String>,
    #[serde(default)]
    pub(super) error: String,
}

/// How far a part of a step is.
#[derive(Deserialize)]
pub(super) struct Status {
    pub(super) id: String,
    #[serde(default)]
    pub(super) vertex: String,
    #[serde(default)]
    pub(super) current: i64,
}

/// What a step said, in base64.
#[derive(Deserialize)]
pub(super) struct Log {
    pub(super) vertex: String,
    #[serde(default)]
    pub(super) data: String,
}

/// The bytes of base64 text; what is none of its signs is left out.
pub(super) fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut word: u32 = 0;
    let mut bits: u32 = 0;
    for sign in text.bytes() {
        let value = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        word = (word << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            let [.., low] = (word >> bits).to_be_bytes();
            bytes.push(low);
        }
    }
    bytes
}
