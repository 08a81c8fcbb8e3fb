//! The containers, through the real tool and a real engine.
//!
//! Run by `cargo xtask test --ring docker`, which skips all of it where no
//! engine can be had. What takes longer than a CI run can spare is marked
//! `#[ignore]`: the nightly setting runs it.
