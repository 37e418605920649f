//! One run of a command: wall time, peak memory, output.

use std::{process::Command, time::Instant};

use crate::options::Options;

/// What one run gave.
pub struct Measured {
    /// Wall time, process start and end included.
    pub seconds: f64,
    /// Peak resident memory, where the machine tells.
    pub kib: Option<u64>,
    /// What it printed.
    pub stdout: String,
}

/// Runs a command, through the `measure` helper where it could be built.
pub fn run(command: &mut Command, options: &Options) -> Result<Measured, String> {
    let helper = options.native.join("measure");
    let result = options.native.join("measured.txt");
    let mut wrapped = Command::new(&helper);
    wrapped.arg(&result).arg(command.get_program()).args(command.get_args());
    let helped = helper.exists();
    let command = if helped { &mut wrapped } else { command };

    let start = Instant::now();
    let output = command
        .output()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let mut seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(format!(
            "{}\n{}",
            String::from_utf8_lossy(&output.stderr).trim(),
            output.status
        ));
    }
    let mut kib = None;
    if helped {
        let text = std::fs::read_to_string(&result)
            .map_err(|error| format!("{}: {error}", result.display()))?;
        let mut words = text.split_whitespace();
        seconds =
            words.next().and_then(|word| word.parse().ok()).ok_or("the helper wrote no time")?;
        kib = words.next().and_then(|word| word.parse().ok());
    }
    Ok(Measured { seconds, kib, stdout: String::from_utf8_lossy(&output.stdout).into_owned() })
}
